# Cold: the last part of a diagnostics file, the log, as far as it lies in the window.
import json
from struct import unpack_from

from diagnosis_window import when, within
from flashlog import LINE, UPTIME

_PATIENCE = 16  # records passed over for each blank line


def parts(box, start, stop, hidden):
    """Lines of JSON, blank ones for work that took its time."""
    last = UPTIME  # the stamp before this one: what has no UTC belongs to it
    passed = 0
    for _, kind, payload, _ in box.log.kept.ledger.records() if box.log.kept else ():
        passed += 1
        if kind == LINE and payload[0] == 1:
            stamp = unpack_from("<I", payload, 1)[0]
            if not stamp & UPTIME:
                last = stamp
            if within(last, start, stop):
                passed = 0
                yield '{"log": %s, %s}' % (json.dumps(str(payload[5:], "utf-8")), when(stamp))
        if passed == _PATIENCE:
            passed = 0
            yield ""
    yield '{"end": true}'
