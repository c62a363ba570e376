"""The whole wallbox against a central system: real processes, a real WebSocket, simulated time.

    async def test_something(bench):
        charger = await bench.start(connectors=2)
        await bench.charge(tag="C0FFEE01")
        await bench.told(lambda c: len(c.meter_values) == 2, 180)

A test never sleeps: it waits for a state, `timeout_s` is simulated. Two minutes of real time end any of them, a
quarter of an hour the exhaustive ones. At the end every frame must have been valid OCPP, in order, and the firmware's
log free of errors; what a test provokes on purpose it takes out of `bench.errors()` itself. The timeline of the run
is shown when it fails.
"""

import asyncio
import contextlib
import functools
import inspect
import io
import os
import sys
from pathlib import Path

import pytest

from pilotwire import build
from pilotwire.arguments import heap_bytes
from pilotwire.csms import CentralSystem
from pilotwire.demo import Integral
from pilotwire.errors import PilotwireError
from pilotwire.image import FlashFile
from pilotwire.sim import Supervisor
from pilotwire.simclock import SimulatedClock
from pilotwire.timeline import Timeline

IDENTITY = "E2E-1"
_REAL_LIMIT_S = 120
_EXHAUSTIVE_LIMIT_S = 900
_LOOK_S = 0.1  # simulated seconds between two looks at what the central system knows
_MOST_LINES = 300
_MOST_RESTARTS = 5
# Bytes of the chip; PILOTWIRE_HEAP=200K shows whether a failure is one of memory only.
_HEAP = heap_bytes(os.environ.get("PILOTWIRE_HEAP", "104K"))


@functools.cache
def built(lines: bool = False) -> Path:
    """Flash image of the present sources; looking whether they have changed takes most of a second, so once.

    Args:
        lines: with the names of the sources, for code that reaches into the firmware.
    """
    return build.virtual(build.repository() / "build" / ("virtual-lines" if lines else "virtual"), lines=lines) / "flash.bin"


