# Core profile: changes of the configuration. Cold: loaded for one message (see rpc), so it keeps nothing. Its own imports are
# where they are needed: to change a security setting takes a lot by itself.
from settings import SettingError
import cold

_MEASURANDS = (
    "metervaluessampleddata",
    "metervaluesaligneddata",
    "stoptxnsampleddata",
    "stoptxnaligneddata",
)
_SECURITY = ("authorizationkey", "securityprofile")
_ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def change_configuration(self, payload):
        name, value = payload["key"], payload["value"]
        try:
            if name.lower() in _MEASURANDS:
                value = self._measurands(name, value)
            elif name.lower() == "connectorphaserotation":
                value = self._rotations(value)
            if name.lower() in _SECURITY:
                cold.call("ocpp16.security_profile", "change", self._cp, name.lower(), value)
            else:
                self._cp.settings.change(name, value)
        except SettingError as e:
            self._cp.log.info("ocpp", "ChangeConfiguration: %s" % e)
            return {"status": "NotSupported" if e.kind == "unknown" else "Rejected"}
        return {"status": "Accepted"}

    def _measurands(self, name, csl):
        """A list of measurands in canonical spelling, or SettingError (MV-07)."""
        meter_values = cold.load("ocpp16.meter_values")
        find = cold.load("settingsread").find
        cold.drop("ocpp16.meter_values")
        cold.drop("settingsread")
        cold.drop("table")
        settings = self._cp.settings
        reading = self._cp.read(1)
        names = []
        for item in csl.split(","):
            item = item.strip()
            if item:
                base, phase = _split_phase(item)
                i = meter_values.index(base)
                if i < 0 or reading[i] is None or (phase and not meter_values.MEASURANDS[i][5]):
                    raise SettingError("value", item + " is not measured here")
                names.append(meter_values.MEASURANDS[i][0] + phase)
        if len(names) > settings.get(find(settings, name).name + "MaxLength"):
            raise SettingError("value", "more measurands than " + name + "MaxLength")
        return ",".join(names)

    def _rotations(self, csl):
        """ConnectorPhaseRotation in canonical spelling, or SettingError (CFG-12)."""
        items = []
        for item in csl.split(","):
            number, _, rotation = item.strip().partition(".")
            known = [r for r in _ROTATIONS if r.lower() == rotation.lower()]
            if not known or not number.isdigit() or int(number) > len(self._cp.connectors):
                raise SettingError("value", item + " is no phase rotation")
            items.append(number + "." + known[0])
        return ",".join(items)


def _split_phase(item):
    """"Voltage.L1-N" -> ("Voltage", ".L1-N"); no phase: ("Voltage", "")."""
    base, _, phase = item.rpartition(".")
    if base and phase[:1].upper() == "L" and phase[1:2] in "123":
        return base, "." + phase.upper()
    return item, ""
