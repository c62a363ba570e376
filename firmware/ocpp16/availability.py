# Cold: availability as the central system ordered it, kept over everything (STAT-09), changes that wait for the end of a
# transaction included (AVAIL-06). The charge point holds `inoperative` and `scheduled`: bit 0 the station, bit n connector n.
#
# File: version, inoperative bits (2), scheduled bits (2). Under 128 bytes: a change costs hardly an erase.
from struct import pack, unpack

import cold

_FILE = "availability"
_VERSION = 1
_ALL = 0xFFFF


def load(cp):
    """What holds from before the start, reservations as well."""
    data = cp.store.read("reservations")
    if data:
        cold.call("ocpp16.reservations", "load", cp, data)
    data = cp.store.read(_FILE)
    if data and len(data) == 5 and data[0] == _VERSION:
        _, cp.inoperative, cp.scheduled = unpack("<BHH", data)


def change(cp, number, operative):
    """ChangeAvailability; the status of its answer."""
    targets = _ALL if number == 0 else 1 << number
    if operative:
        _save(cp, cp.inoperative & ~targets, cp.scheduled & ~targets)
        return "Accepted"
    waiting = 0
    for c in cp.connectors:
        if c.in_use:
            waiting |= 1 << c.number & targets
    _save(cp, cp.inoperative | targets & ~waiting, cp.scheduled | waiting)
    return "Scheduled" if waiting else "Accepted"


def settle(cp):
    """What was scheduled takes effect on connectors that are no longer in use."""
    free = 0
    for c in cp.connectors:
        if not c.in_use:
            free |= 1 << c.number
    _save(cp, cp.inoperative | cp.scheduled & free, cp.scheduled & ~free)


def _save(cp, inoperative, scheduled):
    scheduled &= ~inoperative
    if inoperative != cp.inoperative or scheduled != cp.scheduled:
        cp.store.write(_FILE, pack("<BHH", _VERSION, inoperative, scheduled))
        cp.inoperative, cp.scheduled = inoperative, scheduled
