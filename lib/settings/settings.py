# Settings: one registry (a text table on flash), values that survive anything.
#
#   s = Settings(store, "/a/settings.txt")
#   s.get("HeartbeatInterval") -> 300        s.set("heartbeatinterval", "60")
#
# A line of the table: NAME TYPE ACCESS RANGE DEFAULT, parted by blanks; DEFAULT is the rest of the line and may be empty.
# TYPE is bool, int, csl (comma separated list) or str. ACCESS is rw, ro, wo (never shown), local (not
# reachable over the network) or secret (local and never shown). RANGE is LOW..HIGH of a number or of a length, either end may be missing, - for a bool.
# The file of values holds only what differs from the table, guarded by a CRC; its last good copy is kept beside it.
from binascii import crc32

_FILE = "settings"
_COPY = "settings.old"
_HEAD = "pilotwire settings 1 "


class SettingError(Exception):
    """Refused: `kind` is "unknown", "readonly" or "value"."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class Option:
    """One line of the table."""

    def __init__(self, line):
        parts = line.split(None, 4)
        self.name, self.type, self.access, self.range = parts[:4]
        self.default = parts[4].strip() if len(parts) > 4 else ""

    def parse(self, text):
        """The typed value of `text`; SettingError says what is wrong with it."""
        if self.type == "bool":
            low = text.lower()
            if low == "true" or low == "false":
                return low == "true"
            raise SettingError("value", self.name + " is true or false")
        if self.type == "int":
            digits = text[1:] if text[:1] == "-" else text
            if not digits.isdigit():
                raise SettingError("value", self.name + " is a whole number")
            value = size = int(text)
        else:
            if self.type == "csl":
                text = ",".join([item.strip() for item in text.split(",")])
            value, size = text, len(text)
        low, high = self.range.split("..")
        if (low and size < int(low)) or (high and size > int(high)):
            raise SettingError("value", self.name + " is outside " + self.range)
        return value


def to_text(value):
    """A typed value as the text that OCPP shows and the file holds."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def dump(values):
    """The file of a dict name -> text."""
    body = "".join([name + "=" + _escape(values[name]) + "\n" for name in sorted(values)]).encode()
    return (_HEAD + "%08x\n" % (crc32(body) & 0xFFFFFFFF)).encode() + body


def load(data):
    """The dict of a file; ValueError when it is damaged."""
    head, _, body = data.partition(b"\n")
    if head != (_HEAD + "%08x" % (crc32(body) & 0xFFFFFFFF)).encode():
        raise ValueError("settings damaged")
    values = {}
    for line in body.decode().split("\n"):
        name, found, text = line.partition("=")
        if found:
            values[name] = _unescape(text)
    return values


def _escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _unescape(text):
    return "\\".join([part.replace("\\n", "\n") for part in text.split("\\\\")])


class Settings:
    def __init__(self, store, table):
        self._store = store
        self._table = table
        self._cache = {}
        self._fixed = {}
        self.damaged = 0  # files found damaged at start
        self._values = self._load()

    def _load(self):
        for name in (_FILE, _COPY):
            data = self._store.read(name)
            if data is not None:
                try:
                    return load(data)
                except ValueError:
                    self.damaged += 1
                    self._store.write(name + ".bad", data)
        return {}

    def option(self, name):
        """The Option called `name` in any case, or None."""
        low = name.lower()
        for option in self.options():
            if option.name.lower() == low:
                return option

    def options(self):
        """All options, in the order of the table."""
        with open(self._table) as f:
            for line in f:
                if line[0] not in "#\n":
                    option = Option(line)
                    if option.name in self._fixed:
                        option.access = "ro"
                    yield option

    def fix(self, name, text):
        """Make a setting what the hardware is: read-only, and kept nowhere."""
        self._fixed[name] = text
        self._cache.pop(name, None)

    def text(self, option):
        return self._fixed.get(option.name) or self._values.get(option.name, option.default)

    def get(self, name):
        """The typed value of `name` in its own spelling."""
        if name not in self._cache:
            option = self.option(name)
            if option is None:
                raise SettingError("unknown", name)
            try:
                self._cache[name] = option.parse(self.text(option))
            except SettingError:  # the table has grown stricter since the value was written
                self._cache[name] = option.parse(option.default)
        return self._cache[name]

    def change(self, name, text):
        """Change a setting as the network may; SettingError when refused."""
        option = self.option(name)
        if option is None or option.access in ("local", "secret"):
            raise SettingError("unknown", name)
        if option.access == "ro":
            raise SettingError("readonly", name)
        self._change(option, text)

    def set(self, name, text):
        """Change a setting locally, whatever its access."""
        option = self.option(name)
        if option is None:
            raise SettingError("unknown", name)
        self._change(option, text)

    def _change(self, option, text):
        value = option.parse(text)
        text = to_text(value)
        if text == self.text(option):
            return
        values = dict(self._values)
        if text == option.default:
            values.pop(option.name, None)
        else:
            values[option.name] = text
        old = self._store.read(_FILE)
        if old is not None:
            self._store.write(_COPY, old)
        self._store.write(_FILE, dump(values))
        self._values = values  # only now: what is not on flash does not count
        self._cache[option.name] = value
