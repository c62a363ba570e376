# Cold: security events (SEC-EVT rows). One small ledger is both the log and the queue: a record is an event, live until the
# central system has answered it, and the oldest make room for new ones (docs/security.md).
#
# Payload of a record, little endian: version, last id of the journal (4), stamp (4) as in ocpp16.transactions, then the text:
# type, and what is known more of it behind a blank.
import json
from struct import pack, unpack_from

from ledger import Ledger, LedgerError
from ocpp16.rpc import Call
import cold
import isoformat
import ticks

EVENT = 1
_VERSION = 1
_HEAD = 9
_MAX_TEXT = 200
_MAX_WAIT_S = 432000
# Events that go into the log only; all others are critical, or their use cases want them to be told (SEC-EVT-02).
_QUIET = (
    "FailedToAuthenticateAtCentralSystem|CentralSystemFailedToAuthenticate|ReconfigurationOfSecurityParameters|"
    "InvalidMessages|AttemptedReplayAttacks"
)


def opened(cp):
    """The ledger; None on a charger that has no room for it."""
    flash = cp.transactions.events
    return Ledger(flash[0], (EVENT,), flash[1], flash[2]) if flash else None


def note(cp, name, text=""):
    """Write an event down, and have it told if it is one of those."""
    t = cp.transactions
    text = "".join([c if " " <= c <= "~" else "?" for c in text[:_MAX_TEXT]])
    cp.log.info("security", name + " " + text)
    try:
        ledger = opened(cp)
        if ledger:
            data = pack("<BII", _VERSION, t.last, t.stamp()) + (name + " " + text).strip().encode()
            event = ledger.append(EVENT, data)
            if name in _QUIET or cp.settings.get("DisableSecurityEventNotifications"):
                ledger.done(event)
            else:
                cp.events[0] += 1
            if not [1 for c in cp.connectors if c.energised]:  # an erase stalls the chip
                ledger.prepare()
    except (OSError, LedgerError) as e:
        cp.log.error("security", "an event is lost: %r" % e)


def started(cp, cause):
    """The charger has started (SEC-EVT-03)."""
    ledger = opened(cp)
    if ledger:
        cp.events[0] = ledger.waiting()
    ledger = None
    note(cp, "StartupOfTheDevice", "pilotwire " + cp.version)
    if cause != "PowerLoss":
        note(cp, "ResetOrReboot", cause)


def records(cp, live):
    """(id, timestamp, type, text) by age; needs a clock."""
    stamped = cold.load("ocpp16.records").timestamp
    cold.drop("ocpp16.records")
    ledger = opened(cp)
    for event, kind, data, _ in ledger.records(0, live) if ledger else ():
        if kind == EVENT and data[0] == _VERSION:
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


def settled(cp, event, error):
    """One was answered, or was not: told again then, for ever, but to who does not know the message (SEC-EVT-01)."""
    waiting = cp.events
    if error == "Disconnected":
        return
    if error and error not in ("NotImplemented", "NotSupported"):
        waiting[1] += 1
        wait = min(cp.settings.get("TransactionMessageRetryInterval") * waiting[1], _MAX_WAIT_S)
        waiting[2] = ticks.add(cp.clock.now_ms(), wait * 1000)
        return
    waiting[0] -= 1
    waiting[1:] = [0, None]
    opened(cp).done(event)
