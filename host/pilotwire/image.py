"""Images of the flash: partition table in the ESP32's format, LittleFS, and the whole from 0x8000 on.

    flash = make_flash({"/boot.py": b"...", "/a/build.json": b"..."})
    with FlashFile(state / "flash.bin") as files:       # only while the box is off
        files.write("/data/settings", text)

Offsets are those of the chip's flash; a `flash.bin` starts at 0x8000, where the table lies.
"""

import hashlib
import io
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import littlefs
import littlefs.context
import littlefs.errors

from pilotwire.errors import PilotwireError

BLOCK = 4096
FLASH_START = 0x8000
FLASH_END = 0x400000
TABLE_SIZE = 0xC00

# As MicroPython's VfsLfs2 on the ESP32 mounts it (facts: read = prog = 32, cache 128 decides what is stored inline).
_GEOMETRY: dict[str, Any] = {
    "block_size": BLOCK,
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "block_cycles": 100,
}

_ENTRY = struct.Struct("<2sBBLL16sL")
_MAGIC, _MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14


@dataclass(frozen=True)
class Partition:
    """One line of the table: offset and size in bytes of flash; type 0 is an app, 1 data."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int


# A 4 MB board: the stock layout, with the end of its file system given to the ledger.
BOARD_4MB = (
    Partition("nvs", 1, 0x02, 0x9000, 0x6000),
    Partition("phy_init", 1, 0x01, 0xF000, 0x1000),
    Partition("factory", 0, 0x00, 0x10000, 0x1F0000),
    Partition("vfs", 1, 0x81, 0x200000, 0x180000),
    Partition("ledger", 1, 0x40, 0x380000, 0x80000),
)

# 8 MB and more: MicroPython's own 8MiBplus-ota layout, with a file system and the ledger after its two slots. What a
# larger flash has beyond stays free.
BOARD_8MB = (
    Partition("nvs", 1, 0x02, 0x9000, 0x4000),
    Partition("otadata", 1, 0x00, 0xD000, 0x2000),
    Partition("phy_init", 1, 0x01, 0xF000, 0x1000),
    Partition("ota_0", 0, 0x10, 0x10000, 0x270000),
    Partition("ota_1", 0, 0x11, 0x280000, 0x270000),
    Partition("vfs", 1, 0x81, 0x4F0000, 0x290000),
    Partition("ledger", 1, 0x40, 0x780000, 0x80000),
)


def partition_table(partitions: Iterable[Partition] = BOARD_4MB) -> bytes:
    """The 0xC00 bytes at 0x8000, with their MD5 line."""
    rows = b"".join(_ENTRY.pack(_MAGIC, p.type, p.subtype, p.offset, p.size, p.name.encode(), 0) for p in partitions)
    rows += _MD5_MAGIC + hashlib.md5(rows).digest()
    if len(rows) > TABLE_SIZE:
        raise PilotwireError("too many partitions", f"{len(rows)} bytes of {TABLE_SIZE}")
    return rows.ljust(TABLE_SIZE, b"\xff")


def parse_partition_table(table: bytes) -> list[Partition]:
    """Partitions of a table (longer input is cut); PilotwireError if it is none or its MD5 is wrong."""
    found: list[Partition] = []
    for at in range(0, min(len(table), TABLE_SIZE), _ENTRY.size):
        row = table[at : at + _ENTRY.size]
        if row[:16] == _MD5_MAGIC:
            if row[16:] != hashlib.md5(table[:at]).digest():
                raise PilotwireError("the partition table is damaged", "its MD5 is wrong")
            break
        if row[:2] != _MAGIC or len(row) < _ENTRY.size:
            break
        _, kind, subtype, offset, size, name, _ = _ENTRY.unpack(row)
        found.append(Partition(name.rstrip(b"\0").decode("utf-8", "replace"), kind, subtype, offset, size))
    if not found:
        raise PilotwireError("there is no partition table", "the bytes at 0x8000 are not one of an ESP32")
    return found


def partition(partitions: Iterable[Partition], name: str) -> Partition:
    """The partition of that name; PilotwireError lists the others."""
    partitions = list(partitions)
    for p in partitions:
        if p.name == name:
            return p
    raise PilotwireError(f"no partition {name!r}", "there are " + ", ".join(p.name for p in partitions))


def make_vfs(files: dict[str, bytes], size: int) -> bytes:
    """LittleFS of `size` bytes with these files (absolute paths; directories are made)."""
    made = io.BytesIO(b"\xff" * size)  # littlefs' own buffer logs each of a hundred thousand reads
    fs = littlefs.LittleFS(context=_FileContext(made, 0, size), block_count=size // BLOCK, **_GEOMETRY)
    try:
        for name in sorted(files):  # sorted, so that the same files make the same image
            _write(fs, name, files[name])
    except littlefs.errors.LittleFSError as error:
        used = sum(map(len, files.values()))
        raise PilotwireError(
            "the file system image could not be made",
            f"{used} bytes of files in {size} bytes: {error}",
        )
    return made.getvalue()


def make_flash(files: dict[str, bytes], partitions: Iterable[Partition] = BOARD_4MB, app: bytes = b"") -> bytes:
    """Flash from 0x8000 to its end: table, LittleFS with the files in `vfs`, `app` in the first partition for
    MicroPython, everything else erased."""
    partitions = list(partitions)
    end = max(p.offset + p.size for p in partitions)
    flash = bytearray(b"\xff") * (end - FLASH_START)
    flash[:TABLE_SIZE] = partition_table(partitions)
    vfs = partition(partitions, "vfs")
    if app:
        first = next(p for p in partitions if p.type == 0)
        flash[first.offset - FLASH_START : first.offset - FLASH_START + len(app)] = app
    flash[vfs.offset - FLASH_START : vfs.offset - FLASH_START + vfs.size] = make_vfs(files, vfs.size)
    return bytes(flash)


def _write(fs: littlefs.LittleFS, name: str, data: bytes) -> None:
    parent = name.rpartition("/")[0]
    if parent:
        fs.makedirs(parent, exist_ok=True)
    with fs.open(name, "wb") as file:
        file.write(data)


class _FileContext(littlefs.context.UserContext):
    """Blocks of a partition in an open file; each program goes there at once, in LittleFS's own order."""

    def __init__(self, file: BinaryIO, start: int, size: int):
        super().__init__(0)
        self.file, self.start, self.size = file, start, size

    def read(self, cfg, block: int, off: int, size: int) -> bytearray:
        self.file.seek(self.start + block * BLOCK + off)
        return bytearray(self.file.read(size))

    def prog(self, cfg, block: int, off: int, data: bytes) -> int:
        self.file.seek(self.start + block * BLOCK + off)
        self.file.write(data)
        return 0

    def erase(self, cfg, block: int) -> int:
        self.file.seek(self.start + block * BLOCK)
        self.file.write(b"\xff" * BLOCK)
        return 0

    def sync(self, cfg) -> int:
        self.file.flush()
        return 0


