# Core profile: changes of the configuration. Cold: loaded for one message (see rpc), so it keeps nothing. Of security settings a
# job judges, since that reads certificates.
from settings import SettingError
import cold

_SECURITY = ("authorizationkey", "securityprofile")
_OWN_GRAMMAR = (
    "connectorphaserotation",
    "metervaluessampleddata",
    "metervaluesaligneddata",
    "stoptxnsampleddata",
    "stoptxnaligneddata",
)


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def change_configuration(self, payload):
        cp, name, value = self._cp, payload["key"], payload["value"]
        if name.lower() in _SECURITY:
            unique = cp.rpc.unique
            return cold.call("ocpp16.jobs", "start", cp, unique, "ocpp16.own_certificate", "fit", unique, name.lower(), value)
        try:
            if name.lower() in _OWN_GRAMMAR:
                value = cold.call("ocpp16.configuration_values", "canonical", cp, name, value)
            cp.settings.change(name, value)
        except SettingError as e:
            cp.log.info("ocpp", "ChangeConfiguration: %s" % e)
            return {"status": "NotSupported" if e.kind == "unknown" else "Rejected"}
        return {"status": "Accepted"}
