"""Every board.json: by its schema, and what a schema can not say."""

import json
from pathlib import Path

import jsonschema
import pytest

BOARDS = Path(__file__).parents[2] / "boards"
FILES = sorted(BOARDS.glob("*/board.json"))
NO_PINS = {"pulses_per_kwh", "max_ma", "phases", "proximity_pullup_ohm", "proximity_supply_mv", "flash_mb"}
NO_PINS |= {"temperature_mv_per_c", "temperature_offset_mv", "uart", "baud"}


def pins(part: dict) -> list[int]:
    """All GPIO numbers in a board.json or a part of it."""
    found = []
    for name, value in part.items():
        if isinstance(value, dict):
            found += pins(value)
        elif name == "connectors":
            found += [pin for connector in value for pin in pins(connector)]
        elif isinstance(value, int) and not isinstance(value, bool) and name not in NO_PINS:
            found.append(value)
    return found


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((BOARDS / "schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_board(path):
    board = json.loads(path.read_text("utf-8"))
    validator().validate(board)
    assert board["id"] == path.parent.name
    used = pins(board)
    assert len(used) == len(set(used)), "a pin is used twice"
    for connector in board["connectors"]:
        pairs = connector["pilot_calibration"]
        assert pairs == sorted(pairs) and len({pair[0] for pair in pairs}) == len(pairs)


@pytest.mark.parametrize(
    ("name", "pin"),
    [
        ("contactor", 34),
        ("pilot_pwm", 6),
        ("pilot_adc", 25),
        ("lock", 39),
        ("s0", 1),
        ("rcd_test", 36),
        ("contactor", 20),
    ],
)
def test_wrong_pins_are_refused(name, pin):
    board = json.loads((BOARDS / "virtual/board.json").read_text("utf-8"))
    board["connectors"][0][name] = pin
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(board)


def test_every_field_is_described():
    def check(part):
        for name, field in part.get("properties", {}).items():
            assert "description" in field, name
            check(field)
            check(field.get("items", {}))

    check(json.loads((BOARDS / "schema.json").read_text("utf-8")))
