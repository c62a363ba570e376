"""Checks board.json files: by the schema, and for what a schema can not say.

    python -m pilotwire.boardcheck [FILE...]        all boards of the repository, if none is named; `make check-boards`
    check(board) -> list[Finding]

Errors are what can not work or is not safe; notes are what a builder must know.
"""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
from jsonschema.exceptions import best_match

from pilotwire import build
from pilotwire.errors import PilotwireError

# Names that hold a GPIO number, in a board, a connector and the objects inside them.
PINS = frozenset(
    """pilot_pwm pilot_adc contactor contactor2 contactor_feedback proximity_adc s0 lock unlock lock_feedback rcd rcd_test earth
    pilot_switch temperature_adc led ring rgb button emergency tamper rx tx send mdc mdio power clock""".split()
)
# Their levels at reset choose how the chip starts: a coil on them may pull then, or keep it from starting.
STRAPPING = {
    "esp32": {0, 2, 5, 12, 15},
    "esp32s3": {0, 3, 45, 46},
    "esp32c3": {2, 8, 9},
    "esp32c6": {4, 5, 8, 9, 15},
}
COILS = {"contactor", "contactor2", "lock", "unlock"}
# Data lines of RMII, which are where they are.
RMII = {19, 21, 22, 25, 26, 27}
NO_COUNTER = {"esp32c3"}
NO_PULL = {"esp32": range(34, 40)}
# Inputs whose broken wire must read as danger.
GUARDS = {"rcd", "earth", "emergency", "contactor_feedback"}


class Finding(NamedTuple):
    """`error` False is a note."""

    error: bool
    text: str


def pins(part: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """(name, GPIO number) of everything in a board, a connector or a part of one."""
    for name, value in part.items():
        if isinstance(value, dict):
            for inner, pin in pins(value):
                yield f"{name}.{inner}", pin
        elif name == "connectors":
            for k, connector in enumerate(value):
                for inner, pin in pins(connector):
                    yield f"connector {k + 1} {inner}", pin
        elif name in PINS:
            for pin in value if isinstance(value, list) else [value]:
                yield name, pin


def check(board: dict[str, Any]) -> list[Finding]:
    """Everything that is found in a parsed board.json; the rest is only looked at if the schema holds."""
    schema = json.loads((build.repository() / "boards" / "schema.json").read_text("utf-8"))
    wrong = best_match(jsonschema.Draft202012Validator(schema).iter_errors(board))
    if wrong:
        where = ".".join(map(str, wrong.absolute_path))
        return [Finding(True, f"{where}: {wrong.message}" if where else wrong.message)]
    return [*_errors(board), *_notes(board)]


def _errors(board: dict[str, Any]) -> Iterator[Finding]:
    chip = board["chip"]
    used = list(pins(board))
    for pin, times in Counter(pin for _, pin in used).items():
        if times > 1:
            names = " and ".join(name for name, p in used if p == pin)
            yield Finding(True, f"GPIO {pin} is used twice, by {names}")
    for name, pin in used:
        if name.rpartition(" ")[2] in COILS and pin in STRAPPING[chip]:
            yield Finding(True, f"{name} is on GPIO {pin}, which decides how the chip starts: a coil there may pull at reset")
        if "lan" in board and pin in RMII and not name.startswith("lan."):
            yield Finding(True, f"{name} is on GPIO {pin}, which carries Ethernet")
    uarts = [part["uart"] for part in _serial(board)]
    if len(uarts) != len(set(uarts)):
        yield Finding(True, "a UART is used twice")
    for k, connector in enumerate(board["connectors"]):
        pairs = connector["pilot_calibration"]
        if pairs != sorted(pairs) or len({pair[0] for pair in pairs}) < len(pairs):
            yield Finding(True, f"connector {k + 1} pilot_calibration does not rise")
        elif any(a[1] >= b[1] for a, b in itertools.pairwise(pairs)):
            yield Finding(True, f"connector {k + 1} pilot_calibration: a higher voltage must mean a higher pilot")


def _notes(board: dict[str, Any]) -> Iterator[Finding]:
    chip = board["chip"]
    for name, pin in pins(board):
        if name.rpartition(" ")[2] in GUARDS and pin in NO_PULL.get(chip, ()):
            text = "has no pull resistor: add one that reads as danger when the wire breaks"
            yield Finding(False, f"{name} is on GPIO {pin}, which {text}")
    for k, connector in enumerate(board["connectors"]):
        if chip in NO_COUNTER and "s0" in connector:
            text = "counts in software, and misses pulses in long stalls (a Modbus meter does not)"
            yield Finding(False, f"connector {k + 1} s0: {chip} {text}")
        if "rcd" not in connector:
            text = "has no residual-current monitor: a type B device must be in the installation"
            yield Finding(False, f"connector {k + 1} {text}")
        if "contactor_feedback" not in connector:
            yield Finding(False, f"connector {k + 1} has no feedback: a weld is only seen by the energy that flows")


def _serial(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "rfid" in board:
        yield board["rfid"]
    for connector in board["connectors"]:
        if "meter" in connector:
            yield connector["meter"]


def main(arguments: list[str]) -> int:
    """Check the named files, or every board of the repository; returns 1 if one has errors."""
    paths = [Path(name) for name in arguments] or sorted((build.repository() / "boards").glob("*/board.json"))
    failed = False
    for path in paths:
        try:
            board = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise PilotwireError(f"cannot read {path}", str(error)) from None
        found = check(board)
        failed = failed or any(finding.error for finding in found)
        print(f"{path}: {'errors' if any(f.error for f in found) else 'good'}")
        for finding in found:
            print(f"  {'error' if finding.error else 'note'}: {finding.text}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PilotwireError as problem:
        sys.exit(f"pilotwire: {problem}")
