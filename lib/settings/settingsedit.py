# Cold: the part of settings that reads the table, checks and writes.
#
# The file of values holds only what differs from the table, guarded by a CRC; its last good copy is kept beside it, and a
# damaged one is set aside.
from binascii import crc32

from settings import SettingError
import table

_FILE = "settings"
_COPY = "settings.old"
_HEAD = "pilotwire settings 1 "


class Option:
    """One line of the table."""

    def __init__(self, line):
        parts = line.split(None, 4)
        self.name, self.type, self.access, self.range = parts[:4]
        self.default = parts[4] if len(parts) > 4 else ""

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


def options(settings):
    """All options, in the order of the table."""
    for line in table.lines(settings.table):
        if line and line[0] != "#":
            option = Option(line)
            if option.name in settings.fixed:
                option.access = "ro"
            yield option


def find(settings, name):
    """The Option called `name` in any case, or None."""
    low = name.lower()
    for option in options(settings):
        if option.name.lower() == low:
            return option


def text_of(settings, option):
    return settings.fixed.get(option.name) or settings.values.get(option.name, option.default)


def read(settings, name):
    option = find(settings, name)
    if option is None:
        raise SettingError("unknown", name)
    try:
        return option.parse(text_of(settings, option))
    except SettingError:  # the table has grown stricter since the value was written
        return option.parse(option.default)


def change(settings, name, text, local):
    option = find(settings, name)
    if option is None or (not local and option.access in ("local", "secret")):
        raise SettingError("unknown", name)
    if option.access == "ro" and not local:
        raise SettingError("readonly", name)
    value = option.parse(text)
    text = to_text(value)
    if text != text_of(settings, option):
        keep(settings, ((option, text),))
        settings.cache[option.name] = value


def keep(settings, changes):
    """Write changes, pairs of Option and a text that was checked: all of them or none."""
    values = dict(settings.values)
    for option, text in changes:
        if text == option.default:
            values.pop(option.name, None)
        else:
            values[option.name] = text
    old = settings.store.read(_FILE)
    if old is not None:
        settings.store.write(_COPY, old)
    settings.store.write(_FILE, dump(values))
    settings.values = values  # only now: what is not on flash does not count
    for option, _ in changes:
        settings.cache.pop(option.name, None)


def to_text(value):
    """A typed value as the text that OCPP shows and the file holds."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def load(settings):
    """The values on flash, from the last good copy if the file is damaged."""
    for name in (_FILE, _COPY):
        data = settings.store.read(name)
        if data is not None:
            try:
                values = parse(data)
            except ValueError:
                settings.damaged += 1
                settings.store.write(name + ".bad", data)
            else:
                if name != _FILE:  # else the next change would put the damaged file in the place of this copy
                    settings.store.write(_FILE, data)
                return values
    return {}


def dump(values):
    """The file of a dict name -> text."""
    body = "".join([name + "=" + _escape(values[name]) + "\n" for name in sorted(values)]).encode()
    return (_HEAD + "%08x\n" % (crc32(body) & 0xFFFFFFFF)).encode() + body


def parse(data):
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
