# Cold: the first line of a diagnostics file: whose it is, and of when.
#
# Templates rather than dicts: short strings of a program, such as keys, stay in RAM for ever.
import json
import sys

import isoformat


def parts(box, start, stop, hidden):
    """A line of JSON."""
    values = (
        box.settings.get("ChargePointId"),
        box.ocpp.version,
        box.slot,
        sys.version,
        _time(box.clock.utc()),
        box.clock.uptime_s(),
        box.ocpp.transactions.boot,
        box.board.reset_cause,
        _time(start),
        _time(stop),
    )
    yield (
        '{"pilotwire": "diagnostics", "format": 1, "charger": %s, "version": %s, "slot": %s, "micropython": %s, "time": %s, '
        '"uptime_s": %s, "start": %s, "reset": %s, "from": %s, "to": %s}'
    ) % tuple([json.dumps(value) for value in values])


def _time(utc):
    return None if utc is None else isoformat.format(utc)