class Bench:
    """A central system, a virtual wallbox on a state directory of its own, and what happened.

    Attributes:
        central: the central system; it listens from the start.
        box: the running `Supervisor`.
        path: its state directory.
        events: all events of both, in order.
        allowed: parts of error lines of the firmware that this test expects.
    """

    def __init__(self, path: Path):
        self.path = path
        self.events: list = []
        self.allowed: list[str] = []
        self.limit: asyncio.Timeout | None = None
        self.settings = {"ChargePointId": IDENTITY, "MeterValueSampleInterval": "60"}
        self._restarts = 0
        self._text = io.StringIO()
        self._timeline = Timeline(self._text, form="plain", verbose=True)
        self._clock = SimulatedClock()
        self.central = CentralSystem(on_event=self.note, clock=self._clock)
        self.box: Supervisor = None  # type: ignore[assignment]
        self._stack = contextlib.AsyncExitStack()
        self._boxes = contextlib.AsyncExitStack()
        self._pids: set[int] = set()

    def note(self, event) -> None:
        """Takes an event down."""
        self.events.append(event)
        self._timeline(event)
        self._restarts += event.who == "box" and event.what.startswith("restarts")
        if "interpreter died" in event.what and self.limit and not self.allowed:
            with contextlib.suppress(RuntimeError):  # the test is over anyway
                self.limit.reschedule(0)  # nothing that it waits for will come

    @property
    def text(self) -> str:
        """The timeline, its last lines if it is long."""
        lines = self._text.getvalue().splitlines()
        left = len(lines) - _MOST_LINES
        if left > 0:
            lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [f"... {left} lines left out"]
        return "\n".join(lines)

    async def __aenter__(self):
        await self._stack.enter_async_context(self.central)
        return self

    async def __aexit__(self, *_):
        await self._boxes.aclose()
        await self._stack.aclose()

    # -- the box

    async def start(self, *, wait=True, url=None, before_main="", settings=None, **options):
        """Switches a box on; returns its `Charger` once all connectors' statuses were told.

        Args:
            wait: False returns None at once.
            url: of the central system, ours if None; "" leaves it out, so that the box goes into set-up mode.
            before_main: code that runs before the firmware's own main.py, in a build that has its names.
            settings: over those of `self.settings`; the other options are `Supervisor`'s.
        """
        self.settings |= {"CentralSystemURL": self.central.url if url is None else url} | (settings or {})
        if before_main:
            own = (build.repository() / "firmware" / "main.py").read_text()
            self.files({"/main.py": (before_main + own).encode()}, lines=True)
        options = {"speed": 100.0, "heap": _HEAP, "image": await asyncio.to_thread(built)} | options
        self.box = Supervisor(self.path, settings=self.settings, on_event=self.note, **options)
        await self._boxes.enter_async_context(self.box)
        self._clock.follow(self.box)
        if not wait:
            return None
        number = len(self.box.state()["connectors"])
        await self.told(lambda c: len(c.statuses) == number + 1)
        return self.charger

    async def stop(self) -> None:
        """The supervisor ends, in good order; `start` begins again in the same state directory."""
        await self._boxes.aclose()
        self._boxes = contextlib.AsyncExitStack()

    def files(self, files: dict[str, bytes], lines: bool = False) -> None:
        """Replaces files on the flash, which is made first (see `built`) if it is not there; the box is off meanwhile."""
        flash = self.path / "flash.bin"
        if not flash.exists():
            self.path.mkdir(exist_ok=True)
            flash.write_bytes(built(lines).read_bytes())
        with FlashFile(flash) as opened:
            for name, data in files.items():
                opened.write(name, data)

    @property
    def charger(self):
        """The box as the central system knows it."""
        return self.central.chargers[IDENTITY]

    def state(self, connector: int = 1):
        """What is known of a connector."""
        return self.box.state()["connectors"][connector - 1]

    async def do(self, word, **fields):
        """A word of the control socket."""
        return await self.box.do(word, **fields)

    async def passes(self, seconds: float) -> None:
        """Simulated time passes."""
        with contextlib.suppress(PilotwireError):
            await self.box.do("wait", until={"never": True}, timeout_s=seconds)

    async def until(self, timeout_s=60.0, connector=1, **fields) -> None:
        """Waits for fields of a connector's state: `until(status="Charging")`."""
        wanted: list = [{}] * (connector - 1) + [fields]
        await self.box.do("wait", until={"connectors": wanted}, timeout_s=timeout_s)

    def _lives(self) -> None:
        """No use in waiting for a box that is dead: a whole suite of such waits takes minutes."""
        power = self.box.state()["power"]
        assert power in ("on", "off") and self._restarts < _MOST_RESTARTS, f"the box is {power}, or always restarts"

    async def logged(self, *parts: str, timeout_s=60.0) -> None:
        """Waits until one line of the firmware's log has all of these parts."""
        end = self.box.time_ms + timeout_s * 1000
        while not any(all(part in line for part in parts) for line in self.log(parts[0])):
            self._lives()
            assert self.box.time_ms < end, f"the log has no line with {parts}"
            await self.passes(_LOOK_S)

    async def told(self, predicate, timeout_s=60.0):
        """Waits until `predicate(charger)` is true; returns its value."""
        end = self.box.time_ms + timeout_s * 1000
        while True:
            known = self.central.chargers.get(IDENTITY)
            if known and (value := predicate(known)):
                return value
            self._lives()
            if self.box.time_ms >= end:
                source = inspect.getsource(predicate).strip()
                raise AssertionError(f"not told within {timeout_s} s: {source}")
            await self.passes(_LOOK_S)

    async def charge(self, tag="C0FFEE01", connector=1, plug=True) -> None:
        """Plug, tag, and wait until the car charges."""
        if plug:
            await self.do("plug", connector=connector)
            await self.until(status="Preparing", connector=connector)
        await self.do("tag", id=tag)
        await self.until(status="Charging", connector=connector)

    async def leave(self, connector=1) -> None:
        """The car goes as soon as it is let go."""
        await self.until(closed=False, locked=False, connector=connector)
        await self.do("unplug", connector=connector)
        await self.until(status="Available", connector=connector)

    @contextlib.asynccontextmanager
    async def energy(self):
        """Current x voltage x time on connector 1 while it is open, from samples of the model: `.wh`."""
        integral = Integral()
        watch = asyncio.ensure_future(integral.watch(self.box))
        try:
            yield integral
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    # -- what must never be

    def log(self, part: str) -> list[str]:
        """Lines of the firmware's log that have this in them."""
        return [e.what for e in self.events if e.who == "firmware" and part in e.what]

    def errors(self) -> list[str]:
        """What no test may leave behind: broken rules, and errors in the firmware's log."""
        found = [f"hook: {error!r}" for error in self.central.hook_errors]
        for charger in self.central.chargers.values():
            found += charger.schema_errors + charger.violations
        for event in self.events:
            if event.who == "firmware":
                bad = event.what.startswith("E ") or "Traceback" in event.what or "MemoryError" in event.what
            else:
                bad = event.who == "box" and (event.data or {}).get("level") == "error"
            if bad and not any(part in event.what for part in self.allowed):
                found.append(event.what)
        return found


def processes(path: Path) -> list[int]:
    """Processes that work on a state directory: its name is on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            gone = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if os.fsencode(path) in (entry / "cmdline").read_bytes() and not gone:
                found.append(int(entry.name))
    return found


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "box")


@pytest.fixture
def processes_of():
    """Function: state directory -> processes that work on it; skips where there is no /proc."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    return processes


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs `async def` tests; with a bench, what it started ends and is judged in the same loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    limit = _EXHAUSTIVE_LIMIT_S if pyfuncitem.get_closest_marker("exhaustive") else _REAL_LIMIT_S
    asyncio.run(_run(pyfuncitem.obj, given, limit))
    return True


async def _run(test, given, limit):
    bench = given.get("bench")
    if bench is None:
        await asyncio.wait_for(test(**given), limit)
        return
    async with bench, asyncio.timeout(limit) as bench.limit:
        await test(**given)
    assert bench.errors() == []
    if sys.platform.startswith("linux"):
        assert processes(bench.path) == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    bench = getattr(item, "funcargs", {}).get("bench")
    if bench is not None and report.failed:
        report.sections.append(("timeline", bench.text))
