"""How long the contactor takes to open, from the cause in the simulated world to the contacts, on the virtual clock.

Idle; while a bundle of 500 KB is downloaded, which stands still as long as the contactor is closed (so the cause comes right
after it has closed); while diagnostics are uploaded and lists of a hundred entries are sent, one after the other; and while
the charger connects anew over TLS. What C code takes on the chip (bursts of the converter, erases, imports, slices of a
handshake) is charged to the clock in one piece, by the table in boards/virtual/costs.py; bytecode is not. The distribution
goes to stderr, the worst into the figures. docs/board.md has the figures and what closes the gap.
"""

import asyncio
import contextlib
import itertools
import random
import re
import ssl
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pilotwire import build, bundle
from pilotwire.bench.certificates import Authority
from pilotwire.bench.figure import Figure
from pilotwire.csms import CentralSystem, Charger
from pilotwire.errors import PilotwireError
from pilotwire.image import FlashFile
from pilotwire.publish import statuses
from pilotwire.relay import Options, Relay
from pilotwire.sim import Supervisor, opening
from pilotwire.timeline import Event

_ID = "BENCH-5"
_HEAP = 200 * 1024
_METER = {"driver": "sdm630", "uart": 2, "rx": 18, "tx": 19, "baud": 9600}
# Tethered, so that a car can be pulled off; a monitor of the earth; a meter that tells the phases.
_TETHERED = {"socket": False, "lock": None, "lock_feedback": None, "proximity_adc": None, "earth": 5}
_BOARD = {"connectors": [{**_TETHERED, "s0": None, "pulses_per_kwh": None, "meter": _METER}]}
_SOCKET: dict[str, Any] = {"connectors": []}
# What opens as soon as it is seen: at most 100 ms. What must first last, so that it is one, has a time of its own. (A weld, a
# contactor that does not close and a lock that does not move leave nothing to open.)
AT_ONCE = ("car opens S2", "unplug", "rcd", "open_pe", "emergency", "short", "tamper")
LASTING = ("diode", "temperature", "over_current", "meter")
LASTING_IN_SOCKET = ("cable",)
# What a handshake takes there, and somewhat more (ms).
CHIPS = {"esp32": 1200, "esp32s3": 1200, "esp32c3": 500}
_BUDGET_MS = 100
_ENTRIES = 100
_DOWNLOAD = 500_000  # bytes
_PACE = 3_500  # bytes a second: it is to be under way whenever no car charges
_PIECE = 1024
_REAL_S = 600


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
    async def run(
        self, folder: Path, chip: str, root: Authority | None = None, board: dict[str, Any] = _BOARD, **settings: str
    ) -> AsyncIterator["Bench"]:
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
            settings |= {"CentralSystemURL": url, "ChargePointId": _ID, "UnsignedFirmware": "true"}
            board = {**board, "chip": chip}
            async with Supervisor(
                folder / "box", settings=settings, speed=100.0, heap=_HEAP, board=board, on_event=self.note, image=flash
            ) as self.box:
                await self.box.do("wait", until={"registered": "Accepted"}, timeout_s=120)
                yield self

    @property
    def charger(self) -> Any:
        return self.central.chargers[_ID]


async def _lists(bench: Bench) -> None:
    """Lists one after the other, for ever."""
    for version in itertools.count(1):
        entries = [{"idTag": f"{version:04X}{k:08X}", "idTagInfo": {"status": "Accepted"}} for k in range(_ENTRIES)]
        payload = {"listVersion": version, "updateType": "Full", "localAuthorizationList": entries}
        if (await bench.charger.call("SendLocalList", payload, timeout=120))["status"] != "Accepted":
            raise PilotwireError(f"a list of {_ENTRIES} entries was refused")


