"""Mends a file system: reads it over the boot loader, saves what can be read, and writes a new one. The ledger is not touched.

What is the firmware's own is written anew; settings, certificates, lists and the rest of /data are taken over. Of a file
system that cannot even be mounted, the settings are looked for in the bytes of the flash.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pilotwire import boards, build, keys, settings_file
from pilotwire.boards import Board
from pilotwire.device import ports
from pilotwire.errors import PilotwireError
from pilotwire.flash import plan
from pilotwire.flash.report import Report
from pilotwire.image import (
    BLOCK,
    FLASH_START,
    FlashFile,
    Partition,
    make_vfs,
    parse_partition_table,
    partition,
    partition_table,
)

# Kept as they are; everything else is made by the build.
_KEPT = "/data/"
_LONGEST_SETTINGS = 16384


@dataclass
class Salvage:
    """What was found: `files` to keep, by name; `lost` are sentences about the rest; sound: nothing is to be mended."""

    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.lost


def salvage(vfs: bytes) -> Salvage:
    """Everything that can be read of the bytes of a file system."""
    found = Salvage()
    with tempfile.TemporaryDirectory() as folder:
        # A flash that has nothing but this file system.
        path = Path(folder) / "flash.bin"
        table = partition_table([Partition("vfs", 1, 0x81, FLASH_START + BLOCK, len(vfs))])
        path.write_bytes(table.ljust(BLOCK, b"\xff") + vfs)
        try:
            with FlashFile(path) as files:
                for name in files.list():
                    try:
                        found.files[name] = files.read(name)
                    except Exception as error:  # whatever LittleFS finds wrong with one file
                        found.lost.append(f"{name} cannot be read ({error})")
        except PilotwireError as error:
            found.lost.append(f"the file system cannot be read ({error.why})")
    for name in ("/board.json", "/boot.py", "/main.py"):
        if name not in found.files and not any(name in text for text in found.lost):
            found.lost.append(f"{name} is missing")
    _judge_settings(found, vfs)
    return found


def _judge_settings(found: Salvage, vfs: bytes) -> None:
    for name in (settings_file.PATH, settings_file.COPY):
        data = found.files.get(name)
        if data is not None:
            try:
                settings_file.load(data)
                return
            except PilotwireError:
                found.lost.append(f"{name} is damaged")
                del found.files[name]
    if found.sound:
        return  # a charger that was never given any
    old = _raw_settings(vfs)
    if old:
        found.files[settings_file.PATH] = old


def _raw_settings(vfs: bytes) -> bytes | None:
    """The longest settings file that lies in one piece somewhere in these bytes: its checksum says where it ends."""
    best: bytes | None = None
    for head in re.finditer(rb"pilotwire settings 1 [0-9a-f]{8}\n", vfs):
        text = vfs[head.start() : head.start() + _LONGEST_SETTINGS]
        for end in re.finditer(rb"\n", text[: text.find(b"\xff\xff") if b"\xff\xff" in text else None]):
            piece = text[: end.end()]
            try:
                settings_file.load(piece)
            except (PilotwireError, UnicodeDecodeError):
                continue
            if best is None or len(piece) > len(best):
                best = piece
    return best


def _board(found: Salvage, name: str | None) -> Board:
    if name is not None:
        return boards.find(name)
    try:
        known = json.loads(found.files["/board.json"])["id"]
    except (KeyError, ValueError, TypeError):
        raise PilotwireError("cannot tell which board this is", "its board.json is lost", "name it with --board")
    # Its own file, which may have been calibrated.
    board = boards.find(known)
    return Board(json.loads(found.files["/board.json"]), found.files["/board.json"], board.path)


def _firmware(found: Salvage) -> dict[str, bytes]:
    """The build, closed as the charger was; one whose start files are both lost is closed as well, to be on the safe side."""
    start = [found.files[name] for name in ("/boot.py", "/main.py") if name in found.files]
    made = build.files()
    is_open = start and not any(b"_PRODUCTION = True" in text for text in start)
    return made if is_open else build.production(made)


def run(port: str | None, board_name: str | None, *, baud: int, as_json: bool) -> None:
    """`pilotwire doctor --repair`.

    Raises:
        PilotwireError: the board cannot be reached, or has another partition table; nothing was written then.
    """
    from pilotwire.flash.writer import Session

    chosen = ports.choose(port)
    with Report(as_json=as_json, port=chosen) as report, Session(chosen, baud, report) as session:
        try:
            partitions = parse_partition_table(session.table)
            vfs = partition(partitions, "vfs")
            partition(partitions, "ledger")
        except PilotwireError as error:
            raise PilotwireError("this is no pilotwire charger", error.why, "flash the board with `pilotwire flash`")
        report.say(f"reading the file system ({vfs.size >> 10} KB)")
        found = salvage(session.read(vfs.offset, vfs.size))
        if found.sound:
            report.say("the file system is sound: nothing was written", repaired=False)
            return
        for text in found.lost:
            report.warn(text)
        board = _board(found, board_name)
        kept = {name: data for name, data in found.files.items() if name.startswith(_KEPT) or name == keys.ON_BOARD}
        report.say(f"kept: {', '.join(sorted(kept)) or 'nothing'}")
        content = make_vfs(plan.device_files(board, _firmware(found)) | kept, vfs.size)
        write = plan.Region(vfs.offset, vfs.size, "the file system", content)
        session.write(plan.Plan(board, tuple(partitions), writes=[write]))
        report.say("the file system is mended; the ledger was not touched", repaired=True, kept=sorted(kept))
