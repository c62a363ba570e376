"""The lines of a scenario: what is read, what is refused, and how."""

from importlib.resources import files

import pytest

from pilotwire.errors import PilotwireError
from pilotwire.scenario import WORDS, lookup, parse, parse_line, until

GOOD = [
    ("plug connector=1 cable_a=32 car=normal", 0, "plug",
     {"connector": 1, "cable_a": 32, "car": "normal"}),
    ("  +2.5 tag id=0012  # a number that is a text", 2.5, "tag", {"id": "0012"}),
    ("limit slot=user ma=null", 0, "limit", {"slot": "user", "ma": None}),
    ("network up=false", 0, "network", {"up": False}),
    ('tag id="A B"', 0, "tag", {"id": "A B"}),
    ("change_configuration key=MeterValueSampleInterval value=60", 0, "change_configuration",
     {"key": "MeterValueSampleInterval", "value": "60"}),
    ("call action=TriggerMessage payload='{\"requestedMessage\": \"Heartbeat\"}'", 0, "call",
     {"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}}),
    ("state", 0, "state", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "after_s", "word", "fields"), GOOD, ids=lambda v: str(v)[:20])
def test_good_lines(line, after_s, word, fields):
    step = parse_line(line)
    assert step is not None
    assert (step.after_s, step.word, step.fields) == (after_s, word, fields)


BAD = [
    ("plugg connector=1", "unknown word 'plugg'", "plug, unplug"),
    ("plug cabel_a=3", "plug has no field 'cabel_a'", "cable_a"),
    ("plug connector", "not of the form key=value", "connector"),
    ("plug connector=1 connector=2", "given twice", ""),
    ("tag", "tag needs id", "fields of tag: id"),
    ("+5", "no word after the seconds", "plug"),
    ("+x plug", "not a number of seconds", "+0.5"),
    ("+-1 plug", "not a number of seconds", ""),
    ("+nan plug", "not a number of seconds", ""),
    ('tag id="A', "cannot be read", "no closing quotation"),
    ("expect a.b", "takes a path, an operator and a value", "expect path op value"),
    ("expect a.b ~ 5", "unknown operator '~'", ">="),
    ("wait a.b = 5 timeout=3", "takes a path", "timeout_s"),
    ("wait a.b = 5 timeout_s=x", "not a number of seconds", ""),
]


@pytest.mark.parametrize(("line", "what", "help_"), BAD, ids=lambda v: str(v)[:20])
def test_bad_lines_name_their_number_and_what_is_known(line, what, help_):
    with pytest.raises(PilotwireError) as error:
        parse(f"# comment\n\nstate\n{line}\n", "a.scn")
    text = str(error.value)
    assert text.startswith("a.scn, line 4: ") and what in text and help_ in text


STATE = {"connectors": [{"status": "Charging", "offered_ma": 16000}], "slot": "a", "tags": ["A"]}

CHECKS = [
    ("connectors[0].status = Charging", True),
    ("connectors.0.status == Charging", True),
    ("connectors[0].status != Charging", False),
    ("connectors[0].offered_ma <= 16000", True),
    ("connectors[0].offered_ma > 16000", False),
    ("connectors[0].offered_ma < Charging", False),
    ("connectors[1].status = Charging", False),
    ("connectors.x = 1", False),
    ("slot.x = 1", False),
    ("tags has A", True),
    ("tags has B", False),
]


@pytest.mark.parametrize(("check", "holds"), CHECKS)
def test_expect_holds(check, holds):
    step = parse_line(f"expect {check}")
    assert step is not None and step.holds(STATE) is holds


def test_wait_becomes_a_part_of_a_state():
    step = parse_line("wait connectors[1].offered_ma >= 6000 timeout_s=5")
    assert step is not None and step.fields == {"timeout_s": 5}
    assert until(step) == {"connectors": [{}, {"offered_ma": {">=": 6000}}]}
    step = parse_line("wait slot = b")
    assert step is not None and until(step) == {"slot": "b"}


def test_lookup_of_what_is_not_there():
    with pytest.raises(LookupError):
        lookup(STATE, "connectors[0].nothing")


def test_the_scenario_of_the_demo_is_good():
    steps = parse((files("pilotwire") / "demo.scn").read_text(), "demo.scn")
    assert {"plug", "tag", "limit", "unplug"} <= {step.word for step in steps} <= set(WORDS)
