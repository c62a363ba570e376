# Remote Trigger profile (TRG rows), and its like of the security extension. Cold: loaded for one message, so it keeps nothing.
#
# The answer leaves first. What was asked for waits in cp.triggered as (action, connector) and is made when its turn comes, so
# that it tells what is true by then; a StatusNotification takes its place behind those that wait already (J-REC-03).
from ocpp16 import meter_values
from ocpp16.rpc import Call
import cold
import isoformat

_MESSAGES = (
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
)
_MEASURANDS = "MeterValuesSampledData"


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def extended_trigger_message(self, payload):
        action = payload["requestedMessage"]
        if action == "SignChargePointCertificate":
            accepted = self._cp.registration is not None and cold.call("ocpp16.certificate_request", "sign", self._cp)
            return {"status": "Accepted" if accepted else "Rejected"}
        if action == "DiagnosticsStatusNotification":  # of TriggerMessage only
            return {"status": "NotImplemented"}
        if payload.get("connectorId") == 0:
            return {"status": "Rejected"}
        return self.trigger_message(payload, True)

    def trigger_message(self, payload, extended=False):
        action = payload["requestedMessage"]
        if action not in _MESSAGES and not (extended and action == "LogStatusNotification"):
            return {"status": "NotImplemented"}  # the schema takes any, for this answer
        if extended and action == "FirmwareStatusNotification":
            action = "Signed" + action
        return {"status": "Accepted" if self._trigger(action, payload) else "Rejected"}

    def _trigger(self, action, payload):
        cp, number = self._cp, payload.get("connectorId")
        if action == "BootNotification":
            cp.boot_at = None  # at once: the one way to shorten a wait (CORE-BOOT-08)
            if cp.registration == "Accepted":
                _ask(cp, action, 0)
            return True
        if cp.registration is None:  # nothing may leave before the first answer (CORE-BOOT-02)
            return False
        if action == "StatusNotification":
            return self._each(number, 0, lambda n: cp.statuses.notice(n, cp.statuses.current(n), cp.clock.utc()))
        if action == "MeterValues":
            return _has_values(cp) and self._each(number, 1, lambda n: _ask(cp, action, n))
        _ask(cp, action, 0)
        return True

    def _each(self, number, first, ask):
        """Ask for one connector, or for all from `first` on; False if there is no such connector (TRG-02)."""
        last = len(self._cp.connectors)
        if number is not None and not first <= number <= last:
            return False
        for n in range(first, last + 1) if number is None else (number,):
            ask(n)
        return True


def _ask(cp, action, number):
    if (action, number) not in cp.triggered:
        cp.triggered.append((action, number))


def _has_values(cp):
    """Is there anything to tell (MV-10), and a time to tell it with?"""
    return meter_values.mask(cp.settings.get(_MEASURANDS)) and cp.clock.utc() is not None


def message(cp):
    """The next CALL that was asked for, or None if there is nothing to tell any more."""
    action, number = cp.triggered.pop(0)
    if action == "BootNotification":
        return cp.boot_notification(cp.clock.now_ms())
    if action == "MeterValues":
        return _meter_values(cp, number)
    if action == "Heartbeat":
        return Call(action, {}, cp.informed)
    job = cp.jobs.get({"D": "diagnostics", "L": "log"}.get(action[0], "firmware"))
    if not job or job[1] in ("Idle", "Installed"):  # XTRG-01
        return Call(action, {"status": "Idle"}, cp.informed)
    payload = {"status": job[1]}
    if len(job) > 2 and action[0] in "LS":  # the messages that have a requestId
        payload["requestId"] = job[2]
    return Call(action, payload, cp.informed)


def _meter_values(cp, number):
    """The values of now; asked for, so they are not queued (MV-06, MV-11)."""
    sample = meter_values.pack(cp.settings.get(_MEASURANDS), meter_values.TRIGGER, cp.read(number))
    if not sample:
        return None
    value = {"timestamp": isoformat.format(cp.clock.utc()), "sampledValue": meter_values.sampled_values(sample, 0)}
    payload = {"connectorId": number, "meterValue": [value]}
    tx = cp.connectors[number - 1].transaction
    if tx and tx.id is not None:
        payload["transactionId"] = tx.id
    return Call("MeterValues", payload, cp.informed)
