"""One vocabulary of faults: the same in the table, in the safety step, in the docs, and OCPP has a code for each."""

import re
from pathlib import Path

import pytest
from evse import connector, faults, limits, pilot
from ocpp16.status_notification import _ERROR_CODES

DOCS = (Path(__file__).parents[2] / "docs" / "board.md").read_text("utf-8")
ENDS = {0: "gone", 1: "unplugged", 2: "clear_faults()"}
# Faults for which OCPP 1.6 has no code but OtherError.
OTHER = {"emergency", "cable", "tamper"}


def test_bits_are_places_in_the_table():
    for i, name in enumerate(faults.NAMES):
        if hasattr(connector, f"_{name.upper()}"):
            assert getattr(connector, f"_{name.upper()}") == 1 << i
        else:
            assert name == "tamper"  # reported by name


def test_levels_duties_and_slots_are_the_same():
    for name in "_A _C _D _E _X1 _F".split():
        assert getattr(connector, name) == getattr(pilot, name)
    assert limits.SLOTS[connector._CABLE_SLOT] == "cable"
    assert limits.SLOTS[connector._TEMPERATURE_SLOT] == "temperature"
    assert limits.SLOTS[limits._LOAD] == "load" and limits.SLOTS[0] == "board"


def test_latching_rows():
    rows = [i for i in range(len(faults.NAMES)) if faults._ROWS[i * faults._WIDTH + 2] == 2]
    assert sum(1 << i for i in rows) == faults._LATCHING


def test_every_fault_has_a_row_and_a_code():
    assert len(faults._ROWS) == len(faults.NAMES) * faults._WIDTH
    assert set(faults.NAMES) - OTHER <= set(_ERROR_CODES)


@pytest.mark.parametrize(("i", "name"), list(enumerate(faults.NAMES)))
def test_docs_say_how_each_ends(i, name):
    row = faults._ROWS[i * faults._WIDTH : (i + 1) * faults._WIDTH]
    found = re.search(rf"\| `{name}` \| (.*) \| (.*) \|", DOCS)
    assert found, f"docs/board.md has no row for {name}"
    assert ("ends the allowance" in found[2]) == bool(row[3])
    if row[2]:
        assert ENDS[row[2]] in found[2]
    else:
        assert not any(word in found[2] for word in ("unplugged", "clear_faults"))
