# Cold: the part of a diagnostics file that says what happened: queue, frames, log, as far as it lies in the window.
import json
from struct import unpack_from

import isoformat
from flashlog import LINE, UPTIME

_FRAME = 48  # bytes, see ocpp16.rpc
_MOST = 100  # records of the queue
_PATIENCE = 16  # records passed over for each blank line


def parts(box, start, stop, hidden):
    """Lines of JSON, blank ones for work that took its time."""
    kept = box.log.kept
    for line in _records(box.ocpp.transactions.journal, start, stop):
        yield line
    for line in _frames(box.ocpp.rpc, start, stop):
        yield line
    for line in _log(kept.ledger, start, stop) if kept else ():
        yield line
    yield '{"end": true}'


def _records(journal, start, stop):
    """Starts and stops that were not delivered yet, and those that the central system refused."""
    shown = passed = 0
    for id, kind, payload, state in journal.records():
        passed += 1
        if passed % _PATIENCE == 0:
            yield ""
        if kind not in (4, 6) or state == 1 or shown == _MOST:
            continue
        at = 1 if kind == 4 else 5  # see ocpp16.transactions: START, STOP
        stamp, connector, wh = unpack_from("<IBI", payload, at)
        if _within(stamp, start, stop):
            shown += 1
            yield '{"record": "%sTransaction", "id": %d, "state": "%s", "connector": %d, "wh": %d, %s}' % (
                "Start" if kind == 4 else "Stop",
                id,
                "refused" if state else "open",
                connector,
                wh,
                _when(stamp),
            )


def _frames(rpc, start, stop):
    """The last messages: no payload, which may hold what is nobody's business."""
    ring = rpc.frames
    for n in range(1, len(ring) // _FRAME + 1):
        at = (rpc.frame + n) * _FRAME % len(ring)
        stamp, size, sent = unpack_from("<IHB", ring, at)
        if size and _within(stamp, start, stop):
            head = bytearray(bytes(ring[at + 7 : at + _FRAME]).split(b"\0")[0])
            for i, c in enumerate(head):
                if not 31 < c < 127:
                    head[i] = 63
            yield '{"frame": %s, "bytes": %d, "sent": %s, %s}' % (
                json.dumps(head.decode()),
                size,
                "true" if sent else "false",
                _when(stamp or UPTIME),
            )


def _log(ledger, start, stop):
    last = UPTIME  # the stamp before this one: what has no UTC belongs to it
    passed = 0
    for _, kind, payload, _ in ledger.records():
        passed += 1
        if kind == LINE and payload[0] == 1:
            stamp = unpack_from("<I", payload, 1)[0]
            if not stamp & UPTIME:
                last = stamp
            if _within(last, start, stop):
                passed = 0
                yield '{"log": %s, %s}' % (json.dumps(str(payload[5:], "utf-8")), _when(stamp))
        if passed == _PATIENCE:
            passed = 0
            yield ""


def _within(stamp, start, stop):
    if stamp & UPTIME:  # who knows when
        return start is None
    return (start is None or start <= stamp) and (stop is None or stamp < stop)


def _when(stamp):
    if stamp & UPTIME:
        return '"uptime_s": %d' % (stamp ^ UPTIME)
    return '"time": "' + isoformat.format(stamp) + '"'
