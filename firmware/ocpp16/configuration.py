# Core profile: changes of the configuration. Cold: loaded for one message (see rpc), so it keeps nothing, and small, since to
# change a security setting takes a lot by itself.
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
        name, value = payload["key"], payload["value"]
        try:
            if name.lower() in _OWN_GRAMMAR:
                value = cold.call("ocpp16.configuration_values", "canonical", self._cp, name, value)
            if name.lower() in _SECURITY:
                cold.call("ocpp16.security_profile", "change", self._cp, name.lower(), value)
            else:
                self._cp.settings.change(name, value)
        except SettingError as e:
            self._cp.log.info("ocpp", "ChangeConfiguration: %s" % e)
            return {"status": "NotSupported" if e.kind == "unknown" else "Rejected"}
        return {"status": "Accepted"}
