# Cold: the values of settings that have a grammar of their own.
from settings import SettingError
import cold

_ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")


def canonical(cp, name, value):
    """The value of ConnectorPhaseRotation, or of a list of measurands, in canonical spelling; SettingError."""
    return _rotations(cp, value) if name.lower() == "connectorphaserotation" else _measurands(cp, name, value)


def _measurands(cp, name, csl):
    """A list of measurands in canonical spelling, or SettingError (MV-07)."""
    meter_values = cold.load("ocpp16.meter_values")
    find = cold.load("settingsread").find
    cold.drop("ocpp16.meter_values")
    cold.drop("settingsread")
    cold.drop("table")
    settings = cp.settings
    reading = cp.read(1)
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


def _rotations(cp, csl):
    """ConnectorPhaseRotation in canonical spelling, or SettingError (CFG-12)."""
    items = []
    for item in csl.split(","):
        number, _, rotation = item.strip().partition(".")
        known = [r for r in _ROTATIONS if r.lower() == rotation.lower()]
        if not known or not number.isdigit() or int(number) > len(cp.connectors):
            raise SettingError("value", item + " is no phase rotation")
        items.append(number + "." + known[0])
    return ",".join(items)


def _split_phase(item):
    """"Voltage.L1-N" -> ("Voltage", ".L1-N"); no phase: ("Voltage", "")."""
    base, _, phase = item.rpartition(".")
    if base and phase[:1].upper() == "L" and phase[1:2] in "123":
        return base, "." + phase.upper()
    return item, ""
