"""modules.pack: the modules of a slot in one file of its flash, from which lib/cold loads them (its docstring has the format)."""

import zlib
from collections.abc import Collection, Mapping

NAME = "modules.pack"
OUTSIDE = "cold.mpy"  # what reads it
_DIRECTORY, _PLAIN, _DEFLATED = range(3)
_WINDOW = -10  # as in lib/cold; negative: without head and checksum


def packed(modules: Mapping[str, bytes], roomy: Collection[str]) -> bytes:
    """The file.

    Args:
        modules: {"ocpp16/core.mpy": its bytes}.
        roomy: those to compress. They are loaded while there is room for that: it takes 2.3 KB of heap.
    """
    folders = {name.rpartition("/")[0] for name in modules} - {""}
    place = 3 + 8 * (len(modules) + len(folders))
    records, contents = [_record(folder, _DIRECTORY, 0) for folder in folders], []
    for name, data in sorted(modules.items()):
        records.append(_record(name, _DEFLATED if name in roomy else _PLAIN, place))
        contents.append(_deflated(data) if name in roomy else data)
        place += len(contents[-1])
    assert len({record[:4] for record in records}) == len(records), "two paths with the same CRC"
    return b"".join([b"\1", len(records).to_bytes(2, "big"), *sorted(records), *contents])


def _deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, 9)
    return stream.compress(data) + stream.flush()


def _record(path: str, kind: int, place: int) -> bytes:
    return zlib.crc32(b"/" + path.encode()).to_bytes(4, "big") + bytes([kind]) + place.to_bytes(3, "big")
