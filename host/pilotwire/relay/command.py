"""What `pilotwire relay` does: runs a relay, with a line for each file and a bar for each that comes in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from pilotwire.relay.options import Options
from pilotwire.relay.relay import Relay
from pilotwire.timeline import Event, Timeline

_LOOK_S = 0.2


async def run(options: Options, *, once: bool, as_json: bool) -> None:
    """Runs until it is cancelled; with `once` until one file has been taken in and passed on."""
    timeline = Timeline(form="json" if as_json else None)
    async with Relay(options, timeline) as relay:
        where = {"http": relay.http_url, "ftp": relay.ftp_url, "ftps": relay.ftps_url}
        timeline(Event(0, "relay", "ready", {name: url for name, url in where.items() if url}))
        if not options.users:
            text = "anybody may upload, as nobody was named by --users"
            timeline(Event(0, "relay", text, {"level": "warning"}))
        async with _bars(relay, timeline):
            if once:
                await relay.passed_on(1)
            else:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
        if as_json:
            print(json.dumps({"received": relay.metrics.value("received_total")}), flush=True)


@contextlib.asynccontextmanager
async def _bars(relay: Relay, timeline: Timeline) -> AsyncIterator[None]:
    """A progress bar for each upload, on a terminal."""
    if timeline.form != "rich":
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = timeline.console = Console(file=timeline.stream, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = asyncio.create_task(_watch(relay, progress))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _watch(relay: Relay, progress) -> None:
    shown: dict = {}
    while True:
        active = set(relay.desk.active)
        for upload in active - shown.keys():
            shown[upload] = progress.add_task(f"{upload.user}/{upload.name}", total=upload.size)
        for upload in shown.keys() - active:
            progress.remove_task(shown.pop(upload))
        for upload, task in shown.items():
            progress.update(task, completed=upload.received)
        await asyncio.sleep(_LOOK_S)
