"""`pilotwire diagnostics`: a report as tables and a timeline, or as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pilotwire.diagnostics.report import Moment, Report, read
from pilotwire.errors import PilotwireError

_COLOURS = {"E ": "bold red", "W ": "bright_yellow", "I ": "", "D ": "dim"}


def run(file: Path, *, as_json: bool) -> None:
    """Shows a file, - for stdin; PilotwireError."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise PilotwireError(f"cannot read {file}", (error.strerror or str(error)).lower())
    report = read(data)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    show(report, Console(highlight=False))


def show(report: Report, console: Console) -> None:
    """The report for a person."""
    head = report.head
    window = f", from {head.get('from') or 'the beginning'} to {head.get('to') or 'then'}"
    console.print(Text(f"{head.get('charger')}", "bold"), end="")
    console.print(
        f"  pilotwire {head.get('version')} in slot {head.get('slot')}, {head.get('time') or 'time unknown'}, "
        f"up {_span(head.get('uptime_s') or 0)} since a start by {head.get('reset')}{window}",
        markup=False,
    )
    if not report.whole:
        console.print("The file is cut: its end is missing.", style="bold red")
    if report.damaged:
        console.print(f"{report.damaged} lines can not be read.", style="bright_yellow")
    _table(console, "Connectors", report.connectors, "connector status state fault energy_wh offered_ma cycles hours transaction")
    counted = {name: value for name, value in report.counters.items() if value not in (0, None)}
    _pairs(console, "Counters", counted | {f"heap {name}": value for name, value in report.heap.items()})
    _table(console, "Flash", report.flash, "flash erases programs corrupt dropped free waiting")
    _table(console, "Not delivered", report.queue, "record connector wh state time")
    _moments(console, "Resets", report.resets)
    _moments(console, "Errors and warnings", report.of_level("E") + report.of_level("W"))
    _moments(console, "Timeline", report.timeline)


def _table(console: Console, title: str, lines: list[dict], names: str) -> None:
    if lines:
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in names.split():
            table.add_column(name, overflow="fold")
        for line in lines:
            table.add_row(*[_text(line.get(name)) for name in names.split()])
        console.print()
        console.print(table)


def _pairs(console: Console, title: str, values: dict) -> None:
    console.print()
    console.print(title, style="bold")
    for name, value in values.items():
        console.print(f"  {name.replace('_', ' '):<22} {value}", markup=False)


def _moments(console: Console, title: str, moments: list[Moment]) -> None:
    console.print()
    console.print(title, style="bold")
    for moment in moments:
        when = moment.time or (f"+{moment.uptime_s} s" if moment.uptime_s else "")
        colour = _COLOURS.get(moment.text[:2], "") if moment.what == "log" else "cyan" if moment.what == "frame" else "green"
        line = Text.assemble((f"  {when:<21}", "dim"), (f"{moment.what:<6}", "dim"), (moment.text, colour))
        console.print(line, soft_wrap=True)
    if not moments:
        console.print("  none", style="dim")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _span(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return (f"{days} days " if days else "") + f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
