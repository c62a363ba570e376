"""A chip on paper: its flash, boot loader and boot.py under CPython, fast enough to be started from thousands of images.

    flash = Flash(bytearray(image))
    for op in operations(log):               # of PILOTWIRE_FLASH_LOG
        with flash.torn(op, ("bytes", 7)):   # what the flash would be
            Chip(flash).start()              # "a", "b": the slot that boot.py chooses
        flash.apply(op)

What is written inside of `with flash.undone()` (and torn) is forgotten after it.
"""

import builtins
import contextlib
import json
import struct
from types import SimpleNamespace

import littlefs
import littlefs.context
import littlefs.errors
from stand_ins import ROOT, chip_boot, nor

from pilotwire import image, runtime

_BOOT = compile((ROOT / "firmware/boot.py").read_text(), "boot.py", "exec")


def operations(log: bytes):
    """The flash operations of a PILOTWIRE_FLASH_LOG, as Nor records them."""
    found, at = [], 0
    while at + 8 <= len(log):
        address, size = struct.unpack_from("<II", log, at)
        at += 8 + size
        found.append(("program", address, log[at - size : at]) if size else ("erase", address))
    return found


class Flash(nor.Nor):
    """NOR flash in RAM that can forget what was done to it last."""

    def __init__(self, content: bytearray):
        super().__init__(content)
        self._before: dict[int, bytes] | None = None
        self.failed: BaseException | None = None  # what C code between us and the caller would swallow

    @contextlib.contextmanager
    def undone(self):
        self._before, weak = {}, set(self.weak)
        try:
            yield self
        finally:
            for sector, content in self._before.items():
                self._bytes[sector * 4096 : sector * 4096 + 4096] = content
            self._before, self.weak = None, weak

    @contextlib.contextmanager
    def torn(self, op, how):
        with self.undone():
            if how is not None:
                self.tear(op, how)
            yield self

    def _put(self, address, data):
        if self._before is not None:
            for sector in range(address // 4096, (address + len(data) - 1) // 4096 + 1):
                self._before.setdefault(sector, bytes(self._bytes[sector * 4096 : sector * 4096 + 4096]))
        super()._put(address, data)

    def _and(self, address, data):  # as a whole: a quarter of the time
        old = self._bytes[address : address + len(data)]
        both = int.from_bytes(old, "little") & int.from_bytes(data, "little")
        self._put(address, both.to_bytes(len(data), "little"))

    def _fill(self, address, size):
        self._put(address, b"\xff" * size)


class _Context(littlefs.context.UserContext):
    def __init__(self, flash: Flash, start: int, size: int):
        super().__init__(0)
        self.flash, self.start = flash, start

    def read(self, cfg, block, off, size):
        at = self.start + block * 4096 + off
        return self.flash._bytes[at : at + size]

    def prog(self, cfg, block, off, data):
        return self._do(self.flash.program, self.start + block * 4096 + off, bytes(data))

    def erase(self, cfg, block):
        return self._do(self.flash.erase, self.start + block * 4096)

    def _do(self, operation, *args):
        try:
            operation(*args)
        except nor.WeakSector as error:
            self.flash.failed = error
        return 0

    def sync(self, cfg):
        return 0


class Reset(Exception):
    """machine.reset()."""


class Chip:
    """What runs on a flash; made anew for each start, as RAM is.

    Args:
        flash: from 0x8000 on.
        mpy: {label of an image: .mpy version it runs}, those of the build if left out.
    """

    def __init__(self, flash: Flash, mpy: dict[str, int] | None = None):
        self.flash, self._mpy = flash, mpy or {}
        found = image.parse_partition_table(bytes(flash._bytes[: image.TABLE_SIZE]))
        self.table = [(p.type, p.subtype, p.offset, p.size, p.name) for p in found]
        self.running = chip_boot.choose(flash, self.table) or "factory"
        vfs = image.partition(found, "vfs")
        context = _Context(flash, vfs.offset - image.FLASH_START, vfs.size)
        geometry = {**image._GEOMETRY, "block_count": vfs.size // 4096}
        self.fs = littlefs.LittleFS(context=context, mount=True, **geometry)  # type: ignore[arg-type]

    def start(self, resets: int = 3) -> str:
        """Run boot.py; the slot that it chooses."""
        path: list[str] = []
        modules = {
            "machine": SimpleNamespace(WDT=lambda timeout: None, reset=self._reset, freq=lambda hz: None),
            "esp32": SimpleNamespace(Partition=lambda which: _Partition(self, self.running)),
            "os": SimpleNamespace(rename=lambda a, b: self._do(self.fs.rename, a, b)),
            "sys": SimpleNamespace(
                path=path, implementation=SimpleNamespace(_mpy=self._mpy.get(self.running, runtime.check()))
            ),
            "gc": SimpleNamespace(threshold=lambda n: None),
            "json": json,
        }
        vars(modules["esp32"].Partition).update(RUNNING=1, mark_app_valid_cancel_rollback=self._confirm)
        known = {**vars(builtins), "open": self.open, "__import__": lambda name, *_: modules[name], "print": lambda *_: None}
        try:
            exec(_BOOT, {"__builtins__": known})
        except Reset:
            return Chip(self.flash, self._mpy).start(resets - 1) if resets else "?"
        finally:
            if self.flash.failed:
                raise self.flash.failed
        return path[0][1:]

    def open(self, name: str, mode: str = "r"):
        return self._do(self.fs.open, name, mode)

    def read(self, name: str) -> bytes | None:
        """Content of a file, None if there is none."""
        try:
            with self.open(name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def files(self, slot: str) -> dict[str, bytes]:
        """All files of a slot, by their names in it."""
        top = f"/{slot}"
        return {
            f"{folder}/{name}".replace(top + "/", "", 1): self.read(f"{folder}/{name}")
            for folder, _, names in self.fs.walk(top)
            for name in names
        }  # type: ignore[return-value]

    def _do(self, function, *args):
        try:
            return function(*args)
        except littlefs.errors.LittleFSError as error:
            raise OSError(-error.code) from None

    def _confirm(self):
        if not chip_boot.confirm(self.flash, self.table):
            raise OSError(-1)

    def _reset(self):
        raise Reset


class _Partition:
    """esp32.Partition, as far as boot.py needs it."""

    def __init__(self, chip: Chip, label: str):
        self._chip, self._label = chip, label

    def info(self):
        return next(row for row in self._chip.table if row[4] == self._label)

    def get_next_update(self):
        return _Partition(self._chip, *(row[4] for row in chip_boot.images(self._chip.table) if row[4] != self._label))

    def set_boot(self):
        if not chip_boot.select(self._chip.flash, self._chip.table, self._label):
            raise OSError(-5379)


