# The authorization cache: what the central system said of a tag, on flash, found by reading one small file.
#
# Tags are spread over buckets by a hash, one file each; a full bucket gives up an invalid entry first, then its oldest valid
# one (AUTH-09). A generation number empties all of them at once and atomically (ClearCache).
# Bucket: version, generation, then entries of 50 bytes: status, when (4), expiryDate or 0 (4), parent (1 + 20), tag (20, filled with zeros).
from binascii import crc32
from struct import pack_into, unpack_from

_BUCKETS = 32
_PER_BUCKET = 48  # 1,000 tags leave no bucket full but by bad luck
_ENTRY = 50
_TAG = 30
_VERSION = 1
_GENERATION = "cache"
STATUSES = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
MAX_TAGS = 1000


class AuthorizationCache:
    def __init__(self, store, clock):
        self._store = store
        self._clock = clock
        data = store.read(_GENERATION)
        self._generation = data[0] if data else 0

    def find(self, tag):
        """idTagInfo of `tag` as it was last received (expiryDate as seconds since 2000), or None."""
        data = self._bucket(tag)
        at = _place(data, _key(tag))
        if at < 0:
            return None
        status, _, expiry, size = unpack_from("<BIIB", data, at)
        info = {"status": STATUSES[status]}
        if expiry:
            info["expiryDate"] = expiry
        if size:
            info["parentIdTag"] = bytes(data[at + 10 : at + 10 + size]).decode()
        return info

    def put(self, tag, status, expiry=0, parent=""):
        """Remember; nothing is written when it is known already."""
        data = self._bucket(tag)
        key = _key(tag)
        at = _place(data, key)
        entry = bytearray(_ENTRY)
        parent = parent.encode()
        pack_into("<BIIB", entry, 0, STATUSES.index(status), self._clock.utc() or 0, expiry, len(parent))
        entry[10 : 10 + len(parent)] = parent
        entry[_TAG : _TAG + len(key)] = key
        if at >= 0:
            if data[at] == entry[0] and data[at + 5 : at + _ENTRY] == entry[5:]:
                return
            data[at : at + _ENTRY] = entry
        else:
            if len(data) >= 2 + _PER_BUCKET * _ENTRY:
                at = _victim(data)
                data[at : at + _ENTRY] = b""
            data += entry
        self._store.write(_name(tag), data)

    def clear(self):
        self._generation = (self._generation + 1) & 255
        self._store.write(_GENERATION, bytes((self._generation,)))
        if self._generation == 0:  # buckets of the last round could look fresh again
            for k in range(_BUCKETS):
                self._store.remove("cache%d" % k)

    def _bucket(self, tag):
        data = self._store.read(_name(tag))
        if not data or data[0] != _VERSION or data[1] != self._generation or (len(data) - 2) % _ENTRY:
            return bytearray((_VERSION, self._generation))
        return bytearray(data)


def _key(tag):
    return tag.lower().encode()


def _name(tag):
    return "cache%d" % (crc32(_key(tag)) % _BUCKETS)


def _place(data, key):
    for at in range(2, len(data), _ENTRY):
        if data[at + _TAG : at + _TAG + len(key)] == key and (len(key) == 20 or data[at + _TAG + len(key)] == 0):
            return at
    return -1


def _victim(data):
    """The place of the oldest entry that is not Accepted, or of the oldest one."""
    best = None
    for at in range(2, len(data), _ENTRY):
        status, when = unpack_from("<BI", data, at)
        rank = (status == 0, when)
        if best is None or rank < best[0]:
            best = (rank, at)
    return best[1]