class FlashFile:
    """Files in the LittleFS of a `flash.bin`, in place; a cut between two writes leaves a whole file system.

    Whoever opens one holds the lock of the state directory: the box must be off meanwhile.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)

    def __enter__(self) -> "FlashFile":
        try:
            self._file = self.path.open("r+b", buffering=0)
        except OSError as error:
            raise PilotwireError(f"cannot open {self.path}", error.strerror or str(error))
        try:
            vfs = partition(parse_partition_table(self._file.read(TABLE_SIZE)), "vfs")
            context = _FileContext(self._file, vfs.offset - FLASH_START, vfs.size)  # type: ignore[arg-type]
            self._fs = littlefs.LittleFS(context=context, block_count=vfs.size // BLOCK, mount=False, **_GEOMETRY)
            self._fs.mount()
        except (PilotwireError, littlefs.errors.LittleFSError) as error:
            self._file.close()
            raise PilotwireError(f"cannot read the file system of {self.path}", str(error))
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        try:
            self._fs.unmount()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if isinstance(error, littlefs.errors.LittleFSError):
            raise PilotwireError(f"cannot read the file system of {self.path}", str(error))

    def exists(self, name: str) -> bool:
        """Is there a file or directory of that name?"""
        try:
            self._fs.stat(name)
        except littlefs.errors.LittleFSError as error:
            if error.code != littlefs.errors.LittleFSError.Error.LFS_ERR_NOENT:
                raise
            return False
        return True

    def read(self, name: str) -> bytes:
        """Content of a file; FileNotFoundError if there is none."""
        with self._fs.open(name, "rb") as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        """Replace a file by rename, as the firmware's store does: after a cut it is the old or the new one."""
        _write(self._fs, name + ".tmp", data)
        self._fs.rename(name + ".tmp", name)

    def remove(self, name: str) -> None:
        """Remove a file; FileNotFoundError if there is none."""
        self._fs.remove(name)

    def list(self, top: str = "/") -> list[str]:
        """Absolute paths of all files below `top`, sorted."""
        return sorted(f"{folder.rstrip('/')}/{name}" for folder, _, names in self._fs.walk(top) for name in names)
