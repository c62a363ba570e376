"""What a diagnostics file says, in order.

    report = read(data)
    report.timeline, report.resets, report.errors ...
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotwire.errors import PilotwireError

_WHEN = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Moment:
    """One line of the timeline: UTC, or None with seconds since that start; what it is and says."""

    time: str | None
    uptime_s: int | None
    what: str
    text: str


@dataclass
class Report:
    """
    Attributes:
        head: the first line.
        counters, heap: as the file has them.
        connectors, flash, settings, queue, frames: lines of these kinds.
        timeline: log, frames and queue by time; what happened before the clock was set is put before what came after.
        resets: moments of a start, with its cause; errors: lines of the log of level E, warnings of level W.
        whole: the file has its end.
        damaged: lines that are no JSON.
    """

    head: dict[str, Any]
    counters: dict[str, Any] = field(default_factory=dict)
    heap: dict[str, Any] = field(default_factory=dict)
    connectors: list[dict[str, Any]] = field(default_factory=list)
    flash: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    queue: list[dict[str, Any]] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)
    whole: bool = False
    damaged: int = 0

    def of_level(self, letter: str) -> list[Moment]:
        """Lines of the log of one level: E, W, I, D."""
        return [m for m in self.timeline if m.what == "log" and m.text.startswith(letter + " ")]

    @property
    def resets(self) -> list[Moment]:
        return [m for m in self.timeline if m.what == "log" and ", start by " in m.text]

    def as_json(self) -> dict[str, Any]:
        """All of it for a program."""
        known = {name: value for name, value in vars(self).items() if name != "timeline"}
        lists = {
            "timeline": self.timeline,
            "resets": self.resets,
            "errors": self.of_level("E"),
            "warnings": self.of_level("W"),
        }
        return known | {name: [vars(moment) for moment in moments] for name, moments in lists.items()}


def read(data: bytes) -> Report:
    """The report of a file; PilotwireError if it is none. A line that is damaged is counted and left out."""
    report: Report | None = None
    moments: list[Moment] = []
    damaged = 0
    for text in data.decode("utf-8", "replace").split("\n"):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            damaged += 1
            continue
        if not isinstance(line, dict):
            damaged += 1
        elif report is None:
            if line.get("pilotwire") != "diagnostics":
                break
            if line.get("format") != 1:
                raise PilotwireError(
                    f"a diagnostics file of format {line.get('format')}", "this reads format 1", "use a newer pilotwire"
                )
            report = Report(line)
        else:
            _add(report, moments, line)
    if report is None:
        raise PilotwireError("this is no diagnostics file", "its first line is not that of one")
    report.damaged = damaged
    report.timeline = _in_order(moments)
    return report


def _add_to_connector(connectors: list[dict[str, Any]], line: dict[str, Any]) -> None:
    for connector in connectors:
        if connector["connector"] == line.get("contactor", line.get("connector")):
            if "limit" in line:
                connector["limits"].append(line)
            else:
                connector.update(cycles=line.get("cycles"), hours=line.get("hours"))


def _add(report: Report, moments: list[Moment], line: dict[str, Any]) -> None:
    if "counters" in line:
        report.counters, report.heap = line["counters"], line.get("heap", {})
    elif "contactor" in line or "limit" in line:
        _add_to_connector(report.connectors, line)
    elif "connector" in line and "record" not in line:
        report.connectors.append({**line, "limits": []})
    elif "flash" in line:
        report.flash.append(line)
    elif "setting" in line:
        hidden = ("(set)" if line.get("set") else "(not set)") if line.get("secret") else None
        report.settings[line["setting"]] = hidden or line.get("value", "")
    elif "end" in line:
        report.whole = True
    else:
        when = line.get("time"), line.get("uptime_s")
        if "record" in line:
            report.queue.append(line)
            text = f"{line['record']} of connector {line.get('connector')}, {line.get('wh')} Wh, {line.get('state')}"
            moments.append(Moment(*when, "queue", text))
        elif "frame" in line:
            arrow = "->" if line.get("sent") else "<-"
            moments.append(Moment(*when, "frame", f"{arrow} {line['frame']} ({line.get('bytes')} bytes)"))
        elif "log" in line:
            moments.append(Moment(*when, "log", line["log"]))


def _in_order(moments: list[Moment]) -> list[Moment]:
    """By time. A line of the log without one gets it from the next line of the same start that has both."""
    log = [m for m in moments if m.what == "log"]
    after: datetime | None = None
    seconds = 0
    for moment in reversed(log):
        if moment.time is not None:
            after, seconds = datetime.strptime(moment.time, _WHEN).replace(tzinfo=UTC), -1
        elif moment.uptime_s is not None and after is not None:
            # The clock was set some seconds after the start: the first line with a time is no earlier than that.
            gap = 0 if seconds < 0 else max(seconds - moment.uptime_s, 0)
            after -= timedelta(seconds=gap)
            seconds = moment.uptime_s
            moment.time = after.strftime(_WHEN)
    return sorted(moments, key=lambda m: m.time or "")
