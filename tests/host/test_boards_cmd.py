"""`pilotwire boards`, and what is said of a board.json that is wrong."""

import json

import pytest
from typer.testing import CliRunner

from pilotwire import boards, image
from pilotwire.cli import app
from pilotwire.errors import PilotwireError

NAMES = [path.parent.name for path in sorted(boards.folder().glob("*/board.json"))]


def test_the_table_has_every_board():
    result = CliRunner().invoke(app, ["boards"])
    head, *lines = result.output.splitlines()
    assert head.split() == ["board", "chip", "flash", "connectors", "name"]
    assert [line.split()[0] for line in lines] == NAMES
    assert any("ESP32-S3" in line and "8 MB" in line for line in lines)


def test_json_for_programs():
    found = json.loads(CliRunner().invoke(app, ["boards", "--json"]).output)
    assert [board["id"] for board in found] == NAMES
    virtual = found[NAMES.index("virtual")]
    assert virtual["chip"] == "esp32" and virtual["connectors"][0] == {"max_ma": 32000, "phases": 3, "socket": True}


def test_the_help_has_an_example():
    for command in ("boards", "flash", "provision", "upload", "monitor", "repl", "doctor"):
        result = CliRunner().invoke(app, [command, "--help"])
        assert result.exit_code == 0 and f"Example: pilotwire {command}" in result.output


@pytest.mark.parametrize("board", boards.known(), ids=lambda board: board.id)
def test_partitions_fit_the_flash_and_do_not_overlap(board):
    partitions = boards.partitions(board.flash_mb)
    at = image.FLASH_START + image.BLOCK
    for part in partitions:
        assert part.offset >= at and part.offset % (0x10000 if part.type == 0 else 0x1000) == 0
        at = part.offset + part.size
    assert at <= board.flash_mb << 20
    assert {"nvs", "vfs", "ledger"} <= {part.name for part in partitions}


WRONG = [
    ("chip", "esp8266", "chip: 'esp8266' is not one of"),
    ("connectors", [], "connectors: [] should be non-empty"),
    ("colour", "red", "the board: Additional properties are not allowed ('colour' was unexpected)"),
]


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_wrong_board_names_the_field(field, value, why, tmp_path):
    config = json.loads(boards.find("virtual").text) | {field: value}
    (tmp_path / "board.json").write_text(json.dumps(config))
    with pytest.raises(PilotwireError) as error:
        boards.find(str(tmp_path / "board.json"))
    assert error.value.why.startswith(why)


@pytest.mark.parametrize(
    ("board", "name", "pin"),
    [("esp32-s3-devkitc", "contactor", 26), ("esp32-c3-devkit", "pilot_adc", 5), ("esp32-c6-devkitc", "s0", 16)],
)
def test_pins_are_those_of_the_chip(board, name, pin, tmp_path):
    config = json.loads(boards.find(board).text)
    config["connectors"][0][name] = pin
    (tmp_path / "board.json").write_text(json.dumps(config))
    with pytest.raises(PilotwireError, match=rf"connectors\[0\].{name}: {pin} is not one of"):
        boards.find(str(tmp_path / "board.json"))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(PilotwireError, match="no such file"):
        boards.find(str(tmp_path / "board.json"))
    (tmp_path / "board.json").write_text("{")
    with pytest.raises(PilotwireError, match="it is not JSON"):
        boards.find(str(tmp_path / "board.json"))
