"""The virtual wallbox: the box's process, the world around it, and the words that change them.

    async with Supervisor(state_dir, settings={"CentralSystemURL": "ws://..."}) as box:
        await box.do("plug", connector=1, cable_a=32)
        await box.do("wait", until={"connectors": [{"status": "Preparing"}]}, timeout_s=10)

World time follows the box's own; while the box is off it follows real time times the speed.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pilotwire import runtime
from pilotwire.errors import PilotwireError
from pilotwire.sim import records, words
from pilotwire.sim.control import Control
from pilotwire.sim.process import Child, stand_in_bytes
from pilotwire.sim.proxy import Cable
from pilotwire.sim.state_dir import StateDir
from pilotwire.sim.world import World
from pilotwire.timeline import Event

BOOT_MS = 400  # from reset to boot.py on an ESP32
POWER_ON, HARD, WDT, SOFT = 1, 2, 3, 5
_CAUSES = {HARD: "reset", WDT: "watchdog", 4: "deep sleep", SOFT: "soft reset"}
_TICK_S = 0.02
_SAVE_S = 0.25
_LOOK_MS = 20  # simulated time between two looks at what is waited for


class Supervisor:
    """A virtual wallbox in a state directory; see the module.

    Args:
        state_dir: made if it is not there; locked while in use.
        settings: written onto the flash over those that are there.
        connectors: 1 or 2.
        speed: upper bound of simulated per real time, 0 = as fast as possible.
        heap: bytes of the chip.
        control: where to listen; port 0 = any.
        on_event: called with each Event.
        image: flash for a first start, in place of the build's.
        ticks: first value of the box's ticks_ms.

    Attributes:
        control_address: (host, port) of the control socket.
    """

    def __init__(
        self,
        state_dir: Path | str,
        *,
        settings: dict[str, str] | None = None,
        connectors: int = 1,
        speed: float = 1.0,
        heap: int = 104 * 1024,
        control: tuple[str, int] = ("127.0.0.1", 0),
        on_event: Callable[[Event], Any] | None = None,
        image: Path | None = None,
        ticks: int | None = None,
    ):
        self._path, self._settings, self._connectors = Path(state_dir), settings or {}, connectors
        self._speed, self._heap, self._where, self._image = speed, heap, control, image
        self._on_event = on_event
        self._env = {} if ticks is None else {"PILOTWIRE_TICKS": str(ticks)}
        self.control_address: tuple[str, int] = control
        self._child: Child | None = None
        self._report: dict[str, Any] = {}
        self._words: tuple[int, ...] = (0,) * 17
        self._base_ms = 0
        self._cause = POWER_ON
        self._power = "off"  # "on", "off", "halted" (in its REPL), "crashed"
        self._heard = 0.0
        self._waits: list[tuple[int, dict[str, Any], asyncio.Future[bool]]] = []
        self._look_ms = 0
        self._looked: tuple[int, int] | None = None
        self._changes = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._flash_before = (0, 0, 0)
        self._error: PilotwireError | None = None
        self._silent_s = 10.0  # real seconds without a record after which an armed watchdog bites
        self.exchanges = 0

    async def __aenter__(self) -> "Supervisor":
        self._dir = await asyncio.to_thread(StateDir, self._path)
        try:
            board = await asyncio.to_thread(
                self._dir.prepare, self._connectors, self._settings, self._image
            )
            self._world = World(board, self._tell_at, self._dir.load_world())
            self._start_ms = self._world.now
            self._start_utc = datetime.now(UTC)
            self._cable = Cable(lambda what, data: self._tell("network", what, data))
            self._control = Control(self._request)
            self.control_address = await self._control.start(*self._where)
            self._dir.save_world(self._world.dump())
            await self._power_on()
            self._spawn(self._run())
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._child:
            self._child.kill()
            self._child = None
        for _, _, future in self._waits:
            future.cancel()
        if hasattr(self, "_control"):
            await self._control.close()
        if hasattr(self, "_cable"):
            await self._cable.close()
        if hasattr(self, "_world"):
            with contextlib.suppress(PilotwireError):
                self._dir.save_world(self._world.dump())
        self._dir.close()

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- words

    async def do(self, word: str, **fields: Any) -> dict[str, Any]:
        """Do one word of docs/control.md; returns the answer's fields (of "state": the state itself).

        Raises:
            PilotwireError: refused, or not reached in time (then its attribute `state` is the last state).
        """
        request = {"do": word, **fields}
        words.check(request)
        answer = await self._request(request)
        return answer["state"] if word == "state" else answer

    async def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        fields = {
            k: v for k, v in request.items() if k != "do" and (k != "id" or request["do"] == "tag")
        }
        return await getattr(self, "_do_" + request["do"])(**fields) or {}

    async def _do_plug(self, connector: int = 1, **fields: Any) -> None:
        self._world.plug(connector, **fields)
        self._person(f"plugs in a {fields.get('cable_a', 32)} A cable", connector)

    async def _do_unplug(self, connector: int = 1) -> None:
        self._world.unplug(connector)
        self._person("unplugs", connector)

    async def _do_ready(self, connector: int = 1) -> None:
        self._world.wants(connector, True)
        self._person("lets the car charge", connector)

    async def _do_pause(self, connector: int = 1) -> None:
        self._world.wants(connector, False)
        self._person("pauses the car", connector)

    async def _do_draw(self, amps: float, connector: int = 1, phases: int | None = None) -> None:
        self._world.draw(connector, amps, phases)

    async def _do_tag(self, id: str) -> None:
        self._world.tag(id)
        self._tell("person", f"shows tag {id}", {"tag": id})

    async def _do_button(self, seconds: float = 0.2) -> None:
        self._world.press(seconds)
        self._tell("person", f"presses the button for {seconds:g} s", {})

    async def _do_fault(self, kind: str, connector: int = 1) -> None:
        self._world.fault(connector, kind, True)
        self._tell("person", f"causes fault {kind}", {"connector": connector})

    async def _do_clear(self, kind: str, connector: int = 1) -> None:
        self._world.fault(connector, kind, False)
        self._tell("person", f"repairs fault {kind}", {"connector": connector})

    async def _do_network(self, up: bool) -> None:
        self._world.network = up
        self._world.changes += 1
        self._tell("network", "is back" if up else "is cut", {"level": "info" if up else "warning"})
        await self._cable.set(up)

    async def _do_power(self, on: bool) -> None:
        if on and self._power != "on":
            await self._power_on()
        elif not on and self._power != "off":
            self._stop("off")
            self._dir.forget_rtc()
            self._tell("power", "is cut", {"level": "warning"})
            await self._cable.drop()

    async def _do_limit(self, slot: str, ma: int | None, connector: int = 1) -> None:
        self._world.outlet(connector)
        if self._child is None:
            raise PilotwireError(
                "limit was refused", f"the box is {self._power}", "switch its power on"
            )
        self._child.say(
            "@" + json.dumps({"limit": {"connector": connector, "slot": slot, "ma": ma}})
        )
        what = f"limits {slot} to {ma} mA" if ma is not None else f"takes limit {slot} away"
        self._tell("person", what, {"connector": connector, "slot": slot, "ma": ma})

    async def _do_speed(self, factor: float) -> None:
        self._speed = factor

    async def _do_state(self) -> dict[str, Any]:
        return {"state": self.state()}

    async def _do_wait(self, until: dict[str, Any], timeout_s: float = 30.0) -> None:
        if words.holds(self.state(), until):
            return
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        entry = (self._world.now + round(timeout_s * 1000), until, future)
        self._waits.append(entry)
        try:
            held = await future
        finally:
            if entry in self._waits:
                self._waits.remove(entry)
        if not held:
            error = PilotwireError(
                f"not reached within {timeout_s:g} s",
                json.dumps(until),
                "the last state is in the answer",
            )
            error.state = self.state()  # type: ignore[attr-defined]
            raise error

    def _person(self, what: str, connector: int) -> None:
        self._tell("person", what, {"connector": connector})

    # -- state

    @property
    def time_ms(self) -> int:
        """Simulated ms since the supervisor started."""
        return self._world.now - self._start_ms

    @property
    def pid(self) -> int | None:
        """Of the box's process, None while there is none."""
        return self._child.pid if self._child else None

    def state(self) -> dict[str, Any]:
        """Everything that is known: the model's world, with the firmware's last report on top."""
        world, report = self._world, self._report
        now = self._start_utc + timedelta(milliseconds=self.time_ms)
        reported = report.get("connectors") or []
        connectors = [
            {**seen, **(reported[k] if k < len(reported) and isinstance(reported[k], dict) else {})}
            for k, seen in enumerate(world.state())
        ]
        flash = dict(zip(("reads", "programs", "erases"), self._words[6:9], strict=True))
        return {
            "version": None,
            "slot": None,
            "registered": None,
            "online": False,
            "queue": None,
            "heap": None,
            "utc": None,
            **report,
            "connectors": connectors,
            "flash": flash,
            "power": self._power,
            "network": world.network,
            "reset_cause": self._cause,
            "speed": self._speed,
            "time_ms": self.time_ms,
            "time_utc": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def _tell(self, who: str, what: str, data: dict[str, Any] | None = None) -> None:
        self._tell_at(self._world.now, who, what, data)

    def _tell_at(self, now: int, who: str, what: str, data: dict[str, Any] | None = None) -> None:
        if self._on_event:
            self._on_event(Event(now - self._start_ms, who, what, data or None))

    # -- the box

    async def _power_on(self) -> None:
        self._dir.forget_rtc()
        self._tell("power", "is on", {})
        await self._boot(POWER_ON)

    async def _boot(self, cause: int) -> None:
        self._cause = cause
        self._report = {}
        self._world.power(True)
        self._world.advance(self._world.now + BOOT_MS)
        self._base_ms = self._world.now
        self._power = "on"
        self._heard = time.monotonic()
        self._words = (0,) * 17
        self._changes += 1
        child = Child(self._step, self._lookup, self._halted, self._line, self._lost)
        self._child = child
        arguments = [self._dir.flash, self._dir.rtc, cause, self._base_ms]
        try:
            await child.start(self._heap, self._dir.board, list(map(str, arguments)), self._env)
        except BaseException:
            self._child, self._power = None, "crashed"
            raise

    def _stop(self, why: str, outputs: bool = False) -> int | None:
        """Kill the child; `outputs` keeps what it drives, as a chip in its REPL does."""
        child, self._child = self._child, None
        status = child.kill() if child else None
        self._power = why
        self._changes += 1
        if not outputs:
            self._world.power(why == "on")
        if why != "on":
            self._report = {**self._report, "online": False}
        return status

    def _step(self, answered: tuple[int, ...]) -> bytes:
        self._words = answered
        self._heard = time.monotonic()
        self.exchanges += 1
        self._world.drive(answered)
        to = self._base_ms + answered[1]
        if to > self._world.now:
            self._world.advance(to)
            if self._waits and (to >= self._look_ms or self._changed()):
                self._look()
        return self._world.answer(round(self._speed * 1000))

    async def _lookup(self, host: str, port: int) -> bytes:
        found = await self._cable.lookup(host, port)
        return self._world.answer(round(self._speed * 1000), found)

    def _halted(self, cause: int) -> None:
        if cause == records.UNCAUGHT:
            self._stop("halted", outputs=True)
            self._tell("box", "the program has ended, the chip is in its REPL", {"level": "error"})
            return
        self._tell(
            "box", f"restarts ({_CAUSES.get(cause, cause)})", {"level": "warning", "cause": cause}
        )
        self._stop("on")
        self._spawn(self._again(cause))

    async def _again(self, cause: int) -> None:
        await self._cable.drop()
        try:
            await self._boot(cause)
        except PilotwireError as error:
            self._tell("box", str(error), {"level": "error"})

    def _lost(self, status: int | None) -> None:
        self._stop("crashed")
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
                    report["heap"] = max(own, 0) * 100 // runtime.HEAP_SCALE_PERCENT
                self._report = report
                self._changes += 1
                return
        if line:
            self._tell("firmware", line, {})

    # -- time

    async def _run(self) -> None:
        """What goes on in real time: the world while the box is off, watchdog, saving."""
        last = time.monotonic()
        saved = last
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if self._child is None and self._power != "on":
                self._world.advance(
                    self._world.now + max(1, round((now - last) * (self._speed or 1) * 1000))
                )
                self._look()
            elif (
                self._child
                and self._words[5]
                and now - self._heard > max(self._silent_s, self._words[5] / 1000)
            ):
                self._tell("box", "does not wait any more", {"level": "error"})
                self._halted(WDT)
            last = now
            if self._waits and self._changed():
                self._look()
            if now - saved >= _SAVE_S and self._world.unsaved:
                saved = now
                try:
                    self._dir.save_world(self._world.dump())
                except PilotwireError as error:
                    self._tell("box", str(error), {"level": "error"})

    def _changed(self) -> bool:
        return self._looked != (self._changes, self._world.changes)

    def _look(self) -> None:
        """Answer those who wait."""
        self._looked = (self._changes, self._world.changes)
        self._look_ms = self._world.now + _LOOK_MS
        state = self.state() if self._waits else {}
        for entry in list(self._waits):
            due, until, future = entry
            held = words.holds(state, until)
            if held or self._world.now >= due:
                self._waits.remove(entry)
                if not future.done():
                    future.set_result(held)
