"""Uploads of diagnostics by a virtual wallbox that is connected over TLS: their heap, and what they do to the safety step.

heap_peak_upload_*: the smallest heap, by bisection, in which an upload succeeds at the first try.
opening_ms_upload_*: the longest time from the car's opening of S2 to the opened contactor while uploads go on, on the virtual
clock, which is charged with what C code would cost on the chip; its mechanics not counted. No budget where a handshake is in it.
"""

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

from pilotwire.bench.certificates import Authority, Issued
from pilotwire.bench.figure import Figure
from pilotwire.bench.heap import Session, smallest
from pilotwire.errors import PilotwireError
from pilotwire.relay import Options, Relay
from pilotwire.sim import opening
from pilotwire.timeline import Event

SCHEMES = ("http", "https", "ftp", "ftps")
_LOWEST, _HIGHEST, _STEP = 88 * 1024, 160 * 1024, 2048
_REAL_S = 120
_OPENINGS = 4


class _Session(Session):
    """Keeps the events, and knows how to have diagnostics uploaded."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.events: list[Event] = []

    def _note(self, event) -> None:
        self.events.append(event)
        super()._note(event)

    def told(self) -> list[str]:
        """Statuses of the uploads so far."""
        frames = [f for f in self.charger.frames if f.direction == "in" and f.type == 2]
        return [f.payload["status"] for f in frames if f.action == "DiagnosticsStatusNotification"]

    async def upload(self, url: str) -> bool:
        """One try; did it succeed?"""
        before = len(self.told())
        await self.charger.call("GetDiagnostics", {"location": url, "retries": 0})
        while len(self.told()) < before + 2:
            await self.passes(0.5)
        return self.told()[-1] == "Uploaded"


@contextlib.asynccontextmanager
async def _relay(server: Issued, scheme: str):
    """URL of a relay that speaks the scheme."""
    with tempfile.TemporaryDirectory() as folder:
        tls: dict[str, Any] = {"certificate": Path(server.certificate), "key": Path(server.key)} if scheme[-1] == "s" else {}
        async with Relay(Options(spool=Path(folder) / "spool", to=folder + "/store", **tls)) as relay:
            url = relay.http_url if scheme[0] == "h" else relay.ftp_url
            assert url
            yield scheme + ":" + url.partition(":")[2].replace("127.0.0.1", "localhost") + "/"


async def _fits(heap: int, root: Authority, server: Issued, scheme: str) -> bool:
    async with _relay(server, scheme) as url, _Session(heap, root, server) as session:
        try:
            async with asyncio.timeout(_REAL_S):
                await session.accepted()
                return await session.upload(url) and len(session.charger.boots) == 1
        except (PilotwireError, TimeoutError):
            return False


def peak(root: Authority, server: Issued, scheme: str, step: int = _STEP, times: int = 1) -> int | None:
    """The smallest heap, a multiple of `step` bytes, in which so many uploads succeed; None if there is none in the range."""

    def fits(heap: int) -> bool:
        return all(asyncio.run(_fits(heap, root, server, scheme)) for _ in range(times))

    return smallest(fits, _LOWEST, _HIGHEST, step)


async def longest(root: Authority, server: Issued, scheme: str, times: int = _OPENINGS) -> int | None:
    """The longest opening in ms while uploads go on, None where no upload succeeded meanwhile."""
    async with _relay(server, scheme) as url, _Session(_HIGHEST, root, server) as session:
        await session.accepted()

        async def go_on() -> None:
            while True:
                await session.upload(url)

        task = asyncio.create_task(go_on())
        try:
            found = await opening.measure(session.box, session.events, "car opens S2", times)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return max(found) - opening.OPEN_MS if "Uploaded" in session.told() else None


def figures() -> list[Figure]:
    """Each scheme."""
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        server = root.issue("server")
        found = []
        for scheme in SCHEMES:
            found.append(Figure(f"heap_peak_upload_{scheme}_bytes", peak(root, server, scheme), "B", 104 * 1024))
            stall = asyncio.run(longest(root, server, scheme))
            found.append(Figure(f"opening_ms_upload_{scheme}", stall, "ms", None if scheme[-1] == "s" else 100))
        return found
