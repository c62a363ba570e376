# The local authorization list on flash (LAL rows). Cold: looked into for one tag at a time, never in RAM as a whole.
#
# File: version of the format, listVersion (8), then entries of 46 bytes, sorted by tag: tag in lower case (20, then zeros),
# status, expiryDate or 0 (4), parent (1 + 20). No file: an empty list, whose version is 0 (LAL-02).
# NEWS: the first entries of a message that is being read, in runs that are sorted; GONE in place of a status: to be removed.
from struct import unpack_from

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


NAME = "locallist"
NEWS = "locallist.new"
RUN = 20  # entries
FORMAT = b"\x01"
HEAD_SIZE = 9
ENTRY_SIZE = 46
TAG_SIZE = 20
STATUSES = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
GONE = 255
_STATUS = const(20)
_PARENT = const(26)
_ENOENT = const(2)


def opened(cp):
    """(file, listVersion, count of entries), the file at its first entry; None where there is no list."""
    try:
        f = open(cp.store.path(NAME), "rb")
    except OSError as e:
        if e.args[0] != _ENOENT:
            raise
        return None
    size = f.seek(0, 2) - HEAD_SIZE
    f.seek(0)
    head = f.read(HEAD_SIZE)
    if size <= 0 or size % ENTRY_SIZE or head[:1] != FORMAT:
        f.close()
        cp.log.error("ocpp", "the local list on flash can not be read")
        return None
    return f, unpack_from("<q", head, 1)[0], size // ENTRY_SIZE


def version(cp):
    """The listVersion, 0 of an empty list."""
    there = opened(cp)
    if not there:
        return 0
    there[0].close()
    return there[1]


def key_of(tag):
    """The tag as it is in an entry (LAL-07), or None if it does not fit into one."""
    key = tag.lower().encode()
    return key + bytes(TAG_SIZE - len(key)) if 0 < len(key) <= TAG_SIZE else None


def find(cp, tag):
    """(status, expiryDate or 0, parentIdTag or None) of a tag, None if it is not on the list."""
    key = key_of(tag)
    there = key and opened(cp)
    if not there:
        return None
    f, _, high = there
    try:
        low = 0
        while low < high:
            middle = (low + high) >> 1
            f.seek(HEAD_SIZE + middle * ENTRY_SIZE)
            entry = f.read(ENTRY_SIZE)
            here = entry[:TAG_SIZE]
            if here == key:
                status, expiry, size = unpack_from("<BIB", entry, _STATUS)
                return STATUSES[status], expiry, entry[_PARENT : _PARENT + size].decode() or None
            if here < key:
                low = middle + 1
            else:
                high = middle
    finally:
        f.close()
    return None
