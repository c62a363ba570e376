"""The state directory of a virtual wallbox: flash, world, and the lock that keeps a second one out.

flash.bin    the flash from 0x8000 on        world.json   cable, car, meter: what outlives the box's power
rtc.bin      what outlives a reset           board.json   the board, with as many connectors as were asked for
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pilotwire import build, keys, settings_file
from pilotwire.errors import PilotwireError
from pilotwire.image import FLASH_START, TABLE_SIZE, FlashFile, parse_partition_table
from pilotwire.tracebacks import Names


class StateDir:
    """Open and locked until `close`; every method but `close` raises PilotwireError for what the disk refuses."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._lock = -1
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise PilotwireError(
                f"cannot use {self.path}",
                "another virtual wallbox runs in it",
                "stop that one or take another directory",
            ) from None
        except OSError as error:
            if self._lock >= 0:
                os.close(self._lock)
            raise PilotwireError(
                f"cannot use {self.path}", _why(error), "take a directory that can be written"
            ) from None

    def close(self) -> None:
        """Give the directory back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def flash(self) -> Path:
        return self.path / "flash.bin"

    @property
    def rtc(self) -> Path:
        return self.path / "rtc.bin"

    @property
    def board(self) -> Path:
        return self.path / "board.json"

    def prepare(
        self,
        connectors: int,
        settings: dict[str, str],
        image: Path | None = None,
        changes: dict[str, Any] | None = None,
        files: dict[str, bytes] | None = None,
    ) -> dict[str, Any]:
        """Make what is missing; returns the board.

        Args:
            connectors: the board's list is cut to so many.
            settings: written over those that are on the flash already.
            image: flash of a box that starts for the first time, the build's if None.
            changes: laid over the board, see `Supervisor`.
            files: written onto the flash where they differ.
        """
        try:
            board = json.loads(
                (build.repository() / "boards" / "virtual" / "board.json").read_text()
            )
            if not 1 <= connectors <= len(board["connectors"]):
                raise PilotwireError(
                    f"cannot have {connectors} connectors",
                    f"the board has 1 to {len(board['connectors'])}",
                )
            board["connectors"] = board["connectors"][:connectors]
            for key, value in (changes or {}).items():
                if key != "connectors":
                    _lay(board, key, value)
            for part, over in zip(board["connectors"], (changes or {}).get("connectors", []), strict=False):
                for key, value in over.items():
                    _lay(part, key, value)
            text = json.dumps(board).encode()
            if not self.flash.exists():
                if image is None:
                    image = build.virtual(build.work() / "virtual") / "flash.bin"
                part = self.path / "flash.bin.part"
                shutil.copyfile(image, part)
                part.replace(self.flash)
            if not self.board.exists() or self.board.read_bytes() != text:
                write(self.board, text)
            self._write_flash(text, settings, files or {})
            self.rtc.touch()
        except OSError as error:
            raise PilotwireError(f"cannot use {self.path}", _why(error)) from None
        return board

    def _write_flash(self, board: bytes, settings: dict[str, str], files: dict[str, bytes]) -> None:
        settings_file.dump(settings)  # refuses a name that could not be read back
        with self._opened() as flash:
            for name, data in {"/board.json": board, **files}.items():
                if not flash.exists(name) or flash.read(name) != data:
                    flash.write(name, data)
            public = keys.for_boards()
            if public is not None and not flash.exists(keys.ON_BOARD):
                flash.write(keys.ON_BOARD, public)
            if not settings:
                return
            before = _settings(flash)
            text = settings_file.dump({**before, **settings})
            for name in (settings_file.PATH, settings_file.COPY):
                if not flash.exists(name) or (before | settings != before and name == settings_file.PATH):
                    flash.write(name, text)

    def names(self) -> Names:
        """Of the build that the box would start now; the box is off."""
        try:
            with FlashFile(self.flash) as flash:
                slot = flash.read("/slot")[:1].decode() if flash.exists("/slot") else "a"
                return Names.of_build(json.loads(flash.read(f"/{slot}/build.json"))["hash"])
        except (OSError, ValueError, KeyError, PilotwireError):
            return Names({})  # nothing on it that starts

    @contextlib.contextmanager
    def _opened(self) -> Iterator[FlashFile]:
        """The file system on the flash; PilotwireError if flash.bin is damaged."""
        do = "restore it from a copy, or remove it to begin with an empty box: what it has not delivered is lost then"
        try:
            with self.flash.open("rb") as file:
                partitions = parse_partition_table(file.read(TABLE_SIZE))
            wanted = max(p.offset + p.size for p in partitions) - FLASH_START
            size = self.flash.stat().st_size
            if size < wanted:
                raise PilotwireError("", f"it has {size} bytes, and its partitions take {wanted}")
            with FlashFile(self.flash) as flash:
                yield flash
        except PilotwireError as error:
            why = error.why or error.what
            raise PilotwireError(f"cannot use {self.flash}", f"it is damaged: {why}", do) from None

    def load_world(self) -> dict[str, Any]:
        """The world as it was saved; empty if there is none, or it cannot be read."""
        try:
            world = json.loads((self.path / "world.json").read_text())
        except (OSError, ValueError):
            return {}
        return world if isinstance(world, dict) and world.get("format") == 1 else {}

    def save_world(self, world: dict[str, Any]) -> None:
        """Replace world.json in one step."""
        try:
            write(self.path / "world.json", json.dumps({"format": 1, **world}).encode())
        except OSError as error:
            raise PilotwireError(f"cannot write {self.path / 'world.json'}", _why(error)) from None

    def forget_rtc(self) -> None:
        """What a power cut takes away."""
        self.rtc.write_bytes(b"")


def _settings(flash: FlashFile) -> dict[str, str]:
    """The settings on the flash, or their last good copy, as the firmware would read them."""
    for name in (settings_file.PATH, settings_file.COPY):
        if flash.exists(name):
            with contextlib.suppress(PilotwireError):
                return settings_file.load(flash.read(name))
    return {}


def _lay(part: dict[str, Any], key: str, value: Any) -> None:
    part[key] = value
    if value is None:
        del part[key]


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "it cannot be written"
    return (error.strerror or str(error)).lower()
