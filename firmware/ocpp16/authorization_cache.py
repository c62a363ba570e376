# Cold: the authorization cache, what the central system said of a tag.
#
# Tags are spread over buckets by a hash, one small file each, so a look-up reads one file; a full bucket gives up an invalid
# entry first, then its oldest valid one (AUTH-09). A generation number empties all buckets at once and atomically (ClearCache).
# Bucket: version, generation, then entries of 50 bytes: status, when (4), expiryDate or 0 (4), parent (1 + 20), tag (20, then
# zeros).
from binascii import crc32
from struct import pack_into, unpack_from

import cold

_STATUSES = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
_BUCKETS = 64
_PER_BUCKET = 28  # 1,000 tags make a bucket overflow hardly ever
_ENTRY = 50
_TAG = 30
_TAG_SIZE = 20
_VERSION = 1
_GENERATION = "cache"


def put(cp, tag, info):
    """Remember an idTagInfo of the central system."""
    expiry = 0
    if info.get("expiryDate"):
        expiry = min(max(1, cold.call("iso8601", "parse", info["expiryDate"])), 0xFFFFFFFF)
    key, parent = _key(tag), info.get("parentIdTag", "").encode()
    if len(key) > _TAG_SIZE or len(parent) > _TAG_SIZE:  # not ASCII: asked for each time
        return
    entry = bytearray(_ENTRY)
    pack_into("<BIIB", entry, 0, _STATUSES.index(info["status"]), cp.clock.utc() or 0, expiry, len(parent))
    entry[10 : 10 + len(parent)] = parent
    entry[_TAG : _TAG + len(key)] = key
    _put(cp, key, entry)


def clear(cp):
    """Empty the cache."""
    data = cp.store.read(_GENERATION)
    generation = ((data[0] if data else 0) + 1) & 255
    if generation == 0:  # buckets of the last round would look fresh again
        for k in range(_BUCKETS):
            cp.store.remove(_GENERATION + str(k))
    cp.store.write(_GENERATION, bytes((generation,)))


def find(cp, tag):
    """(status, expiry or 0, parent or None) as last received, or None."""
    key = _key(tag)
    data = _bucket(cp, key)
    at = _place(data, key)
    if at < 0:
        return None
    status, _, expiry, size = unpack_from("<BIIB", data, at)
    return _STATUSES[status], expiry, bytes(data[at + 10 : at + 10 + size]).decode() or None


def _put(cp, key, entry):
    data = _bucket(cp, key)
    at = _place(data, key)
    if at >= 0:
        if data[at] == entry[0] and data[at + 5 : at + _ENTRY] == entry[5:]:
            return  # known already: no write
        data[at : at + _ENTRY] = entry
    else:
        if len(data) >= 2 + _PER_BUCKET * _ENTRY:
            at = _victim(data)
            data = data[:at] + data[at + _ENTRY :]
        data += entry
    cp.store.write(_name(key), data)


def _bucket(cp, key):
    generation = cp.store.read(_GENERATION)
    generation = generation[0] if generation else 0
    data = cp.store.read(_name(key))
    if not data or data[0] != _VERSION or data[1] != generation or (len(data) - 2) % _ENTRY:
        return bytearray((_VERSION, generation))
    return bytearray(data)


def _key(tag):
    return tag.lower().encode()


def _name(key):
    return _GENERATION + str(crc32(key) % _BUCKETS)


def _place(data, key):
    if len(key) <= _TAG_SIZE:
        key += bytes(_TAG_SIZE - len(key))
        for at in range(2, len(data), _ENTRY):
            if data[at + _TAG : at + _ENTRY] == key:
                return at
    return -1


def _victim(data):
    """The place of the oldest entry that is not Accepted, else of the oldest."""
    best, best_rank = 2, None
    for at in range(2, len(data), _ENTRY):
        status, when = unpack_from("<BI", data, at)
        rank = (status == 0, when)
        if best_rank is None or rank < best_rank:
            best, best_rank = at, rank
    return best
