"""The live timeline: time, who, what; for a terminal, a pipe or a program.

    timeline = Timeline()                 # colours on a terminal, plain lines in a pipe
    async with CentralSystem(on_event=timeline): ...

Anything with the attributes of `Event` is taken, from the central system and the supervisor alike.
Rich is imported only when there is a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TextIO


class Event(NamedTuple):
    """Something that happened.

    `time_ms`: milliseconds (simulated where time is) since the run began; `who`: the actor, one
    lower-case word; `what`: a sentence without a full stop; `data`: JSON-able details or None,
    where "level" may be "error", "warning" or "info".
    """

    time_ms: int
    who: str
    what: str
    data: dict[str, Any] | None = None


class EventLike(Protocol):
    """What the timeline needs of an event; see `Event`."""

    @property
    def time_ms(self) -> int: ...
    @property
    def who(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def data(self) -> Any: ...


_COLOURS = {
    "car": "green",
    "person": "bold green",
    "pilot": "cyan",
    "contactor": "bold yellow",
    "meter": "yellow",
    "network": "magenta",
    "power": "bold magenta",
    "central": "bold blue",
    "firmware": "white",
    "box": "white",
    "scenario": "bold white",
    "page": "bold white",
}
_LEVEL_COLOURS = {"error": "bold red", "warning": "bright_yellow", "info": "dim"}

# How the device's log marks its lines: lib/log prints "E area: text".
_LOG_LEVELS = {"E ": "error", "W ": "warning", "I ": "info", "D ": "debug"}


class Timeline:
    """Prints events one a line; call it with an event.

    Args:
        stream: where to, stdout if left out.
        form: "rich", "plain", "json" (JSON lines), "none"; None picks rich or plain by the stream.
        verbose: shows the firmware's log lines of level info and debug, which are hidden otherwise
            (JSON lines always have them).

    A stream whose reader has gone (`| head`) is not written to any more; `broken` says so.
    """

    def __init__(
        self, stream: TextIO | None = None, form: str | None = None, verbose: bool = False
    ):
        self.stream = sys.stdout if stream is None else stream
        if form is None:
            form = "rich" if self.stream.isatty() else "plain"
        writers: dict[str, Callable[[EventLike, str], None]] = {
            "rich": self._rich,
            "plain": self._plain,
            "json": self._json,
            "none": lambda _event, _level: None,
        }
        self.form, self.verbose, self.broken = form, verbose, False
        self._write = writers[form]
        self.console: Any = None  # of Rich; a program that shows something live besides gives its own

    def __call__(self, event: EventLike) -> None:
        """Shows one event, or hides it by its level."""
        level = level_of(event)
        chatter = event.who == "firmware" and level in ("info", "debug")
        if self.broken or (chatter and not self.verbose and self.form != "json"):
            return
        try:
            self._write(event, level)
            self.stream.flush()
        except BrokenPipeError:
            self.broken = True
            abandon(self.stream)

    def _plain(self, event: EventLike, level: str) -> None:
        mark = f"{level}: " if level in ("error", "warning") else ""
        self.stream.write(f"{clock(event.time_ms):>11}  {event.who:<10} {mark}{event.what}\n")

    def _json(self, event: EventLike, level: str) -> None:
        line = {
            "time_ms": event.time_ms,
            "who": event.who,
            "what": event.what,
            "level": level,
            "data": event.data,
        }
        self.stream.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")

    def _rich(self, event: EventLike, level: str) -> None:
        from rich.console import Console
        from rich.text import Text

        if self.console is None:
            self.console = Console(file=self.stream, highlight=False)
        colour = _LEVEL_COLOURS.get(level, "")
        if level == "info" and event.who != "firmware":
            colour = ""
        line = Text.assemble(
            (f"{clock(event.time_ms):>11}  ", "dim"),
            (f"{event.who:<10} ", _COLOURS.get(event.who, "white")),
            (event.what, colour),
        )
        self.console.print(line, soft_wrap=True)


def abandon(stream: TextIO) -> None:
    """Lets a stream whose reader has gone end in nothing, so that the flush at exit does not fail."""
    # A stream without a descriptor of its own has nothing to be redirected.
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, descriptor)
        os.close(nothing)


def level_of(event: EventLike) -> str:
    """ "error", "warning", "info" or "debug": from the data, else from the log line's letter."""
    if isinstance(event.data, dict) and "level" in event.data:
        return str(event.data["level"])
    if event.who == "firmware":
        return _LOG_LEVELS.get(event.what[:2], "info")
    return "info"


def clock(time_ms: int) -> str:
    """Milliseconds as `m:ss.t`, or `h:mm:ss.t` from an hour on."""
    tenths = max(time_ms, 0) // 100
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{seconds:02}.{tenths % 10}"
