"""The box in the simulated world: its power, its starts, what it prints and reports.

World time follows the box's own clock, from the start of each process on. A reset never returns in the child: it says
HALT and waits to be killed, so nothing runs after it, as on the chip.
"""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import Any

from pilotwire import runtime
from pilotwire.errors import PilotwireError
from pilotwire.sim import records
from pilotwire.sim.process import Child, stand_in_bytes
from pilotwire.sim.proxy import Cable
from pilotwire.sim.state_dir import StateDir
from pilotwire.sim.world import World

BOOT_MS = 400  # from reset to boot.py on an ESP32
ANY = "0.0.0.0"  # where a server listens
POWER_ON, HARD, WDT, SOFT = 1, 2, 3, 5
_CAUSES = {HARD: "reset", WDT: "watchdog", 4: "deep sleep", SOFT: "soft reset"}


class Box:
    """See the module.

    Args:
        world, directory, cable: what it works on.
        heap: bytes of the chip.
        env: environment variables for the process.
        tell: called with (who, what, data).
        moved: called when world time has moved on.

    Attributes:
        speed: upper bound of simulated per real time, 0 = as fast as possible.
        power: "on", "off", "halted" (its program ended, the chip is in its REPL), "crashed".
        report: what the firmware last said of itself.
        flash: operations since the start: reads, programs, erases.
        led: what its light shows: 1 or 0, or 24 bits of colour where it has a ring.
        changes: counts what of the above has changed.
        listens: {port of the box: port of the loopback} of what it serves in its own access point.
        gap_ms: the longest time that its program did not look at its inputs; to be set to 0 by who asks.
        silent_s: real seconds without a sign of life after which an armed watchdog bites.
    """

    def __init__(
        self,
        world: World,
        directory: StateDir,
        cable: Cable,
        heap: int,
        env: dict[str, str],
        tell: Callable[[str, str, dict], None],
        moved: Callable[[], None],
    ):
        self._world, self._dir, self._cable, self._heap, self._env = (
            world,
            directory,
            cable,
            heap,
            env,
        )
        self._tell, self._moved = tell, moved
        self.speed = 1.0
        self.power = "off"
        self.cause = POWER_ON
        self.report: dict[str, Any] = {}
        self.flash = (0, 0, 0)
        self.led = 0
        self.changes = 0
        self.listens: dict[str, int] = {}
        self.exchanges = 0
        self.gap_ms = 0
        self._stepped_ms = 0
        self.silent_s = 10.0
        self.child: Child | None = None
        self._base_ms = 0
        self._heard = 0.0
        self._watchdog_ms = 0
        self._restart: asyncio.Task[None] | None = None

    async def power_on(self) -> None:
        """Supply on: the clock is lost, the chip starts."""
        self._dir.forget_rtc()
        self._tell("power", "is on", {})
        await self._boot(POWER_ON)

    async def power_off(self) -> None:
        """Supply off, at once."""
        self.stop("off")
        self._dir.forget_rtc()
        self._tell("power", "is cut", {"level": "warning"})
        await self._cable.drop()

    def stop(self, why: str, outputs: bool = False) -> int | None:
        """Kill the process; `outputs` keeps what it drives, as a chip in its REPL does."""
        if self._restart:
            self._restart.cancel()
            self._restart = None
        child, self.child = self.child, None
        status = child.kill() if child else None
        self.power = why
        self.changes += 1
        if not outputs:
            self._world.power(why == "on")
        self.listens = {}
        if why != "on":
            self.report = {**self.report, "online": False}
        return status

    @property
    def uptime_ms(self) -> int | None:
        """Simulated ms since boot.py began, None while there is no program."""
        return self._world.now - self._base_ms if self.child else None

    def console(self, line: str) -> None:
        """A line on its serial console; PilotwireError while there is nobody to read it."""
        if self.child is None:
            raise PilotwireError("nothing can be told to the box", f"it is {self.power}")
        self.child.say(line)

    def watch(self) -> None:
        """To be called in real time: a program that never waits does not move its own watchdog either."""
        silent = time.monotonic() - self._heard
        if self.child and self._watchdog_ms and silent > self.silent_s + self._watchdog_ms / 1000:
            self._tell("box", "does not wait any more", {"level": "error"})
            self._halted(WDT)

    async def _boot(self, cause: int) -> None:
        self.cause = cause
        self.report = {}
        self.listens = {}
        self._world.power(True)
        self._world.advance(self._world.now + BOOT_MS)
        self._base_ms = self._world.now
        self.power = "on"
        self._heard = time.monotonic()
        self._watchdog_ms = 0
        self.flash = (0, 0, 0)
        self._stepped_ms = 0
        self.changes += 1
        self._names = self._dir.names()
        self.child = child = Child(self._step, self._lookup, self._halted, self._line, self._lost)
        arguments = [self._dir.flash, self._dir.rtc, cause, self._base_ms]
        try:
            await child.start(self._heap, self._dir.board, list(map(str, arguments)), self._env)
        except BaseException:
            self.child, self.power = None, "crashed"
            raise

    def _step(self, out: tuple[int, ...]) -> bytes:
        self._heard = time.monotonic()
        self.exchanges += 1
        self.gap_ms = max(self.gap_ms, out[1] - self._stepped_ms)
        self._stepped_ms = out[1]
        self._watchdog_ms = out[5]
        self.led = out[4]
        self.flash = out[6:9]
        self._world.drive(out)
        to = self._base_ms + out[1]
        if to > self._world.now:
            self._world.advance(to)
            self._moved()
        return self._world.answer(round(self.speed * 1000))

    async def _lookup(self, host: str, port: int) -> bytes:
        found = self._listen(port) if host == ANY else await self._cable.lookup(host, port)
        return self._world.answer(round(self.speed * 1000), found)

    def _listen(self, port: int) -> int:
        """A free port of the loopback, on which the box will listen in place of its own."""
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            free = tcp.getsockname()[1]
            udp.bind(("127.0.0.1", free))
        self.listens[str(port)] = free
        self.changes += 1
        return free

    def _halted(self, cause: int) -> None:
        if cause == records.UNCAUGHT:
            self.stop("halted", outputs=True)
            self._tell("box", "the program has ended, the chip is in its REPL", {"level": "error"})
            return
        self._tell(
            "box", f"restarts ({_CAUSES.get(cause, cause)})", {"level": "warning", "cause": cause}
        )
        self.stop("on")
        self._restart = asyncio.ensure_future(self._again(cause))

    async def _again(self, cause: int) -> None:
        await self._cable.drop()
        self._restart = None  # from here on there is a process to kill
        try:
            await self._boot(cause)
        except PilotwireError as error:
            self._tell("box", str(error), {"level": "error"})

    def _lost(self, status: int | None) -> None:
        self.stop("crashed")
        self._tell(
            "box", f"the interpreter died, status {status}", {"level": "error", "status": status}
        )

    def _line(self, line: str) -> None:
        if line.startswith("@"):
            try:
                report = json.loads(line[1:])
            except ValueError:
                report = None
            if isinstance(report, dict):
                if isinstance(report.get("heap"), int):
                    # Every figure that is shown is in bytes of the chip.
                    own = report["heap"] - stand_in_bytes(self._dir.board)
                    report["heap"] = runtime.live_chip_bytes(max(own, 0))
                self.report = report
                self.changes += 1
                return
        if line:
            self._tell("firmware", self._names.readable(line), {})
