"""Words of the control socket: what is accepted, and what an error says."""

from pathlib import Path

import pytest

from pilotwire import settings_file
from pilotwire.errors import PilotwireError
from pilotwire.sim import words

GOOD = [
    {"do": "plug"},
    {
        "do": "plug",
        "id": 7,
        "connector": 2,
        "cable_a": 13,
        "phases": 1,
        "car": "no_b",
        "battery_wh": 0,
    },
    {"do": "unplug", "connector": 1},
    {"do": "ready"},
    {"do": "pause", "id": "x"},
    {"do": "draw", "amps": 7.5, "phases": 2},
    {"do": "tag", "id": "12345678901234567890"},
    {"do": "button", "seconds": 5},
    {"do": "calibrate", "connector": 1, "high_mv": 12040, "low_mv": -11950},
    {"do": "limit", "slot": "load", "ma": 10000, "seconds": 60},
    {"do": "fault", "kind": "weld"},
    {"do": "warm", "celsius": 70, "seconds": 600},
    {"do": "clear", "connector": 1, "kind": "tamper"},
    {"do": "network", "up": False},
    {"do": "power", "on": True},
    {"do": "limit", "slot": "user", "ma": None},
    {"do": "speed", "factor": 0},
    {"do": "state"},
    {"do": "wait", "until": {"a": 1}, "timeout_s": 5},
]


@pytest.mark.parametrize("request_", GOOD, ids=lambda r: r["do"])
def test_good(request_):
    words.check(request_)


def test_every_word_has_an_example():
    assert {r["do"] for r in GOOD} == set(words.known())


def test_the_page_names_every_word_field_and_fault():
    page = (Path(__file__).parents[2] / "docs" / "control.md").read_text()
    for entry in words.schema()["oneOf"]:
        row = next(
            line
            for line in page.splitlines()
            if line.startswith("| `") and f"`{entry['title']}`" in line
        )
        assert all(f"`{name}`" in row for name in entry["properties"] if name not in ("do", "id"))
    assert all(f"`{kind}`" in page for kind in words.schema()["$defs"]["kind"]["enum"])


BAD = [
    ([], "JSON object"),
    ("plug", "JSON object"),
    ({}, "`do` is missing"),
    ({"do": "fly"}, "the words are plug, unplug"),
    ({"do": ["plug"]}, "is not known"),
    ({"do": "plug", "cable_a": 17}, "cable_a: 17 is not one of [13, 20, 32, 63]"),
    ({"do": "plug", "colour": "red"}, "its fields are"),
    ({"do": "plug", "connector": 0}, "connector: 0"),
    ({"do": "plug", "connector": True}, "connector: True"),
    ({"do": "plug", "car": "bus"}, "car: 'bus'"),
    ({"do": "tag"}, "'id' is a required property"),
    ({"do": "tag", "id": "123456789012345678901"}, "is too long"),
    ({"do": "tag", "id": ""}, "id"),
    ({"do": "tag", "id": "line\n"}, "id"),
    ({"do": "draw"}, "'amps' is a required property"),
    ({"do": "fault", "kind": "gremlins"}, "'gremlins' is not one of ['diode'"),
    ({"do": "network", "up": 1}, "up: 1"),
    ({"do": "limit", "slot": "user", "ma": 6.5}, "ma: 6.5"),
    ({"do": "limit", "slot": "user", "ma": -1}, "ma: -1"),
    ({"do": "speed", "factor": -1}, "factor"),
    ({"do": "wait"}, "'until' is a required property"),
    ({"do": "wait", "until": {}}, "until"),
]


@pytest.mark.parametrize(("request_", "says"), BAD)
def test_bad(request_, says):
    with pytest.raises(PilotwireError) as error:
        words.check(request_)
    assert says in str(error.value)


STATE = {
    "queue": 3,
    "power": "on",
    "connectors": [{"status": "Charging", "drawn_ma": [1, 2, 3], "fault": None}, {"status": "A"}],
}


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"queue": 3}, True),
        ({"queue": 3.0}, True),
        ({"queue": 4}, False),
        ({"queue": True}, False),
        ({"queue": {">=": 3}}, True),
        ({"queue": {">": 2, "<": 4}}, True),
        ({"queue": {"<": 3}}, False),
        ({"queue": {"!=": 3}}, False),
        ({"power": {">=": 3}}, False),
        ({"power": {"in": ["on", "off"]}}, True),
        ({"connectors": [{"status": "Charging"}]}, True),
        ({"connectors": [{}, {"status": "A"}]}, True),
        ({"connectors": [{}, {"status": "B"}]}, False),
        ({"connectors": {"1": {"status": "A"}}}, True),
        ({"connectors": {"2": {"status": "A"}}}, False),
        ({"connectors": [{}, {}, {}]}, False),
        ({"connectors": [{"drawn_ma": [{}, {">=": 2}]}]}, True),
        ({"connectors": [{"fault": None}]}, True),
        ({"connectors": [{"drawn_ma": {"has": 3}}]}, True),
        ({"nothing": {}}, False),
        ({"nothing": {">=": 1}}, False),
    ],
)
def test_holds(wanted, holds):
    assert words.holds(STATE, wanted) is holds


def test_settings_file():
    values = {"CentralSystemURL": "ws://h:1/a=b", "Odd": "a\\n\nb\\", "Name": "Zürich"}
    data = settings_file.dump(values)
    assert data.startswith(b"pilotwire settings 1 ")
    assert settings_file.load(data) == values
    assert settings_file.load(settings_file.dump({})) == {}
    with pytest.raises(PilotwireError, match="damaged"):
        settings_file.load(data.replace(b"Odd", b"odd"))
    with pytest.raises(PilotwireError, match="no settings file"):
        settings_file.load(b"hello")
    with pytest.raises(PilotwireError, match="no name"):
        settings_file.dump({"a b": "1"})


def test_firmware_reads_the_same_settings_file():
    import settingsedit

    values = {"CentralSystemURL": "ws://h:1/a=b", "Odd": "a\\n\nb\\c", "Name": "Zürich"}
    assert settingsedit.parse(settings_file.dump(values)) == values
    assert settingsedit.dump(values) == settings_file.dump(values)
