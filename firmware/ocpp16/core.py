# Core profile: what the central system asks of us. Cold: loaded for one message (see rpc), so it keeps nothing.
from settings import SettingError, to_text

from ocpp16 import meter_values

_VALUE_MAX = 500
_MEASURANDS = ("metervaluessampleddata", "metervaluesaligneddata")


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    # -- configuration

    def change_configuration(self, payload):
        name, value = payload["key"], payload["value"]
        try:
            if name.lower() in _MEASURANDS:
                value = _check_measurands(value)
            self._cp.settings.change(name, value)
        except SettingError as e:
            self._cp.log.info("ocpp", "ChangeConfiguration: %s" % e)
            return {"status": "NotSupported" if e.kind == "unknown" else "Rejected"}
        return {"status": "Accepted"}

    def get_configuration(self, payload):
        known, unknown = [], []
        settings = self._cp.settings
        wanted = payload.get("key")
        if not wanted:
            for option in settings.options():
                self._show(option, known)
            return {"configurationKey": known}
        seen = []
        for name in wanted[: settings.get("GetConfigurationMaxKeys")]:
            if name.lower() in seen:
                continue
            seen.append(name.lower())
            if not self._show(settings.option(name), known):
                unknown.append(name)
        answer = {"configurationKey": known}
        if unknown:
            answer["unknownKey"] = unknown
        return answer

    def _show(self, option, known):
        if option is None or option.access in ("local", "secret"):
            return False
        entry = {"key": option.name, "readonly": option.access == "ro"}
        if option.access != "wo":
            entry["value"] = to_text(self._cp.settings.get(option.name))[:_VALUE_MAX]
        known.append(entry)
        return True

    # -- remote start and stop

    def remote_start_transaction(self, payload):
        cp = self._cp
        number = payload.get("connectorId")
        if number is None:
            c = cp.choose(False)
        else:
            c = cp.connectors[number - 1] if 0 < number <= len(cp.connectors) else None
        if cp.registration != "Accepted" or cp.authorising or c is None or not c.free:
            return {"status": "Rejected"}
        cp.remote_start(c.number, payload["idTag"], cp.clock.now_ms())
        return {"status": "Accepted"}

    def remote_stop_transaction(self, payload):
        for c in self._cp.connectors:
            tx = c.transaction
            if tx and tx.id is not None and tx.id == payload["transactionId"]:
                c.stop("Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}


def _check_measurands(csl):
    """The list in canonical spelling, or SettingError (MV-07)."""
    names = []
    for name in csl.split(","):
        name = name.strip()
        if name:
            i = meter_values.index(name)
            if i < 0:
                raise SettingError("value", name + " is not measured here")
            names.append(meter_values.MEASURANDS[i][0])
    return ",".join(names)
