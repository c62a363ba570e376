# The file of charging profiles: a version byte, then a record for each profile, head and periods. Little endian. Cold.
from struct import unpack

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


VERSION = b"\x01"
# connectorId, purpose, stackLevel, kind and unit; chargingProfileId, validFrom, validTo, start; duration, count of periods.
# Purpose: 0 ChargePointMaxProfile, 1 TxDefaultProfile, 2 TxProfile. Kind: 0 Absolute, 1 Daily, 2 Weekly, 3 Relative, plus 8 for
# watts. Times are seconds since 2000, NEVER_BEFORE and NEVER for none; duration in s, 0 for none.
HEAD = "<BBBBiiiiIB"
_HEAD_SIZE = const(25)
# startPeriod in s, limit in tenths of A or W, numberPhases or 0.
PERIOD = "<IIB"
_PERIOD_SIZE = const(9)

NEVER_BEFORE = -(1 << 31)
NEVER = (1 << 31) - 1

PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")


def heads(f):
    """(place of the periods, fields of HEAD) of each record; nothing of a file of another version."""
    f.seek(0)
    if f.read(1) != VERSION:
        return
    at = 1
    while True:
        f.seek(at)
        data = f.read(_HEAD_SIZE)
        if len(data) < _HEAD_SIZE:
            return
        head = unpack(HEAD, data)
        at += _HEAD_SIZE
        yield at, head
        at += _PERIOD_SIZE * head[9]
