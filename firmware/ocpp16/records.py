# Cold: what several read of the records of ocpp16.transactions.
from struct import unpack_from

from ocpp16.transactions import BOOT, DATA, TIME, UPTIME
import isoformat

_NO_RESERVATION = -1 << 63


def start_of(data):
    """(stamp, connector, meter, reservationId or None, tag) of a START record."""
    _, stamp, connector, wh, reservation = unpack_from("<BIBIq", data)
    return stamp, connector, wh, None if reservation == _NO_RESERVATION else reservation, bytes(data[18:]).decode()


def kept(t, ref, connector):
    """The ids of the DATA records of a transaction."""
    found = []
    at = 5 + 4 * len(t.open)
    for rec, kind, data, _ in t.samples.records(0, True):
        if kind == DATA and data[at] == connector and unpack_from("<I", data, 1 + 4 * connector)[0] == ref:
            found.append(rec)
    return found


def timestamp(t, rec, stamp):
    """The ISO 8601 time of a stamp that was made after journal record `rec` (J-TIME-01)."""
    if stamp & UPTIME:
        start = t.clock.utc() - t.clock.uptime_s()
        if rec < t.boot:
            stamp = _utc_of(t, rec, stamp & ~UPTIME, start)
        else:
            stamp = start + (stamp & ~UPTIME)
    return isoformat.format(stamp)


def _utc_of(t, rec, uptime, start):
    """UTC at an uptime of an earlier start than this one, which began at `start`."""
    for _, kind, data, _ in t.journal.records(rec):
        if kind == TIME:  # written once the clock was known
            return unpack_from("<I", data, 1)[0] + uptime
        if kind == BOOT:
            break
    return start  # never known: all that is sure is that it was before this start
