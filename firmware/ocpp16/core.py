# Core profile: what the central system asks of us. Cold: loaded for one message (see rpc), so it keeps nothing.
import json

from settings import SettingError
from settingsedit import find, options, to_text

from ocpp16 import meter_values
from ocpp16 import tags
import cold

_VALUE_MAX = 500
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

    # -- configuration

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

    def get_configuration(self, payload):
        """Piece by piece: everything together is 3 KB of text (CFG-01, CFG-02, CFG-03)."""
        settings = self._cp.settings
        wanted = payload.get("key")
        unknown = []
        yield '{"configurationKey":['
        comma = ""
        for option in self._wanted(wanted, unknown) if wanted else options(settings):
            if option.access not in ("local", "secret"):
                entry = {"key": option.name, "readonly": option.access == "ro"}
                if option.access != "wo":
                    entry["value"] = to_text(settings.get(option.name))[:_VALUE_MAX]
                yield comma + json.dumps(entry)
                comma = ","
        yield '],"unknownKey":' + json.dumps(unknown) + "}" if unknown else "]}"

    def _wanted(self, names, unknown):
        """The options asked for, each once; what there is none of goes into `unknown`."""
        settings = self._cp.settings
        seen = []
        for name in names[: settings.get("GetConfigurationMaxKeys")]:
            low = name.lower()
            if low in seen:
                continue
            seen.append(low)
            option = find(settings, name)
            if option is None or option.access in ("local", "secret"):
                unknown.append(name)
            else:
                yield option

    def _measurands(self, name, csl):
        """A list of measurands in canonical spelling, or SettingError (MV-07)."""
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

    # -- remote start and stop

    def remote_start_transaction(self, payload):
        cp = self._cp
        number, tag = payload.get("connectorId"), payload["idTag"]
        if number is None:
            c = tags.choose(cp, tag, None, False)
            for other in () if c else cp.connectors:  # it may be of the group that one is reserved for
                c = c or (other if other.free else None)
        else:
            c = cp.connectors[number - 1] if 0 < number <= len(cp.connectors) else None
        if cp.registration != "Accepted" or cp.busy or c is None or not c.free:
            return {"status": "Rejected"}
        if cp.reservations and not cold.call("ocpp16.reservations", "usable", cp, tag, c.number):
            return {"status": "Rejected"}
        profile = payload.get("chargingProfile")
        if profile and not cold.call("ocpp16.smart_charging", "install", cp, c.number, profile, None, True):
            return {"status": "Rejected"}
        tags.remote_start(cp, c.number, tag, cp.clock.now_ms())
        return {"status": "Accepted"}

    def remote_stop_transaction(self, payload):
        for c in self._cp.connectors if self._cp.registration == "Accepted" else ():
            tx = c.transaction
            if tx and tx.id is not None and tx.id == payload["transactionId"]:
                c.stop("Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    # -- availability, reset, unlock

    def change_availability(self, payload):
        cp, number = self._cp, payload["connectorId"]
        if not 0 <= number <= len(cp.connectors):
            return {"status": "Rejected"}
        operative = payload["type"] == "Operative"
        return {"status": cold.call("ocpp16.availability", "change", cp, number, operative)}

    def reset(self, payload):
        job = self._cp.jobs.get("firmware")
        if self._cp.busy or (job and job[1] == "Installing"):  # RST-04
            return {"status": "Rejected"}
        self._cp.reset(payload["type"], self._cp.clock.now_ms())
        return {"status": "Accepted"}

    def unlock_connector(self, payload):
        cp, number = self._cp, payload["connectorId"]
        c = cp.connectors[number - 1] if 0 < number <= len(cp.connectors) else None
        if c is None or not c.has_lock:
            return {"status": "NotSupported"}
        cp.unlock(c, cp.rpc.unique, cp.clock.now_ms())
        return None

    # -- the rest

    def clear_cache(self, payload):
        try:
            cold.call("ocpp16.authorization_cache", "clear", self._cp)
        except OSError:
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    def data_transfer(self, payload):
        module = self._cp.vendors.get(payload["vendorId"].lower())
        if module is None:
            return {"status": "UnknownVendorId"}
        message = payload.get("messageId") or ""
        return cold.call(module, "handle", self._cp, message.lower(), payload.get("data"))


def _split_phase(item):
    """"Voltage.L1-N" -> ("Voltage", ".L1-N"); no phase: ("Voltage", "")."""
    base, _, phase = item.rpartition(".")
    if base and phase[:1].upper() == "L" and phase[1:2] in "123":
        return base, "." + phase.upper()
    return item, ""
