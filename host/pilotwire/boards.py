"""The boards that pilotwire knows (boards/<name>/board.json), and what differs between their chips.

    board = find("esp32-devkitc")           # or the path of a board.json of one's own
    CHIPS[board.chip].image_offset          # where the MicroPython image goes
    partitions(board.flash_mb)              # the partition table that `pilotwire flash` writes
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pilotwire import build
from pilotwire.arguments import UsageError
from pilotwire.errors import PilotwireError
from pilotwire.image import BOARD_4MB, BOARD_8MB, Partition


class Chip(NamedTuple):
    """What flashing has to know of a chip family.

    `name`: as esptool and people call it; `image_id`: chip id in the extended header of its images;
    `image_offset`: where its boot loader, and with it a combined image, starts; `download`: the
    name under which micropython.org offers its image.
    """

    name: str
    image_id: int
    image_offset: int
    download: str


CHIPS = {
    "esp32": Chip("ESP32", 0, 0x1000, "ESP32_GENERIC"),
    "esp32s3": Chip("ESP32-S3", 9, 0x0, "ESP32_GENERIC_S3"),
    "esp32c3": Chip("ESP32-C3", 5, 0x0, "ESP32_GENERIC_C3"),
    "esp32c6": Chip("ESP32-C6", 13, 0x0, "ESP32_GENERIC_C6"),
}


@dataclass(frozen=True)
class Board:
    """A board.json that has been checked; `text` is the file as it goes onto the flash."""

    config: dict[str, Any]
    text: bytes
    path: Path

    @property
    def id(self) -> str:
        return self.config["id"]

    @property
    def name(self) -> str:
        return self.config["name"]

    @property
    def chip(self) -> str:
        """Key of `CHIPS`."""
        return self.config["chip"]

    @property
    def flash_mb(self) -> int:
        return self.config["flash_mb"]

    @property
    def connectors(self) -> list[dict[str, Any]]:
        return self.config["connectors"]


def partitions(flash_mb: int) -> tuple[Partition, ...]:
    """The table for a flash of that size: one app on 4 MB, two slots for over-the-air images from 8 MB on."""
    return BOARD_4MB if flash_mb < 8 else BOARD_8MB


def folder() -> Path:
    """boards/ of the repository."""
    return build.repository() / "boards"


def known() -> list[Board]:
    """All boards of the repository, by name; PilotwireError when one of them is wrong."""
    return [read(path) for path in sorted(folder().glob("*/board.json"))]


def find(name: str) -> Board:
    """The board of that name, or of the board.json (or its folder) at that path.

    Raises:
        UsageError: there is none, with the names of those that there are.
        PilotwireError: its board.json is wrong.
    """
    path = Path(name)
    if path.suffix == ".json" or len(path.parts) > 1:
        return read(path / "board.json" if path.is_dir() else path)
    path = folder() / name / "board.json"
    if not name or not path.is_file():
        names = ", ".join(path.parent.name for path in sorted(folder().glob("*/board.json")))
        raise UsageError(
            f"unknown board {name!r}", "", f"known boards: {names}; or give the path of a board.json"
        )
    return read(path)


def read(path: Path) -> Board:
    """A board.json, checked against boards/schema.json; PilotwireError names the field that is wrong."""
    import jsonschema
    from jsonschema.exceptions import best_match

    try:
        text = path.read_bytes()
        config = json.loads(text)
        schema = json.loads((folder() / "schema.json").read_text("utf-8"))
    except OSError as error:
        raise PilotwireError(f"cannot read {path}", (error.strerror or str(error)).lower())
    except ValueError as error:
        raise PilotwireError(f"{path} is no board", f"it is not JSON: {error}")
    error = best_match(jsonschema.Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise PilotwireError(
            f"{path} is no board",
            f"{_where(error.absolute_path)}: {error.message}",
            "docs/board.md describes every field",
        )
    return Board(config, text, path)


def _where(path: Sequence[Any]) -> str:
    """Path of a field as people write it: connectors[0].pilot_adc."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".") or "the board"


def summary(board: Board) -> dict[str, Any]:
    """What `pilotwire boards` shows of a board, JSON-able."""
    return {
        "id": board.id,
        "name": board.name,
        "chip": board.chip,
        "flash_mb": board.flash_mb,
        "network": board.config["network"],
        "connectors": [
            {name: connector[name] for name in ("max_ma", "phases", "socket")}
            for connector in board.connectors
        ],
    }


def show(as_json: bool) -> None:
    """Print the known boards: a table, or a JSON array."""
    found = [summary(board) for board in known()]
    if as_json:
        print(json.dumps(found, indent=2))
        return

    rows = [("board", "chip", "flash", "connectors", "name")]
    for board in found:
        outlets = ", ".join(_outlet(connector) for connector in board["connectors"])
        chip = CHIPS[board["chip"]].name
        rows.append((board["id"], chip, f"{board['flash_mb']} MB", outlets, board["name"]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _outlet(connector: dict[str, Any]) -> str:
    kind = "socket" if connector["socket"] else "cable"
    return f"{connector['max_ma'] // 1000} A x {connector['phases']} {kind}"
