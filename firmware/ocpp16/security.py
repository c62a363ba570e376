# Cold, for one message (see rpc): ExtendedTriggerMessage of the security extension.
from ocpp16 import remote_trigger
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def extended_trigger_message(self, payload):
        cp, action = self._cp, payload["requestedMessage"]
        if action == "SignChargePointCertificate":
            accepted = cp.registration is not None and cold.call("ocpp16.signing", "start", cp)
        elif action == "DiagnosticsStatusNotification":  # of TriggerMessage only
            return {"status": "NotImplemented"}
        else:
            return remote_trigger.Profile(cp).trigger_message(payload, True)
        return {"status": "Accepted" if accepted else "Rejected"}
