"""`pilotwire play`: scenario files on a virtual wallbox each, without a person, with reports for people, programs and CI."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pilotwire.commands import rows
from pilotwire.csms import CentralSystem
from pilotwire.csms.summary import summary
from pilotwire.demo import print_table
from pilotwire.errors import PilotwireError
from pilotwire.junit import Suite, write
from pilotwire.player import Player, Report
from pilotwire.scenario import DEPOT_WORDS, Step, parse
from pilotwire.simclock import SimulatedClock
from pilotwire.timeline import Event, Timeline

Account = dict[str, Any]


async def play(
    files: list[Path],
    state_dir: Path | None,
    options: dict[str, Any],
    *,
    as_json: bool,
    verbose: bool,
    junit: Path | None = None,
) -> None:
    """Plays scenario files one after the other.

    Args:
        files: the scenarios; all are read before the first is played, and all are played.
        state_dir: of the box, a temporary one if None; with several files one folder in it for each.
        options: further arguments of `Supervisor`; without CentralSystemURL in `settings` each file has its own central system.
        as_json: one object per file on stdout, the timeline to stderr.
        verbose: shows the firmware's log.
        junit: where a report in JUnit XML goes.

    Raises:
        PilotwireError: a file is bad, or a line did not hold.
    """
    scenarios = [(file, parse(_read(file), file.name)) for file in files]
    suites: list[Suite] = []
    failures = []
    for file, steps in scenarios:
        record = io.StringIO()
        shown = Timeline(sys.stderr if as_json else sys.stdout, verbose=verbose)
        kept = Timeline(record, form="plain", verbose=True)

        def on_event(event: Event, shown: Timeline = shown, kept: Timeline = kept) -> None:
            shown(event)
            kept(event)

        folder = state_dir if state_dir is None or len(files) == 1 else state_dir / file.stem
        began = time.monotonic()
        # A copy for each: the URL of its own central system goes into it.
        own = {**options, "settings": dict(options["settings"])}
        report, account = await _play_one(steps, folder, own, on_event)
        suites.append(Suite(file.stem, steps, report, time.monotonic() - began, record.getvalue()))
        _show(file, report, len(steps), account, as_json)
        if report.failed is not None:
            failures.append(f"{file.name}, line {report.failed.number}: {report.error}")
    if junit is not None:
        write(junit, suites)
    if failures:
        raise PilotwireError("; ".join(failures))


async def _play_one(
    steps: list[Step], state_dir: Path | None, options: dict[str, Any], on_event: Any
) -> tuple[Report, Account | None]:
    """One scenario on a box of its own; the account is None when the central system is somebody else's."""
    from pilotwire.sim import Supervisor

    clock = SimulatedClock()
    settings = options["settings"]
    identity = settings["ChargePointId"]

    def on_step(step: Step) -> None:
        on_event(Event(clock.ms, "scenario", f"line {step.number}: {step.text}"))

    async with contextlib.AsyncExitStack() as stack:
        central = None
        if "CentralSystemURL" not in settings:
            central = await stack.enter_async_context(CentralSystem(on_event=on_event, clock=clock))
            settings["CentralSystemURL"] = central.url
        if state_dir is None:
            state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pilotwire-")))
        depot = None
        if central is not None and any(step.word in DEPOT_WORDS for step in steps):
            from pilotwire.page.depot import Depot

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pilotwire-")))
            depot = await stack.enter_async_context(Depot(folder))
            options["files"] = options.get("files", {}) | depot.for_boards()
        box = await stack.enter_async_context(Supervisor(state_dir, on_event=on_event, **options))
        clock.follow(box)
        report = await Player(box, central, identity, on_step, depot).play(steps)
        return report, None if central is None else summary(central.chargers.get(identity))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PilotwireError(f"cannot read {file}", str(why).lower())


def _show(file: Path, report: Report, total: int, account: Account | None, as_json: bool) -> None:
    failed = report.failed
    if as_json:
        line = {
            "scenario": file.name,
            "ok": report.ok,
            "played": len(report.played),
            "lines": total,
            "failed": None if failed is None else {"line": failed.number, "text": failed.text},
            "error": report.error,
            "central": account,
        }
        print(json.dumps(line, default=str), flush=True)
        return
    told = {"lines played": f"{len(report.played)} of {total}"}
    if failed is not None:
        told[f"failed, line {failed.number}"] = f"{failed.text}: {report.error}"
    print_table(f"Scenario {file.name}", told | (rows(account) if account else {}))
