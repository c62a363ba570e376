"""A combined MicroPython image as micropython.org offers it: boot loader, partition table, app.

    image = FirmwareImage.read(data, CHIPS["esp32"])      # PilotwireError says what is wrong with it
    image.version                                          # "1.29.0"
    image.with_table(partition_table(...))                 # the bytes to write at the chip's offset

The file begins with the boot loader, so offsets in it are those of the flash less the chip's offset.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any

from pilotwire.boards import CHIPS, Chip
from pilotwire.errors import PilotwireError
from pilotwire.image import BLOCK, FLASH_START, TABLE_SIZE, Partition, parse_partition_table

APP = 0x10000
_MAGIC = 0xE9
_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)(?:\.(\d+))?([-.\w]*)")

# Releases that read .mpy version 6.3, which is what the build writes: (first, last that is known).
MPY = "6.3"
_FIRST, _LAST = (1, 23), (1, 29)
SUPPORTED = "1.29"
_GET = f"take the .bin of MicroPython {SUPPORTED} for {{board}} from micropython.org/download/{{board}}"


@dataclass(frozen=True)
class FirmwareImage:
    """An image that was checked.

    Attributes:
        data: the file; boot loader first.
        chip: what it is for.
        version: MicroPython's, "1.29.0" or "1.29.0-preview.123".
        partitions: of its own table.
        warning: what a person should know before it is written, or "".
    """

    data: bytes
    chip: Chip
    version: str
    partitions: list[Partition]
    warning: str = ""

    @classmethod
    def read(cls, data: bytes, chip: Chip, name: str = "the image") -> FirmwareImage:
        """Check the bytes of an image.

        Args:
            data: the whole file.
            chip: the chip of the board.
            name: what errors call it.

        Raises:
            PilotwireError: it is no image, damaged, for another chip, the app alone, or of a MicroPython that
                cannot run this firmware.
        """
        do = _GET.format(board=chip.download)
        what = f"cannot use {name}"
        if len(data) < 16 or data[0] != _MAGIC:
            raise PilotwireError(what, "it is no image of an ESP32", do)
        _same_chip(data, chip, what, do)
        at = FLASH_START - chip.image_offset
        try:
            partitions = parse_partition_table(data[at : at + TABLE_SIZE])
        except PilotwireError:
            raise PilotwireError(what, "it is an app without boot loader and partition table", do)
        app = data[APP - chip.image_offset :]
        if len(app) < 16 or app[0] != _MAGIC:
            raise PilotwireError(what, "it ends before the app at 0x10000", do)
        _same_chip(app, chip, what, do)
        for part, where in ((data, "boot loader"), (app, "app")):
            _whole(part, chip, f"its {where} is damaged", what, do)
        found = _BANNER.search(app)
        if found is None:
            raise PilotwireError(what, "it is not MicroPython", do)
        version = found[0].decode().removeprefix("MicroPython v").rstrip(".-_")
        release = int(found[1]), int(found[2])
        if release < _FIRST:
            raise PilotwireError(
                what, f"MicroPython {version} is too old to read .mpy version {MPY}", do
            )
        warning = ""
        if release > _LAST:
            warning = f"MicroPython {version} is newer than {_LAST[0]}.{_LAST[1]}, with which this firmware was tested"
        return cls(data, chip, version, partitions, warning)

    @property
    def app_size(self) -> int:
        """Bytes from 0x10000 on."""
        return len(self.data) - (APP - self.chip.image_offset)

    def with_table(self, table: bytes) -> bytes:
        """The image with that partition table; what lies between table and app is erased, as by the image itself."""
        start = FLASH_START - self.chip.image_offset
        gap = table.ljust(BLOCK, b"\xff") + b"\xff" * (APP - FLASH_START - BLOCK)
        return self.data[:start] + gap + self.data[APP - self.chip.image_offset :]


def _same_chip(part: bytes, chip: Chip, what: str, do: str) -> None:
    # The extended header: chip id at 12, of two bytes.
    number = int.from_bytes(part[12:14], "little")
    if number != chip.image_id:
        names = {c.image_id: c.name for c in CHIPS.values()} | {2: "ESP32-S2", 12: "ESP32-C2", 16: "ESP32-H2"}
        other = names.get(number, f"chip number {number}")
        raise PilotwireError(what, f"it is for {other}, the board has {chip.name}", do)


def _whole(part: bytes, chip: Chip, why: str, what: str, do: str) -> None:
    """esptool's own check of segments, checksum and SHA-256: finds a download that was cut."""
    from esptool.bin_image import LoadFirmwareImage
    from esptool.util import FatalError

    try:
        image: Any = LoadFirmwareImage(chip.name.lower().replace("-", ""), part)
        image.verify()
        good = image.checksum == image.calculate_checksum()
        if image.append_digest:
            good = good and image.stored_digest == image.calc_digest
    except (FatalError, struct.error, RuntimeError, EOFError, IndexError):
        good = False
    if not good:
        raise PilotwireError(what, why, f"download it again: {do}")
