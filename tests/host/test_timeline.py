"""The timeline on a terminal, in a pipe and for programs."""

import io
import json

import pytest

from pilotwire.timeline import Event, Timeline, clock, level_of

EVENTS = [
    Event(0, "car", "plugs in"),
    Event(61_250, "firmware", "I ocpp: connected"),
    Event(61_300, "firmware", "E ocpp: lost [bold]"),
    Event(61_400, "central", "wrong", {"level": "error"}),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(stream, **options):
    timeline = Timeline(stream, **options)
    for event in EVENTS:
        timeline(event)
    return stream.getvalue()


def test_plain_lines_in_a_pipe_without_the_firmwares_chatter():
    assert show(io.StringIO()).splitlines() == [
        "     0:00.0  car        plugs in",
        "     1:01.3  firmware   error: E ocpp: lost [bold]",
        "     1:01.4  central    error: wrong",
    ]
    assert "I ocpp: connected" in show(io.StringIO(), verbose=True)


def test_colours_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = show(Terminal(), verbose=True)
    assert "\x1b[" in text and "lost [bold]" in text and "connected" in text
    assert "connected" not in show(Terminal())


def test_json_lines_have_everything():
    lines = [json.loads(line) for line in show(io.StringIO(), form="json").splitlines()]
    assert [line["level"] for line in lines] == ["info", "info", "error", "error"]
    assert lines[0] == {
        "time_ms": 0, "who": "car", "what": "plugs in", "level": "info", "data": None,
    }  # fmt: skip


def test_none_is_silent():
    assert show(io.StringIO(), form="none") == ""


def test_a_reader_that_went_away_is_left_alone():
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    timeline = Timeline(Closed())
    timeline(EVENTS[0])
    timeline(EVENTS[0])
    assert timeline.broken


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [(-1, "0:00.0"), (0, "0:00.0"), (59_999, "0:59.9"), (3_600_000, "1:00:00.0")],
)
def test_clock(time_ms, text):
    assert clock(time_ms) == text


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (Event(0, "firmware", "W app: low"), "warning"),
        (Event(0, "firmware", "Traceback"), "info"),
        (Event(0, "car", "E is not a level here"), "info"),
    ],
)
def test_level(event, level):
    assert level_of(event) == level
