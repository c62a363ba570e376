# Cold: security events (SEC-EVT rows). One small ledger is both the log and the queue: a record is an event, live until the
# central system has answered it, and the oldest make room for new ones (docs/security.md). security_log reads it.
#
# Payload of a record, little endian: version, last id of the journal (4), stamp (4) as in ocpp16.transactions, then the text:
# type, and what is known more of it behind a blank.
from struct import pack

from ledger import Ledger, LedgerError
import ticks

EVENT = 1
_VERSION = 1
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
