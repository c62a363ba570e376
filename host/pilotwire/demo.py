"""`pilotwire demo`: a central system, a virtual wallbox and one charging session, start to bill.

The session is `demo.scn`. The bill is held against an energy of our own: current x voltage x time,
from samples of the model's state, so that a mistake anywhere between the pulses and the central
system shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilotwire.csms import CentralSystem
from pilotwire.csms.summary import summary
from pilotwire.errors import PilotwireError
from pilotwire.player import Box, Player
from pilotwire.scenario import parse
from pilotwire.simclock import SimulatedClock
from pilotwire.timeline import Event, Timeline

if TYPE_CHECKING:
    from pilotwire.page import Bench
    from pilotwire.sim import Supervisor

IDENTITY = "DEMO-1"
_VOLTS = 230
_TOLERANCE = 0.02
# Real seconds between two samples of the current: about a simulated second each.
_SAMPLE_S = 1 / 80
_BETWEEN = {"Charging", "SuspendedEV", "SuspendedEVSE"}


class Integral:
    """Energy in Wh as current x voltage x time, from samples of the model's state."""

    def __init__(self) -> None:
        self.wh = 0.0
        self._last: tuple[float, float] | None = None

    def add(self, seconds: float, drawn_ma: list[int]) -> None:
        """Adds a sample: simulated seconds, and mA of the phases (trapezoid rule)."""
        watts = sum(drawn_ma) / 1000 * _VOLTS
        if self._last is not None and seconds > self._last[0]:
            self.wh += (watts + self._last[1]) / 2 * (seconds - self._last[0]) / 3600
        self._last = seconds, watts

    async def watch(self, box: Box) -> None:
        """Samples connector 1 until it is cancelled."""
        while True:
            state = await box.do("state")
            self.add(state["time_ms"] / 1000, state["connectors"][0]["drawn_ma"])
            await asyncio.sleep(_SAMPLE_S)


@dataclass
class Result:
    """What came of the session: the account that `--json` prints, and what was not as expected."""

    account: dict[str, Any]
    problems: list[str]


def judge(account: dict[str, Any], expected_wh: float) -> list[str]:
    """What is wrong with a session, one sentence each; nothing is what everybody wants.

    Args:
        account: as `csms.summary.summary` gives it.
        expected_wh: current x voltage x time.
    """
    problems = []
    for name in ("started", "stopped"):
        if account[name] != 1:
            problems.append(f"{name} is {account[name]}, not 1")
    billed = account["energy_wh"]
    if billed <= 0 or abs(billed - expected_wh) > _TOLERANCE * expected_wh:
        problems.append(
            f"{billed} Wh were billed, current x voltage x time is {expected_wh:.0f} Wh"
        )
    if account["meter_values"] == 0:
        problems.append("no meter values came")
    statuses = account["statuses"]
    head, middle, tail = statuses[:3], statuses[3:-2], statuses[-2:]
    if (
        head != ["Available", "Preparing", "Charging"]
        or tail != ["Finishing", "Available"]
        or not set(middle) <= _BETWEEN
    ):
        problems.append(f"statuses were {', '.join(statuses) or 'none'}")
    if account["schema_errors"]:
        problems.append(f"{account['schema_errors']} frames broke the schemas")
    return problems


async def session(box: Box, central: CentralSystem) -> Result:
    """Plays `demo.scn` on a box that is on its way to the central system, and judges it."""
    integral = Integral()
    watch = asyncio.ensure_future(integral.watch(box))
    try:
        steps = parse((files("pilotwire") / "demo.scn").read_text(), "demo.scn")
        report = await Player(box, central, IDENTITY).play(steps)
    finally:
        watch.cancel()
        # A watch that failed must not hide what the scenario found; its energy shows it anyway.
        await asyncio.gather(watch, return_exceptions=True)
    full = summary(central.chargers.get(IDENTITY))
    names = ("started", "stopped", "energy_wh", "meter_values", "statuses", "schema_errors")
    account = {name: full[name] for name in names}
    account["expected_wh"] = round(integral.wh)
    problems = judge(account, integral.wh)
    if report.failed is not None:
        # All that is missing after the line that failed follows from it.
        problems = [f"demo.scn line {report.failed.number}: {report.error}"]
        power = (await box.do("state")).get("power", "on")
        if power != "on":
            problems.insert(0, f"the box is {power}")
    return Result(account, problems)


