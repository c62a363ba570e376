# Cold: reads what security_events has written down: for the central system, and for a file.
import json
from struct import unpack_from

from ocpp16.rpc import Call
import cold
import isoformat
import ticks

_EVENTS = "ocpp16.security_events"
_EVENT = 1
_READABLE = 1
_HEAD = 9


def records(cp, live):
    """(id, timestamp, type, text) by age; needs a clock."""
    stamped = cold.load("ocpp16.records").timestamp
    cold.drop("ocpp16.records")
    ledger = cold.call(_EVENTS, "opened", cp)
    for event, kind, data, _ in ledger.records(0, live) if ledger else ():
        if kind == _EVENT and data[0] == _READABLE:
            _, last, stamp = unpack_from("<BII", data)
            name, _, text = bytes(data[_HEAD:]).decode().partition(" ")
            yield event, stamped(cp.transactions, last, stamp), name, text


def lines(cp, start, stop):
    """The log as lines of JSON, bytes: between two times in seconds since 2000, None for any."""
    # As text: that sorts as time does, and every stamp was written by the same hand.
    start, stop = [None if time is None else isoformat.format(time) for time in (start, stop)]
    for _, stamp, name, text in records(cp, False):
        if (start is None or stamp >= start) and (stop is None or stamp <= stop):
            yield json.dumps({"time": stamp, "type": name, "info": text}).encode() + b"\n"


def message(cp):
    """The next CALL, or None."""
    waiting = cp.events
    if cp.clock.utc() is None or (waiting[2] is not None and ticks.diff(cp.clock.now_ms(), waiting[2]) < 0):
        return None
    for event, stamp, name, text in records(cp, True):
        payload = {"type": name, "timestamp": stamp}
        if text:
            payload["techInfo"] = text
        return Call("SecurityEventNotification", payload, cp.told, event)
    waiting[0] = 0
    return None