async def _uploads(bench: Bench) -> None:
    """Diagnostics one after the other, for ever."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        async with Relay(Options(spool=Path(folder) / "spool", to=str(store))) as relay:
            try:
                for n in itertools.count(1):
                    await bench.charger.call("GetDiagnostics", {"location": f"{relay.http_url}/", "retries": 0}, timeout=120)
                    await bench.charger.wait_for(lambda c, n=n: len(_told(c)) >= 2 * n, timeout=120)
            finally:
                size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
                print(f"  upload: {size:,} bytes of diagnostics", file=sys.stderr)


def _told(charger: Charger) -> list[str]:
    frames = [f for f in charger.frames if f.direction == "in" and f.type == 2]
    return [f.payload["status"] for f in frames if f.action == "DiagnosticsStatusNotification"]


async def _download(bench: Bench) -> None:
    """One download, slowly, which goes on whenever no contactor is closed."""
    # One large file: the firmware with so much beside it does not fit into a slot, and it is never to be installed.
    about = {name: data for name, data in build.files().items() if name == f"/a/{bundle.LAST}"}
    files = about | {"/a/large": random.Random(5).randbytes(_DOWNLOAD)}
    data = bundle.make(bundle.relabelled(files, "9.9.9"), key=None)
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            found = re.search(r"(?i)^range: bytes=(\d+)-", head, re.MULTILINE)
            first = int(found[1]) if found else 0
            status = f"206 Partial Content\r\nContent-Range: bytes {first}-{len(data) - 1}/{len(data)}" if found else "200 OK"
            writer.write(f'HTTP/1.1 {status}\r\nETag: "1"\r\nContent-Length: {len(data) - first}\r\n\r\n'.encode())
            for at in range(first, len(data), _PIECE):
                writer.write(data[at : at + _PIECE])
                await writer.drain()
                sent += _PIECE
                await asyncio.sleep(_PIECE / _PACE)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/large.pwb"
        await bench.charger.call("UpdateFirmware", {"location": url, "retrieveDate": "2026-01-01T00:00:00Z"})
        try:
            await bench.charger.wait_for(lambda c: len(statuses(c)) > 1, timeout=_REAL_S)
            raise PilotwireError("the download ended before the last opening", str(statuses(bench.charger)))
        finally:
            print(f"  download: {sent:,} of {len(data):,} bytes were sent", file=sys.stderr)


async def _openings(
    cause: str, times: int, traffic: Any = None, speed: float = 100.0, board: dict[str, Any] = _BOARD
) -> list[int]:
    """ms, while `traffic(bench)` goes on."""
    settle_ms = 0 if traffic is _download else 5000
    with tempfile.TemporaryDirectory() as folder:
        async with Bench().run(Path(folder), "esp32", board=board) as bench:
            await bench.box.do("speed", factor=speed)
            other = asyncio.ensure_future(traffic(bench)) if traffic else None
            try:
                found = await opening.measure(bench.box, bench.events, cause, times, settle_ms=settle_ms)
                if other and other.done():
                    other.result()  # raises what it died of
            finally:
                if other:
                    other.cancel()
                    await asyncio.gather(other, return_exceptions=True)
            return found


async def _in_handshakes(chip: str, points: int) -> list[int]:
    """ms for a car that opens S2 at so many places of a TLS handshake, while meter values are written each second."""
    found = []
    erased = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        async with Bench().run(Path(folder), chip, root, MeterValueSampleInterval="1") as bench:
            box = bench.box
            await opening.charge(box)
            for n in range(points):
                begun: list[int] = []

                def opens(after_s: float = n * CHIPS[chip] / points / 1000, begun: list[int] = begun) -> None:
                    def act() -> None:
                        begun.append(box.time_ms)
                        box.world.wants(1, False, at_once=True)

                    box.world.later(after_s, act)

                bench.cause = opens
                since, erases = len(bench.events), box.state()["flash"]["erases"]
                bench.charger.drop()
                await box.do("wait", until={"connectors": [{"closed": False}]}, timeout_s=400)
                opened = [e.time_ms for e in bench.events[since:] if e.who == "contactor" and e.what == "opens"]
                if not begun:
                    raise PilotwireError("the contactor opened before the car did", bench.events[-1].what)
                found.append(opened[0] - begun[0])
                erased += box.state()["flash"]["erases"] - erases
                await box.do("wait", until={"online": True}, timeout_s=400)
                await box.do("ready")
                await box.do("wait", until={"connectors": [{"closed": True}]}, timeout_s=60)
    print(f"  handshake  {chip}: {erased} erases between the loss of the connection and the openings", file=sys.stderr)
    return found


def _distribution(situation: str, cause: str, times: list[int]) -> int:
    """The distribution, for a person; returns the worst."""
    middle = statistics.median(times)
    print(f"  {situation:10} {cause:14} {min(times):6} {middle:8.0f} {max(times):6} ms  of {len(times)}", file=sys.stderr)
    return max(times)


def figures(times: int = 8, points: int = 16) -> list[Figure]:
    print("  situation  cause             min   median    max", file=sys.stderr)
    few = max(1, times // 2)
    worst = []
    made = []
    for situation, traffic, speed, causes, n in (
        ("idle", None, 100.0, AT_ONCE, times),
        ("download", _download, 10.0, AT_ONCE[:3], few),
        ("upload", _uploads, 10.0, AT_ONCE[:3], few),
        ("list", _lists, 10.0, AT_ONCE[:3], few),
    ):
        for cause in causes:
            ms = _distribution(situation, cause, asyncio.run(_openings(cause, n, traffic, speed)))
            worst.append(ms)
            made.append(Figure(f"relay_open_ms {situation} {cause}", ms, "ms", _BUDGET_MS))
    for causes, board in ((LASTING, _BOARD), (LASTING_IN_SOCKET, _SOCKET)):
        for cause in causes:
            found = asyncio.run(_openings(cause, max(1, times // 3), board=board))
            made.append(Figure(f"relay_open_ms idle {cause}", _distribution("idle", cause, found), "ms"))
    made.insert(0, Figure("relay_open_ms_max", max(worst), "ms", _BUDGET_MS))
    for chip in CHIPS:
        try:
            ms = _distribution("handshake", chip, asyncio.run(_in_handshakes(chip, points)))
        except PilotwireError as error:  # the others are worth having
            print(f"  handshake  {chip}: {error}", file=sys.stderr)
            ms = None
        made.append(Figure(f"relay_open_ms_worst_{chip}", ms, "ms"))
    return made
