"""What `pilotwire sim` and `csms` do, once their arguments are read."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from ssl import SSLContext
from typing import Any

from pilotwire.csms import CentralSystem
from pilotwire.csms.summary import summary
from pilotwire.demo import print_table
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


async def csms(
    host: str, port: int, *, ssl: SSLContext | None, password: bytes | None, page: Where, as_json: bool
) -> None:
    """Runs the central system and its page until it is cancelled, then prints a summary of every charger.

    Args:
        host: address to listen on.
        port: TCP port.
        ssl: of a server, for wss://; None for ws://.
        password: what every charger without a certificate has to say; None asks for none.
        page: host and port (None: the usual one) of its page, None for none.
        as_json: the timeline as JSON lines.
    """
    from pilotwire.page import Bench
    from pilotwire.page.server import served

    timeline = Timeline(form="json" if as_json else None)
    central = CentralSystem(host, port, on_event=timeline, ssl=ssl)
    central.password = password
    async with central, served(Bench(central), page, timeline):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    if timeline.broken:
        return
    for identity, charger in central.chargers.items():
        account = summary(charger)
        if as_json:
            print(json.dumps({"charger": identity, **account}), flush=True)
        else:
            print_table(f"Charger {identity}", rows(account))


def rows(account: dict[str, Any]) -> dict[str, Any]:
    """An account for people: the lists in words."""
    return {
        "transactions": f"{account['started']} started, {account['stopped']} stopped, "
        f"{account['duplicates']} told twice",
        "energy billed": f"{account['energy_wh']} Wh",
        "meter values": account["meter_values"],
        "statuses": ", ".join(account["statuses"]) or "none",
        "schema errors": account["schema_errors"],
    }
