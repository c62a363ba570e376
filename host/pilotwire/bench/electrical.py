"""How long the contactor takes to open, from the cause in the simulated world to the contacts, on the virtual clock.

Idle, while lists of a hundred entries are sent one after the other, and while the charger connects anew over TLS. What C code
takes on the chip (bursts of the converter, erases, imports, slices of a handshake) is charged to the clock in one piece, by the
table in boards/virtual/costs.py; bytecode is not. The distribution goes to stderr, the worst into the figures.
docs/board.md has the figures and what closes the gap.
"""

import asyncio
import contextlib
import ssl
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from pilotwire import build
from pilotwire.bench.certificates import Authority
from pilotwire.bench.figure import Figure
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.image import FlashFile
from pilotwire.sim import Supervisor, opening
from pilotwire.timeline import Event

_ID = "BENCH-5"
_HEAP = 200 * 1024
_METER = {"driver": "sdm630", "uart": 2, "rx": 18, "tx": 19, "baud": 9600}
# Tethered, so that a car can be pulled off; a monitor of the earth; a meter that tells the phases.
_TETHERED = {"socket": False, "lock": None, "lock_feedback": None, "proximity_adc": None, "earth": 5}
_BOARD = {"connectors": [{**_TETHERED, "s0": None, "pulses_per_kwh": None, "meter": _METER}]}
# What opens as soon as it is seen: at most 100 ms. What must first last, so that it is one, has a time of its own.
AT_ONCE = ("car opens S2", "unplug", "rcd", "open_pe", "emergency", "short", "tamper")
LASTING = ("diode", "temperature", "over_current", "meter")
CHIPS = ("esp32", "esp32s3", "esp32c3")
_BUDGET_MS = 100
_HANDSHAKE_MS = 1200
_ENTRIES = 100


class Bench:
    """A box, its central system, and what happened."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.connected: list[int] = []  # ms at which a TCP connection was there
        self.cause: Any = None  # called in the moment of the next one

    def note(self, event: Event) -> None:
        self.events.append(event)
        if event.who == "network" and event.what.startswith("connected to"):
            self.connected.append(event.time_ms)
            if self.cause:
                self.cause()
                self.cause = None

    @contextlib.asynccontextmanager
    async def run(self, folder: Path, chip: str, root: Authority | None = None, **settings: str) -> AsyncIterator["Bench"]:
        """Until the box is accepted; with `root` over TLS."""
        flash = folder / "flash.bin"
        flash.write_bytes((build.virtual(build.repository() / "build" / "virtual") / "flash.bin").read_bytes())
        context = None
        if root:
            issued = root.issue("server")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.certificate, issued.key)
            with FlashFile(flash) as opened:
                opened.write("/data/root1.der", root.der)
        async with CentralSystem(ssl=context) as self.central:
            url = self.central.url.replace("127.0.0.1", "localhost") if root else self.central.url
            settings |= {"CentralSystemURL": url, "ChargePointId": _ID}
            board = {**_BOARD, "chip": chip}
            async with Supervisor(
                folder / "box", settings=settings, speed=100.0, heap=_HEAP, board=board, on_event=self.note, image=flash
            ) as self.box:
                await self.box.do("wait", until={"registered": "Accepted"}, timeout_s=120)
                yield self


async def _sends_lists(bench: Bench) -> None:
    charger = bench.central.chargers[_ID]
    version = 0
    while True:
        version += 1
        entries = [{"idTag": f"{version:04X}{k:08X}", "idTagInfo": {"status": "Accepted"}} for k in range(_ENTRIES)]
        payload = {"listVersion": version, "updateType": "Full", "localAuthorizationList": entries}
        if (await charger.call("SendLocalList", payload, timeout=120))["status"] != "Accepted":
            raise PilotwireError(f"a list of {_ENTRIES} entries was refused")


async def _openings(causes: tuple[str, ...], times: int, traffic: Any = None, speed: float = 100.0) -> dict[str, list[int]]:
    """ms by cause, while `traffic(bench)` goes on."""
    with tempfile.TemporaryDirectory() as folder:
        async with Bench().run(Path(folder), "esp32") as bench:
            await bench.box.do("speed", factor=speed)
            others = [asyncio.ensure_future(traffic(bench))] if traffic else []
            found = {}
            try:
                for cause in causes:
                    found[cause] = await opening.measure(bench.box, bench.events, cause, times)
                    for task in others:
                        if task.done():
                            task.result()
            finally:
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
            return found


async def _in_handshakes(chip: str, points: int) -> list[int]:
    """ms for a car that opens S2 at so many places of a TLS handshake, while meter values are written each second."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        async with Bench().run(Path(folder), chip, root, MeterValueSampleInterval="1") as bench:
            box = bench.box
            await opening.charge(box)
            for n in range(points):
                begun: list[int] = []

                def opens(after_s: float = n * _HANDSHAKE_MS / points / 1000, begun: list[int] = begun) -> None:
                    def act() -> None:
                        begun.append(box.time_ms)
                        box.world.wants(1, False, at_once=True)

                    box.world.later(after_s, act)

                bench.cause = opens
                since = len(bench.events)
                bench.central.chargers[_ID].drop()
                await box.do("wait", until={"connectors": [{"closed": False}]}, timeout_s=400)
                opened = [e.time_ms for e in bench.events[since:] if e.who == "contactor" and e.what == "opens"]
                if not begun:
                    raise PilotwireError("the contactor opened before the car did", bench.events[-1].what)
                found.append(opened[0] - begun[0])
                await box.do("wait", until={"online": True}, timeout_s=400)
                await box.do("ready")
                await box.do("wait", until={"connectors": [{"closed": True}]}, timeout_s=60)
    return found


def _told(situation: str, cause: str, times: list[int]) -> int:
    """The distribution, for a person; returns the worst."""
    middle = statistics.median(times)
    print(f"  {situation:10} {cause:14} {min(times):6} {middle:8.0f} {max(times):6} ms  of {len(times)}", file=sys.stderr)
    return max(times)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def figures(times: int = 8, points: int = 16) -> list[Figure]:
    print("  situation  cause             min   median    max", file=sys.stderr)
    worst = []
    made = []
    for situation, traffic, speed, causes, n in (
        ("idle", None, 100.0, AT_ONCE, times),
        ("list", _sends_lists, 10.0, AT_ONCE[:3], max(1, times // 2)),
    ):
        for cause, found in _run(_openings(causes, n, traffic, speed)).items():
            ms = _told(situation, cause, found)
            worst.append(ms)
            made.append(Figure(f"relay_open_ms {situation} {cause}", ms, "ms", _BUDGET_MS))
    for cause, found in _run(_openings(LASTING, max(1, times // 3))).items():
        made.append(Figure(f"relay_open_ms idle {cause}", _told("idle", cause, found), "ms"))
    made.insert(0, Figure("relay_open_ms_max", max(worst), "ms", _BUDGET_MS))
    for chip in CHIPS:
        try:
            ms = _told("handshake", chip, _run(_in_handshakes(chip, points)))
        except PilotwireError as error:  # the others are worth having
            print(f"  handshake  {chip}: {error}", file=sys.stderr)
            ms = None
        made.append(Figure(f"relay_open_ms_worst_{chip}", ms, "ms"))
    return made
