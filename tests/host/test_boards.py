"""Every board.json: by its schema, and what a schema can not say."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from pilotwire import boardcheck

BOARDS = Path(__file__).parents[2] / "boards"
FILES = sorted(BOARDS.glob("*/board.json"))


def load(name):
    return json.loads((BOARDS / name / "board.json").read_text("utf-8"))


def errors(board):
    return [finding.text for finding in boardcheck.check(board) if finding.error]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_board(path):
    board = json.loads(path.read_text("utf-8"))
    assert errors(board) == []
    assert board["id"] == path.parent.name


def test_the_boards_that_the_issue_asks_for():
    names = {path.parent.name for path in FILES}
    assert names >= {"esp32-devkitc", "esp32-s3-devkitc", "esp32-c3-devkit", "olimex-esp32-poe", "smartevse-3", "virtual"}


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json.loads((BOARDS / "schema.json").read_text("utf-8")))


# board, name (of connector 1, or of the station), pin that can not be
@pytest.mark.parametrize(
    ("name", "field", "pin"),
    [
        ("virtual", "contactor", 34),
        ("virtual", "pilot_pwm", 6),
        ("virtual", "pilot_adc", 25),
        ("virtual", "lock", 39),
        ("virtual", "s0", 1),
        ("virtual", "rcd_test", 36),
        ("virtual", "contactor", 20),
        ("virtual", "earth", 7),
        ("virtual", "led", 35),
        ("smartevse-3", "contactor2", 35),
        ("smartevse-3", "pilot_switch", 36),
        ("esp32-s3-devkitc", "pilot_adc", 11),
        ("esp32-s3-devkitc", "contactor", 27),
        ("esp32-c3-devkit", "pilot_adc", 5),
        ("esp32-c3-devkit", "contactor", 12),
    ],
)
def test_wrong_pins_are_refused(name, field, pin):
    board = load(name)
    (board if field in ("led",) else board["connectors"][0])[field] = pin
    assert errors(board)


def changed(name, change):
    board = copy.deepcopy(load(name))
    change(board, board["connectors"][0])
    return board


# What is wrong, board, change, a part of what is said.
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("virtual", lambda b, c: c.update(lock=c["contactor"]), "used twice"),
        ("olimex-esp32-poe", lambda b, c: c.update(contactor=12), "used twice"),
        ("olimex-esp32-poe", lambda b, c: c.update(contactor=2), "how the chip starts"),
        ("olimex-esp32-poe", lambda b, c: c.update(contactor=25), "Ethernet"),
        ("olimex-esp32-poe", lambda b, c: b.pop("lan"), "'lan' is a required property"),
        ("esp32-c3-devkit", lambda b, c: c.update(contactor=2), "how the chip starts"),
        ("virtual", lambda b, c: c.update(pilot_calibration=[[2700, 12000], [300, -12000]]), "does not rise"),
        ("virtual", lambda b, c: c.update(pilot_calibration=[[300, 12000], [2700, -12000]]), "higher"),
        ("virtual", lambda b, c: c.pop("s0"), "valid under"),
        ("smartevse-3", lambda b, c: c.update(s0=16, pulses_per_kwh=1000), "valid under"),
        ("smartevse-3", lambda b, c: c.pop("pilot_switch"), "dependency"),
        ("smartevse-3", lambda b, c: c.pop("lock_feedback"), "dependency"),
        ("smartevse-3", lambda b, c: b.update(led=14), "should not be valid"),
    ],
)
def test_wrong_boards_are_refused(name, change, said):
    found = errors(changed(name, change))
    assert any(said in text for text in found), found


def test_uart_used_twice():
    board = load("smartevse-3")
    board["rfid"] = {"driver": "pn532", "uart": 1, "rx": 14, "tx": 25, "baud": 115200}
    assert errors(board) == ["a UART is used twice"]
    board["rfid"]["uart"] = 2
    assert errors(board) == []


def test_notes():
    def notes(name):
        return " ".join(finding.text for finding in boardcheck.check(load(name)) if not finding.error)

    assert "counts in software" in notes("esp32-c3-devkit")
    assert "no pull resistor" in notes("esp32-devkitc")
    assert "no feedback" in notes("smartevse-3")


def test_command_line(capsys, tmp_path):
    assert boardcheck.main([]) == 0
    assert capsys.readouterr().out.count(": good") == len(FILES)
    wrong = tmp_path / "board.json"
    wrong.write_text(json.dumps(changed("virtual", lambda b, c: c.update(lock=26))))
    assert boardcheck.main([str(wrong)]) == 1
    assert "GPIO 26 is used twice" in capsys.readouterr().out


# The driver of each pin is made as the firmware makes it, with the stand-ins' refusals: on the chip that they are of.
@pytest.mark.parametrize("name", [path.parent.name for path in FILES if load(path.parent.name)["chip"] == "esp32"])
def test_firmware_makes_its_drivers(name):
    from pilotwire import build, runtime

    root = build.repository()
    code = (
        "import json, sys\nimport wire\n"
        f"config = json.load(open({str(BOARDS / name / 'board.json')!r}))\n"
        "wire.load(config)\nfrom port.board import Board\nboard = Board(config)\n"
        "for c in board.connectors:\n"
        "    c.pilot_mv(); c.relay(False); c.relay2(False); c.lock(False); c.locked(); c.rcd_tripped(); c.rcd_test(False)\n"
        "    c.open_pe(); c.cut_pilot(False); c.proximity_ohm(); c.temperature_c10(); c.pulses(); c.relay_feedback()\n"
        "    c.pwm(533)\n"
        "board.led('Charging'); board.led('nonsense'); board.button(); board.emergency(); board.tamper(); board.tag()\n"
        "print('made', len(board.connectors))\n"
    )
    path = [root / "boards" / "virtual", root / "firmware", *build.libraries(root)]
    done = runtime.run(["-c", code], path=path)
    assert done.stdout.startswith("made"), done.stdout + done.stderr


def test_every_field_is_described():
    def check(part):
        for name, field in part.get("properties", {}).items():
            assert "description" in field, name
            check(field)
            check(field.get("items", {}))

    check(json.loads((BOARDS / "schema.json").read_text("utf-8")))

