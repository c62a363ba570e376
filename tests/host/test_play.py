"""`pilotwire play`: the files in examples/scenarios, what goes into JUnit XML, and how a scenario is written on lines."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotwire import junit
from pilotwire.errors import PilotwireError
from pilotwire.player import Report
from pilotwire.scenario import line, parse, parse_line, step

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scenarios").glob("*.scn"))


def test_there_are_a_dozen_examples_and_all_can_be_read():
    assert len(EXAMPLES) >= 12
    for path in EXAMPLES:
        text = path.read_text()
        assert text.startswith("# ") and len(parse(text, path.name)) >= 5, path.name


# Each with a box and a central system of its own.
@pytest.mark.exhaustive
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_hold(path):
    command = [sys.executable, "-m", "pilotwire.cli", "play", path, "--speed", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_a_report_in_junit_xml():
    steps = parse("plug\nexpect slot = b\n+2 unplug\n")
    report = Report(played=steps[:1], failed=steps[1], error="expected b\x00 <but> it is a", seconds=[0.25])
    root = ElementTree.fromstring(junit.document([junit.Suite("cut", steps, report, 1.5, "0:00.0 car & cable\n")]))
    suite = root.find("testsuite")
    assert suite is not None
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "1",
    }  # fmt: skip
    first, second, third = suite.findall("testcase")
    assert (first.get("name"), first.get("time"), len(first)) == ("line 1: plug", "0.250", 0)
    failure = second.find("failure")
    assert failure is not None and failure.get("message") == "expected b\ufffd <but> it is a"
    assert third.find("skipped") is not None
    assert suite.findtext("system-out") == "0:00.0 car & cable\n"


TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20)
PAYLOADS = st.dictionaries(st.text("ab{'\" ", min_size=1), st.integers() | TEXTS, max_size=2)


@settings(deadline=None, max_examples=50)
@given(TEXTS, PAYLOADS)
def test_a_line_is_read_back_as_it_was(text, payload):
    again = parse_line(line("call", {"action": text, "payload": payload}))
    assert again is not None and again.fields == {"action": text, "payload": payload}
    assert step("tag", {"id": text}).fields == {"id": text}


def test_what_does_not_fit_on_a_line_is_refused():
    with pytest.raises(PilotwireError, match="text has several"):
        line("send", {"text": "a\nb"})
    with pytest.raises(PilotwireError, match="unknown word 'frob'"):
        step("frob", {})
    with pytest.raises(PilotwireError, match="tag needs id"):
        step("tag", {})
