"""What `pilotwire sim`, `csms` and `play` do, once their arguments are read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pilotwire.csms import CentralSystem
from pilotwire.csms.summary import summary
from pilotwire.demo import print_table
from pilotwire.errors import PilotwireError
from pilotwire.player import Player, Report
from pilotwire.scenario import Step, parse
from pilotwire.simclock import SimulatedClock
from pilotwire.timeline import Event, Timeline

Where = tuple[str, int | None] | None


async def sim(state_dir: Path, options: dict[str, Any], *, page: Where, as_json: bool, verbose: bool) -> None:
    """Runs a virtual wallbox until it is cancelled.

    Args:
        state_dir: its state directory.
        options: further arguments of `Supervisor`.
        page: host and port (None: the usual one) of its page, None for none.
        as_json: the timeline as JSON lines; the first has the control address in its data.
        verbose: shows the firmware's log.
    """
    from pilotwire.page import Bench
    from pilotwire.page.server import served
    from pilotwire.sim import Supervisor

    timeline = Timeline(form="json" if as_json else None, verbose=verbose)
    bench, identity = Bench(), options["settings"]["ChargePointId"]

    def on_event(event: Event) -> None:
        timeline(event)
        bench.note(identity, event)

    async with Supervisor(state_dir, on_event=on_event, **options) as box:
        bench.add(identity, box)
        host, port = box.control_address[:2]
        data = {"control": f"{host}:{port}"}
        timeline(Event(0, "control", f"JSON lines on {host}:{port}", data))
        async with served(bench, page, timeline):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


async def csms(host: str, port: int, *, page: Where, as_json: bool) -> None:
    """Runs the central system and its page until it is cancelled, then prints a summary of every charger."""
    from pilotwire.page import Bench
    from pilotwire.page.server import served

    timeline = Timeline(form="json" if as_json else None)
    async with CentralSystem(host, port, on_event=timeline) as central, served(Bench(central), page, timeline):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    if timeline.broken:
        return
    for identity, charger in central.chargers.items():
        account = summary(charger)
        if as_json:
            print(json.dumps({"charger": identity, **account}), flush=True)
        else:
            print_table(f"Charger {identity}", _rows(account))


async def play(
    file: Path, state_dir: Path | None, options: dict[str, Any], *, as_json: bool, verbose: bool
) -> None:
    """Plays a scenario file on a virtual wallbox.

    Args:
        file: the scenario.
        state_dir: of the box, a temporary one if None.
        options: further arguments of `Supervisor`; without CentralSystemURL in `settings` a
            central system of our own is started.
        as_json: one object at the end on stdout, the timeline to stderr.
        verbose: shows the firmware's log.

    Raises:
        PilotwireError: the file is bad, or a line did not hold.
    """
    steps = parse(_read(file), file.name)

    from pilotwire.sim import Supervisor

    timeline = Timeline(sys.stderr if as_json else sys.stdout, verbose=verbose)
    clock = SimulatedClock()
    settings = options["settings"]
    identity = settings["ChargePointId"]

    def on_step(step: Step) -> None:
        timeline(Event(clock.ms, "scenario", f"line {step.number}: {step.text}"))

    async with contextlib.AsyncExitStack() as stack:
        central = None
        if "CentralSystemURL" not in settings:
            central = await stack.enter_async_context(CentralSystem(on_event=timeline, clock=clock))
            settings["CentralSystemURL"] = central.url
        if state_dir is None:
            state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pilotwire-")))
        box = Supervisor(state_dir, on_event=timeline, **options)
        await stack.enter_async_context(box)
        clock.follow(box)
        report = await Player(box, central, identity, on_step).play(steps)
        account = None if central is None else summary(central.chargers.get(identity))
    _report(report, len(steps), account, as_json)
    if report.failed is not None:
        raise PilotwireError(f"{file.name}, line {report.failed.number}: {report.error}")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PilotwireError(f"cannot read {file}", str(why).lower())


def _report(report: Report, total: int, account: dict[str, Any] | None, as_json: bool) -> None:
    failed = report.failed
    if as_json:
        line = {
            "ok": report.ok,
            "played": len(report.played),
            "lines": total,
            "failed": None if failed is None else {"line": failed.number, "text": failed.text},
            "error": report.error,
            "central": account,
        }
        print(json.dumps(line, default=str), flush=True)
        return
    rows = {"lines played": f"{len(report.played)} of {total}"}
    if failed is not None:
        rows[f"failed, line {failed.number}"] = f"{failed.text}: {report.error}"
    print_table("Scenario", rows | (_rows(account) if account else {}))


def _rows(account: dict[str, Any]) -> dict[str, Any]:
    """An account for people: the lists in words."""
    return {
        "transactions": f"{account['started']} started, {account['stopped']} stopped, "
        f"{account['duplicates']} told twice",
        "energy billed": f"{account['energy_wh']} Wh",
        "meter values": account["meter_values"],
        "statuses": ", ".join(account["statuses"]) or "none",
        "schema errors": account["schema_errors"],
    }
