# Cold: the part of a diagnostics file with the queue, as far as it lies in the window.
from struct import unpack_from

from diagnosis_window import when, within

_MOST = 100  # records of the queue
_PATIENCE = 16  # records passed over for each blank line


def parts(box, start, stop, hidden):
    """Starts and stops that were not delivered yet, and those that the central system refused."""
    shown = passed = 0
    for id, kind, payload, state in box.ocpp.transactions.journal.records():
        passed += 1
        if passed % _PATIENCE == 0:
            yield ""
        if kind not in (4, 6) or state == 1 or shown == _MOST:
            continue
        at = 1 if kind == 4 else 5  # see ocpp16.transactions: START, STOP
        stamp, connector, wh = unpack_from("<IBI", payload, at)
        if within(stamp, start, stop):
            shown += 1
            yield '{"record": "%sTransaction", "id": %d, "state": "%s", "connector": %d, "wh": %d, %s}' % (
                "Start" if kind == 4 else "Stop",
                id,
                "refused" if state else "open",
                connector,
                wh,
                when(stamp),
            )
