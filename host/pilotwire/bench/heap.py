"""Heap of the virtual wallbox with TLS up, in bytes of the chip.

accepted: live heap once the central system has accepted us over verified TLS, the smallest of what the firmware reports while
nothing happens. peak: the smallest heap, by bisection, in which a whole session passes: start, TLS, plug, tag, charge, meter
values, stop, unplug, and no MemoryError in the log on the way.
"""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pilotwire import build
from pilotwire.bench.certificates import Authority, Issued
from pilotwire.bench.figure import Figure
from pilotwire.csms import CentralSystem, Charger
from pilotwire.errors import PilotwireError
from pilotwire.image import FlashFile
from pilotwire.sim import Supervisor

_ID = "BENCH-1"
_LOWEST, _HIGHEST = 72 * 1024, 160 * 1024
_STEP = 1024
_REAL_S = 90


def _state(folder: Path, root: Authority) -> Path:
    state = folder / "box"
    state.mkdir()
    made = build.virtual(build.repository() / "build" / "virtual")
    (state / "flash.bin").write_bytes((made / "flash.bin").read_bytes())
    with FlashFile(state / "flash.bin") as flash:
        flash.write("/data/root1.der", root.der)
    return state


class Session:
    """One box over TLS; `lines` is what its firmware said."""

    def __init__(self, heap: int, root: Authority, server: Issued, settings: dict[str, str] | None = None):
        self.lines: list[str] = []
        self.reports: list[dict] = []
        self._heap, self._root, self._server, self._settings = heap, root, server, settings or {}
        self._stack = contextlib.AsyncExitStack()

    def _note(self, event) -> None:
        if event.who == "firmware":
            self.lines.append(event.what)

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server.certificate, self._server.key)
        try:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            self.central = await enter(CentralSystem(ssl=context))
            settings = {
                "CentralSystemURL": self.central.url.replace("127.0.0.1", "localhost"),
                "ChargePointId": _ID,
                "MeterValueSampleInterval": "30",
            } | self._settings
            state = _state(Path(folder), self._root)
            self.box = await enter(
                Supervisor(state, settings=settings, speed=100.0, heap=self._heap, on_event=self._note)
            )
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def until(self, timeout_s: float = 60, **fields) -> None:
        """Waits for the state of connector 1."""
        await self.box.do("wait", until={"connectors": [fields]}, timeout_s=timeout_s)

    async def passes(self, seconds: float) -> None:
        """Simulated time passes."""
        with contextlib.suppress(PilotwireError):
            await self.box.do("wait", until={"never": True}, timeout_s=seconds)

    @property
    def charger(self) -> Charger:
        """The box as the central system knows it."""
        return self.central.chargers[_ID]

    @property
    def clean(self) -> bool:
        """Nothing has failed for want of memory."""
        return not any("MemoryError" in line or "memory allocation" in line for line in self.lines)

    async def accepted(self) -> None:
        """Waits until the statuses of all connectors were told."""
        for _ in range(60):
            known = self.central.chargers.get(_ID)
            if known and len(known.statuses) == len(self.box.state()["connectors"]) + 1:
                return
            await self.passes(1)
        raise PilotwireError("the virtual wallbox is not accepted over TLS", "; ".join(self.lines[-3:]))


async def _charge(heap: int, root: Authority, server: Issued) -> bool:
    """Does a session pass in this heap?"""
    async with Session(heap, root, server) as session:
        try:
            async with asyncio.timeout(_REAL_S):
                await session.accepted()
                await session.box.do("plug", connector=1)
                await session.until(status="Preparing")
                await session.box.do("tag", id="C0FFEE01")
                await session.until(status="Charging")
                await session.passes(130)
                await session.box.do("tag", id="C0FFEE01")
                await session.until(closed=False, locked=False)
                await session.box.do("unplug", connector=1)
                await session.until(status="Available")
                await session.passes(3)
        except (PilotwireError, TimeoutError):
            return False
        charger = session.charger
        whole = [t for t in charger.transactions.values() if t.starts == 1 and t.stops == 1]
        return session.clean and len(whole) == 1 and len(charger.boots) == 1 and len(charger.meter_values) >= 4


def smallest(fits: Callable[[int], bool], low: int, high: int, step: int) -> int | None:
    """The smallest heap between `low` and `high` in which it passes, a multiple of `step` bytes; None if it passes in none.

    Args:
        fits: does it pass in so many bytes?
    """
    first, last = low // step, high // step + 1
    while first < last:
        middle = (first + last) // 2
        if fits(middle * step):
            last = middle
        else:
            first = middle + 1
    return last * step if last <= high // step else None


async def _accepted(root: Authority, server: Issued) -> int:
    async with Session(_HIGHEST, root, server) as session:
        await session.accepted()
        heaps = []
        for _ in range(20):
            await session.passes(15)
            if session.box.state().get("heap"):
                heaps.append(session.box.state()["heap"])
        return min(heaps)


def accepted(root: Authority, server: Issued) -> int:
    """heap_accepted_bytes."""
    return asyncio.run(_accepted(root, server))


def session_peak(root: Authority, server: Issued) -> int | None:
    """heap_peak_session_bytes; None when no heap in the range is enough."""
    return smallest(lambda heap: asyncio.run(_charge(heap, root, server)), _LOWEST, _HIGHEST, _STEP)


def figures() -> list[Figure]:
    """The wallbox over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        server = root.issue("server")
        return [
            Figure("heap_accepted_bytes", accepted(root, server), "B", 80 * 1024, 12_300),
            Figure("heap_peak_session_bytes", session_peak(root, server), "B", 104 * 1024),
        ]
