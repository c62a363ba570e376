"""The local authorization list on the flash, /data/locallist, as firmware/ocpp16/local_list.py has it.

Version of the format, listVersion (8 bytes), then entries of 46 bytes, sorted by tag: tag in lower case (20, then zeros), status,
expiryDate (4), length of the parent and parent (1 + 20); little-endian.
"""

from collections.abc import Iterable
from struct import pack

from pilotwire import registry
from pilotwire.arguments import UsageError
from pilotwire.errors import PilotwireError

PATH = "/data/locallist"
_FORMAT = b"\x01"
_HEAD_SIZE, _ENTRY_SIZE, _TAG_SIZE = 9, 46, 20
_ACCEPTED = 0


def check(tags: Iterable[str]) -> list[str]:
    """The tags as the list has them; UsageError for one that no reader can read."""
    for tag in tags:
        if not 0 < len(tag) <= _TAG_SIZE or not tag.isascii() or not tag.isprintable():
            raise UsageError(f"{tag!r} is no tag", "", f"a tag has 1 to {_TAG_SIZE} printable characters, as the reader tells it")
    return [tag.lower() for tag in tags]


def add(data: bytes | None, tags: Iterable[str]) -> bytes:
    """The file with these tags on it, valid for ever; its version stays, as nobody but a central system counts it.

    Args:
        data: the present file, None if there is no list.
        tags: of `check`.

    Raises:
        PilotwireError: the file is of another format, or would hold more than the charger takes.
    """
    data = data or _FORMAT + pack("<q", 1)
    if data[:1] != _FORMAT or (len(data) - _HEAD_SIZE) % _ENTRY_SIZE:
        raise PilotwireError("the local list on the board cannot be read", "another version has written it", "flash the board again")
    places = range(_HEAD_SIZE, len(data), _ENTRY_SIZE)
    entries = {data[at : at + _TAG_SIZE]: data[at : at + _ENTRY_SIZE] for at in places}
    for tag in tags:
        key = tag.encode().ljust(_TAG_SIZE, b"\0")
        entries[key] = (key + pack("<BI", _ACCEPTED, 0)).ljust(_ENTRY_SIZE, b"\0")
    most = int(registry.find("LocalAuthListMaxLength").default)
    if len(entries) > most:
        raise PilotwireError("the local list is full", f"it holds {most} tags", "remove some by SendLocalList or the master tag")
    return data[:_HEAD_SIZE] + b"".join(entries[key] for key in sorted(entries))
