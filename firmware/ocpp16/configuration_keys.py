# Core profile: what the configuration is. Cold: loaded for one message (see rpc), which may come while a transfer has the room.
import json

import cold

_VALUE_MAX = 500


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_configuration(self, payload):
        """Piece by piece: everything together is 3 KB of text (CFG-01, CFG-02, CFG-03)."""
        read = cold.load("settingsread")
        cold.drop("settingsread")  # at once: cold.call has ended before a handler begins, and would not forget it
        cold.drop("table")
        settings = self._cp.settings
        wanted = payload.get("key")
        unknown = []
        yield '{"configurationKey":['
        comma = ""
        for option in self._wanted(read, wanted, unknown) if wanted else read.options(settings):
            if option.access not in ("local", "secret"):
                entry = {"key": option.name, "readonly": option.access == "ro"}
                if option.access != "wo":
                    entry["value"] = read.to_text(read.value(settings, option))[:_VALUE_MAX]
                yield comma + json.dumps(entry)
                comma = ","
        yield '],"unknownKey":' + json.dumps(unknown) + "}" if unknown else "]}"

    def _wanted(self, read, names, unknown):
        """The options asked for, each once; what there is none of goes into `unknown`."""
        settings = self._cp.settings
        seen = []
        for name in names[: settings.get("GetConfigurationMaxKeys")]:
            low = name.lower()
            if low in seen:
                continue
            seen.append(low)
            option = read.find(settings, name)
            if option is None or option.access in ("local", "secret"):
                unknown.append(name)
            else:
                yield option
