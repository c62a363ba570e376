# Cold: the part of settings that checks and writes.
#
# The file of values holds only what differs from the table, guarded by a CRC; its last good copy is kept beside it, and a
# damaged one is set aside.
from binascii import crc32

from settings import SettingError
from settingsread import find, text_of, to_text

_FILE = "settings"
_COPY = "settings.old"
_HEAD = "pilotwire settings 1 "


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
