# Settings: one registry (a text table on flash), values that survive anything.
#
#   s = Settings(store, "/a/settings.txt")
#   s.get("HeartbeatInterval") -> 300        s.set("heartbeatinterval", "60")
#
# A line of the table: NAME TYPE ACCESS RANGE DEFAULT, parted by blanks; DEFAULT is the rest of the line and may be empty.
# TYPE is bool, int, csl (comma separated list) or str. ACCESS is rw, ro, wo (never shown), local (not
# reachable over the network) or secret (local and never shown). RANGE is LOW..HIGH of a number or of a length, either end may
# be missing, - for a bool.
# Reading is all that stays in RAM; the cold modules settingsread and settingsedit do whatever else.
import cold

_READ = "settingsread"
_EDIT = "settingsedit"


class SettingError(Exception):
    """Refused: `kind` is "unknown", "readonly" or "value"."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class Settings:
    def __init__(self, store, path):
        self.store = store
        self.table = path
        self.cache = {}  # name -> typed value, of what get() was asked for: no more than the program has names
        self.fixed = {}  # name -> text, what the hardware is
        self.damaged = 0  # files found damaged at start
        self.values = cold.call(_EDIT, "load", self)  # name -> text, what differs from the table

    def get(self, name):
        """The typed value of `name` in its own spelling; SettingError if the table has no such line."""
        if name not in self.cache:
            self.cache[name] = cold.call(_READ, "read", self, name)
        return self.cache[name]

    def fix(self, name, text):
        """Make a setting what the hardware is: read-only, and kept nowhere."""
        self.fixed[name] = text
        self.cache.pop(name, None)

    def change(self, name, text):
        """Change a setting as the network may, in any case of `name`; SettingError when refused."""
        cold.call(_EDIT, "change", self, name, text, False)

    def set(self, name, text):
        """Change a setting locally, whatever its access."""
        cold.call(_EDIT, "change", self, name, text, True)
