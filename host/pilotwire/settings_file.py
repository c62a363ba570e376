"""The settings file on the flash, /data/settings: lib/settings reads and writes the same format.

`pilotwire settings 1 <crc32 of the rest, 8 hex digits>`, then `Name=value` lines, sorted; a backslash and a line feed in
a value are written `\\\\` and `\\n`. Only values that differ from their default need be there.
"""

import re
import zlib

from pilotwire.errors import PilotwireError

PATH = "/data/settings"
COPY = "/data/settings.old"  # the last good one, which the firmware reads if the other is damaged
_HEAD = "pilotwire settings 1 "


def dump(values: dict[str, str]) -> bytes:
    """The file's bytes; PilotwireError for a name that could not be read back."""
    for name in values:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
            raise PilotwireError(
                f"{name!r} is no name of a setting", "", "names are letters and digits"
            )
    lines = [f"{name}={_escape(values[name])}\n" for name in sorted(values)]
    body = "".join(lines).encode()
    return f"{_HEAD}{zlib.crc32(body):08x}\n".encode() + body


def load(data: bytes) -> dict[str, str]:
    """Values of a file; PilotwireError when it is damaged or of a version that is not known."""
    head, _, body = data.partition(b"\n")
    if not head.startswith(_HEAD.encode()):
        raise PilotwireError("this is no settings file", f"it begins with {head[:40]!r}")
    if head != f"{_HEAD}{zlib.crc32(body):08x}".encode():
        raise PilotwireError("the settings file is damaged", "its checksum is wrong")
    values = {}
    for line in body.decode().split("\n"):
        name, found, value = line.partition("=")
        if found:
            values[name] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
    return values


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
