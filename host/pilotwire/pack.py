"""modules.pack: the modules of a slot in one file of its flash, from which lib/cold loads them (its docstring has the format)."""

import zlib
from collections.abc import Collection, Mapping

NAME = "modules.pack"
OUTSIDE = "cold.mpy"  # what reads it
_PLAIN, _DEFLATED = 1, 2
_WINDOW = -10  # as in lib/cold; negative: without head and checksum


def packed(modules: Mapping[str, bytes], roomy: Collection[str]) -> bytes:
    """The file.

    Args:
        modules: {"ocpp16/core.mpy": its bytes}.
        roomy: those to compress. They are loaded while there is room for that: it takes 2.3 KB of heap.
    """
    directories = sorted({name.rpartition("/")[0] for name in modules} - {""})
    place = 4 + 4 * len(directories) + 8 * len(modules)
    records, contents = [], []
    for name, data in sorted(modules.items()):
        kind, content = (_DEFLATED, _deflated(data)) if name in roomy else (_PLAIN, data)
        records.append(_key(name) + bytes([kind]) + place.to_bytes(3, "big"))
        contents.append(content)
        place += len(content)
    keys = [record[:4] for record in records] + [_key(name) for name in directories]
    assert len(set(keys)) == len(keys), "two paths with the same CRC"
    head = bytes([1, len(directories)]) + len(records).to_bytes(2, "big")
    return b"".join([head, *keys[len(records) :], *sorted(records), *contents])


def _deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, 9)
    return stream.compress(data) + stream.flush()


def _key(path: str) -> bytes:
    return zlib.crc32(b"/" + path.encode()).to_bytes(4, "big")
