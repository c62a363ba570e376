"""`pilotwire monitor`: the serial log of a charger, its levels in colour, and its reports as changes of state.

`Reader` turns bytes into events and does no I/O; `run` reads the port, and waits for it to come back when the board is reset
or unplugged.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from pilotwire.device import ports
from pilotwire.errors import PilotwireError
from pilotwire.timeline import Event, Timeline
from pilotwire.tracebacks import Names

_LONG = 4096  # a line without an end is noise: wrong baud rate, boot loader
_RESET = re.compile(r"rst:0x[0-9a-f]+ \((\w+)\)")
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')

# What is shown of a report: (key, who, word).
_FACTS = (("registered", "central", "registration"), ("online", "network", "online"), ("queue", "box", "queue"))


class Reader:
    """Bytes of the line in, events out.

    Args:
        clock: milliseconds since the start.
        names: of the build, for tracebacks.
    """

    def __init__(self, clock: Callable[[], int], names: Names | None = None):
        self._clock = clock
        self._names = names or Names({})
        self._rest = b""
        self._report: dict[str, Any] = {}
        self._trace: list[str] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        """Events of whatever lines are complete now."""
        *whole, self._rest = re.split(rb"\r?\n", self._rest + data)
        if len(self._rest) > _LONG:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            yield from self._line(line.decode("utf-8", "replace").strip("\r"))

    def _event(self, who: str, what: str, level: str = "", **data: Any) -> Event:
        return Event(self._clock(), who, what, {"level": level, **data} if level else data or None)

    def _line(self, text: str) -> Iterator[Event]:
        if not text.strip():
            return
        text = self._names.readable(text)
        if text.startswith("@"):
            yield from self._told(text)
        elif found := _RESET.search(text):
            self._report = {}
            yield self._event("power", f"the chip starts: {found[1]}", "warning", reset=found[1])
        elif text.startswith("Traceback "):
            self._trace = [text]
        elif self._trace and text.startswith("  "):
            self._trace.append(text)
        elif self._trace:
            yield self._traceback(text)
        else:
            yield self._event("firmware", text)

    def _traceback(self, error: str) -> Event:
        """One event for a traceback, with the innermost place in it."""
        places = [found for line in self._trace if (found := _FRAME.search(line))]
        trace, self._trace = [*self._trace, error], []
        if not places:
            return self._event("firmware", error, "error", traceback=trace)
        place = places[-1]
        # Without line numbers in the build every line is 1.
        line = f", line {place['line']}" if place["line"] != "1" else ""
        return self._event(
            "firmware", f"{error} in {place['function']} of {place['file']}{line}", "error", traceback=trace
        )

    def _told(self, text: str) -> Iterator[Event]:
        try:
            report = json.loads(text[1:])
        except ValueError:
            report = None
        if not isinstance(report, dict):
            yield self._event("firmware", text, "warning")
            return
        before, self._report = self._report, report
        if not before and "version" in report:
            yield self._event("box", f"pilotwire {report['version']}, slot {report.get('slot')}", "info", report=report)
        if report.get("setup") and report["setup"] != before.get("setup"):
            setup = report["setup"]
            yield self._event(
                "box",
                f"set-up mode: join network {setup.get('network')} with password {setup.get('password')}, "
                f"then open {setup.get('address')}",
                "info",
                setup=setup,
            )
            return
        for key, who, word in _FACTS:
            if report.get(key) != before.get(key):
                yield self._event(who, f"{word}: {_text(report.get(key))}", "info", **{key: report.get(key)})
        old = before.get("connectors") or []
        for number, connector in enumerate(report.get("connectors") or [], 1):
            known = old[number - 1] if number <= len(old) else {}
            yield from self._connector(number, known, connector)

    def _connector(self, number: int, before: dict[str, Any], now: dict[str, Any]) -> Iterator[Event]:
        who = f"conn. {number}"
        if now.get("status") != before.get("status"):
            yield self._event(who, str(now.get("status")), "info", status=now.get("status"))
        if now.get("fault") != before.get("fault"):
            fault = now.get("fault")
            yield self._event(who, f"fault {fault}" if fault else "fault is over", "error" if fault else "info", fault=fault)
        if now.get("offered_ma") != before.get("offered_ma") and (now.get("offered_ma") or before.get("offered_ma")):
            yield self._event(who, f"offers {(now.get('offered_ma') or 0) / 1000:g} A", "info", offered_ma=now.get("offered_ma"))
        if _id(now) != _id(before):
            transaction = now.get("transaction")
            what = f"transaction of tag {transaction.get('tag')}" if transaction else "transaction is over"
            yield self._event(who, what, "info", transaction=transaction)


def _id(connector: dict[str, Any]) -> Any:
    transaction = connector.get("transaction")
    return transaction and (transaction.get("tag"), transaction.get("start_wh"))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def run(port: str | None, *, as_json: bool, seconds: float | None = None, once: bool = False) -> None:
    """Show the log of a board until Ctrl-C.

    Args:
        port: None to find it.
        as_json: the events as JSON lines.
        seconds: end after that time.
        once: end with an error when the port goes, in place of waiting for it.
    """
    chosen = ports.choose(port)
    began = time.monotonic()

    def clock() -> int:
        return int((time.monotonic() - began) * 1000)

    timeline = Timeline(sys.stdout, form="json" if as_json else None, verbose=True)
    reader = Reader(clock, Names.newest())
    line = ports.open_line(chosen)
    try:
        while not timeline.broken and (seconds is None or clock() < seconds * 1000):
            try:
                data = line.read(max(1, line.in_waiting or 0))
            except OSError as error:
                line.close()
                if once:
                    raise PilotwireError(f"the connection to {chosen} broke off", str(error), "check the cable")
                timeline(Event(clock(), "network", f"{chosen} is gone, waiting for it", {"level": "warning"}))
                line = _again(chosen)
                reader = Reader(clock, Names.newest())
                timeline(Event(clock(), "network", f"{chosen} is back", {"level": "info"}))
                continue
            for event in reader.feed(data):
                timeline(event)
    finally:
        line.close()


def _again(port: str) -> Any:
    """The port, once it is there again; a board that was unplugged may take a while."""
    while True:
        try:
            ports.check(port)
            return ports.open_line(port)
        except PilotwireError:
            time.sleep(0.3)
