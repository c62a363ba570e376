"""The compact schemas say the same as the JSON schemas of the OCA: both judge the same payloads.

The interpreter below is the reference for the grammar in pilotwire/schemas.py, written for reading, not for the chip.
"""

import re
from datetime import datetime

import jsonschema
import jsonschema.validators
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotwire import schemas

JSON = schemas.load()
LINES = dict(line.split(" ", 1) for line in schemas.generate().splitlines())


def parse(text):
    """A type of the grammar -> nested tuples, and the rest of the text."""
    if text.startswith("{"):
        fields, text = {}, text[1:]
        while not text.startswith("}"):
            name, need, text = re.match(r",?(\w+)([!?])(.*)", text).groups()
            inner, text = parse(text)
            fields[name] = (need == "!", inner)
        return ("object", fields), text[1:]
    if text.startswith("["):
        inner, text = parse(text[1:])
        assert text[0] == "]"
        return ("array", inner, text[1:2] == "+"), text[2:] if text[1:2] == "+" else text[1:]
    if text.startswith("("):
        values, _, text = text[1:].partition(")")
        return ("enum", values.split("|")), text
    if text.startswith("#"):
        name = re.match(r"#\w+", text)[0]
        return ("enum", LINES[name].split("|")), text[len(name) :]
    found = re.match(r"([sinbd])(\d*)", text)
    return (found[1], int(found[2] or 0)), text[found.end() :]


def fits(kind, value):
    match kind:
        case ("object", fields):
            return (
                isinstance(value, dict)
                and value.keys() <= fields.keys()
                and all(name in value for name, (needed, _) in fields.items() if needed)
                and all(fits(fields[name][1], inner) for name, inner in value.items())
            )
        case ("array", inner, some):
            return isinstance(value, list) and (not some or bool(value)) and all(fits(inner, v) for v in value)
        case ("enum", values):
            return value in values
        case ("s", longest):
            return isinstance(value, str) and (not longest or len(value) <= longest)
        case ("d", _):
            return isinstance(value, str) and date_time(value)
        case ("b", _):
            return isinstance(value, bool)
        case ("i", _):
            return isinstance(value, int) and not isinstance(value, bool)
        case ("n", _):
            return isinstance(value, int | float) and not isinstance(value, bool)
    raise AssertionError(kind)


def date_time(text):
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (ValueError, TypeError):
        return not isinstance(text, str)


CHECKER = jsonschema.FormatChecker(formats=[])
CHECKER.checks("date-time")(date_time)

WRONG = st.sampled_from([None, "", "Accepted", "x" * 60, 0, 7, True, [], {}, ["x"], {"a": 1}])


def good(kind):
    """Values of a type, as far as the grammar knows."""
    match kind:
        case ("object", fields):
            return st.fixed_dictionaries(
                {name: mixed(inner) for name, (needed, inner) in fields.items() if needed},
                optional={name: mixed(inner) for name, (needed, inner) in fields.items() if not needed},
            )
        case ("array", inner, _):
            return st.lists(mixed(inner), max_size=3)
        case ("enum", values):
            return st.sampled_from(values)
        case ("s", longest):
            return st.sampled_from(["", "a", "Ä" * (longest or 9), "x" * ((longest or 9) + 1)])
        case ("d", _):
            return st.sampled_from(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.028+01:00", "today", ""])
        case ("b", _):
            return st.booleans()
        case ("i", _):
            return st.integers()
        case ("n", _):
            return st.sampled_from([0, 16, -1, 0.5, 32.0])  # multiples of 0.1 that floats hold exactly
    raise AssertionError(kind)


def mixed(kind):
    """Mostly good values: one in fifteen is wrong."""
    return st.integers(0, 14).flatmap(lambda n: good(kind) if n else WRONG)


def payloads(kind):
    """Payloads with, sometimes, a field too many or one missing."""

    def spoil(change):
        payload, n, name = change
        if n == 0:
            return {**payload, "other": 1}
        if n == 1 and name < len(payload):
            return {k: v for i, (k, v) in enumerate(payload.items()) if i != name}
        return payload

    return st.tuples(good(kind), st.integers(0, 9), st.integers(0, 5)).map(spoil)


def test_all_messages_are_there():
    assert len(JSON) == 78 and {n for n in LINES if n[0] != "#"} == JSON.keys()


def test_it_fits_into_eight_kilobytes():
    assert len(schemas.generate().encode()) <= 8192


def test_requests_that_are_received_come_first():
    names = list(LINES)
    assert set(names[: len(schemas.RECEIVED)]) == schemas.RECEIVED
    assert names[: len(schemas.RECEIVED)] == sorted(schemas.RECEIVED)
    assert names.index("BootNotification.conf") < names.index("BootNotification")


def test_lines_of_the_design():
    assert LINES["ChangeConfiguration"] == "{key!s50,value!s500}"
    assert LINES["ChangeConfiguration.conf"] == "{status!(Accepted|Rejected|RebootRequired|NotSupported)}"
    assert LINES["GetConfiguration"] == "{key?[s50]}"
    assert LINES["Heartbeat"] == "{}"


@pytest.mark.parametrize("name", sorted(JSON))
def test_same_verdict_as_the_json_schema(name):
    kind, rest = parse(LINES[name])
    assert rest == ""
    schema = JSON[name]
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=CHECKER)

    @settings(max_examples=60, deadline=None, database=None)
    @given(payloads(kind))
    def compare(payload):
        assert fits(kind, payload) == validator.is_valid(payload), payload

    compare()
