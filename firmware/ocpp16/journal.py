# Cold: the records by which transactions begin and end (formats: ocpp16.transactions).
#
# A call may fail for want of memory before its record is on flash, and is then repeated; so all that it needs is made first.
from struct import pack

from ocpp16.transactions import METER, START, STOP, Transaction

_VERSION = 1
_SAME_WH = 100000  # memory that is further ahead of the ledger than any car could charge meanwhile is not ours
_NO_RESERVATION = -1 << 63
# As in STOP records: only ever appended to.
REASONS = (
    "Local",
    "Remote",
    "EVDisconnected",
    "DeAuthorized",
    "HardReset",
    "SoftReset",
    "UnlockCommand",
    "PowerLoss",
    "Reboot",
    "EmergencyStop",
    "Other",
)


def begin(t, connector, tag, parent, wh, reservation):
    """A Transaction that runs from now on."""
    stamp = t.stamp()
    tx = Transaction(None, connector, tag, wh, stamp)
    tx.parent = parent
    data = pack("<BIBIq", _VERSION, stamp, connector, wh, _NO_RESERVATION if reservation is None else reservation)
    t.last = tx.ref = t.journal.append(START, data + tag.encode())
    t.open[connector - 1] = tx
    t.queued += 1
    return tx


def end(t, tx, wh, reason, tag, stamp):
    data = pack("<BIIBIB", _VERSION, tx.ref, stamp, tx.connector, max(wh, tx.start_wh), REASONS.index(reason))  # TX-25
    t.last = t.journal.append(STOP, data + tag.encode())
    t.open[tx.connector - 1] = None
    t.queued += 1


def close_interrupted(t, reason, kept):
    """End what was running when the charger went down (TX-15); the connectors concerned.

    kept: [Wh, something else] of each connector, what a reset left of them, which is newer than the registers on flash; or less.
    """
    for c in range(len(t.registers) if len(kept) == 2 * len(t.registers) else 0):
        if 0 <= kept[2 * c] - t.registers[c] < _SAME_WH:
            t.registers[c] = kept[2 * c]
    closed = []
    for tx in list(t.open):
        if tx:
            end(t, tx, t.registers[tx.connector - 1], reason, "", tx.stamp)
            closed.append(tx.connector)
    return closed


def reason_of(number):
    """The reason in a STOP record."""
    return REASONS[number]


def keep_registers(t, wh):
    """Write the meter registers down: a list of Wh, one per connector."""
    data = pack("<BI%dI" % len(wh), _VERSION, t.stamp(), *wh)
    t.registers[:] = wh
    old, t.register_id = t.register_id, t.meters.append(METER, data, 1)
    if old is not None:
        t.meters.done(old)
