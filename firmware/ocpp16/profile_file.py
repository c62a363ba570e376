# The file of charging profiles: a version byte, then a record for each profile, head and periods. Little endian. Cold.
from struct import unpack

VERSION = b"\x01"
# connectorId, purpose, stackLevel, kind and unit; chargingProfileId, validFrom, validTo, start; duration, count of periods.
# Times are seconds since 2000, NEVER_BEFORE and NEVER for none; duration in s, 0 for none.
HEAD = "<BBBBiiiiIB"
HEAD_SIZE = 25
# startPeriod in s, limit in tenths of A or W, numberPhases or 0.
PERIOD = "<IIB"
PERIOD_SIZE = 9

NEVER_BEFORE = -(1 << 31)
NEVER = (1 << 31) - 1

PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
MAX, TX_DEFAULT, TX = range(3)
ABSOLUTE, DAILY, WEEKLY, RELATIVE = range(4)
WATTS = 8  # added to the kind


def heads(f):
    """(place of the periods, fields of HEAD) of each record; nothing of a file of another version."""
    f.seek(0)
    if f.read(1) != VERSION:
        return
    at = 1
    while True:
        f.seek(at)
        data = f.read(HEAD_SIZE)
        if len(data) < HEAD_SIZE:
            return
        head = unpack(HEAD, data)
        at += HEAD_SIZE
        yield at, head
        at += PERIOD_SIZE * head[9]