async def run(
    *,
    once: bool,
    as_json: bool,
    speed: float,
    state_dir: Path | None,
    verbose: bool,
    boxes: int = 1,
    page: tuple[str, int | None] | None = None,
) -> None:
    """The whole demo.

    Args:
        once: end after the session; otherwise a prompt follows.
        as_json: the account goes to stdout as one line at the end, the timeline to stderr.
        speed: factor of simulated time during the session.
        state_dir: the box's state directory, a temporary one if None.
        verbose: the timeline shows the firmware's log.
        boxes: so many wallboxes; the first plays the session.
        page: host and port (None: the usual one) of the page, None for none.

    Raises:
        PilotwireError: not everything went as expected, or something could not be started.
    """
    from pilotwire.page import Bench
    from pilotwire.page.depot import Depot
    from pilotwire.page.server import served

    timeline = Timeline(sys.stderr if as_json else sys.stdout, verbose=verbose)
    clock = SimulatedClock()
    async with contextlib.AsyncExitStack() as stack:
        if state_dir is None:
            state_dir = Path(stack.enter_context(_folder()))
        central = await stack.enter_async_context(CentralSystem(on_event=timeline, clock=clock))
        depot = None
        if page is not None:
            depot = await stack.enter_async_context(Depot(Path(stack.enter_context(_folder()))))
        bench = Bench(central, depot)
        box = await stack.enter_async_context(_box(state_dir, 1, central, bench, speed, timeline))
        clock.follow(box)
        for number in range(2, boxes + 1):
            folder = state_dir / str(number)
            await stack.enter_async_context(_box(folder, number, central, bench, speed, timeline))
        await stack.enter_async_context(served(bench, page, timeline))
        result = await session(box, central)
        if not once:
            from pilotwire.console import converse

            if not as_json:
                show(result)
            for each in bench.boxes.values():
                await each.do("speed", factor=1)
            await converse(Player(box, central, IDENTITY), timeline.stream)
    if as_json:
        print(json.dumps(result.account), flush=True)
    elif once:
        show(result)
    if result.problems:
        raise PilotwireError(
            "the session did not go as expected", "; ".join(result.problems), "run it --verbose"
        )


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="pilotwire-")


def _box(
    state_dir: Path, number: int, central: CentralSystem, bench: Bench, speed: float, timeline: Timeline
) -> Supervisor:
    """A wallbox that is put on the bench; the terminal shows what happens at the first."""
    from pilotwire.sim import Supervisor

    identity = f"DEMO-{number}"

    def on_event(event: Event) -> None:
        bench.note(identity, event)
        if number == 1:
            timeline(event)

    settings = {"CentralSystemURL": central.url, "ChargePointId": identity, "MeterValueSampleInterval": "60"}
    files = bench.depot.for_boards() if bench.depot else {}
    box = Supervisor(state_dir, settings=settings, speed=speed, files=files, on_event=on_event)
    bench.add(identity, box)
    return box


def show(result: Result) -> None:
    """Prints the summary: a table on a terminal, plain lines in a pipe."""
    rows = {
        "transactions started": result.account["started"],
        "transactions stopped": result.account["stopped"],
        "energy billed": f"{result.account['energy_wh']} Wh",
        "current x voltage x time": f"{result.account['expected_wh']} Wh",
        "meter values": result.account["meter_values"],
        "statuses": ", ".join(result.account["statuses"]),
        "schema errors": result.account["schema_errors"],
        "as expected": "no: " + "; ".join(result.problems) if result.problems else "yes",
    }
    print_table("The session as the central system saw it", rows)


def print_table(title: str, rows: dict[str, Any]) -> None:
    """Two columns on stdout: Rich on a terminal, `name: value` lines in a pipe."""
    if not sys.stdout.isatty():
        print(f"\n{title}", *(f"  {name}: {value}" for name, value in rows.items()), sep="\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)
