"""The virtual wallbox: the box, the world around it, and the words that change them.

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
from typing import Any, Self

from pilotwire import runtime
from pilotwire.errors import PilotwireError
from pilotwire.sim import words
from pilotwire.sim.box import Box
from pilotwire.sim.control import Control
from pilotwire.sim.proxy import Cable
from pilotwire.sim.state_dir import StateDir
from pilotwire.sim.world import World
from pilotwire.timeline import Event

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
        files: written onto the flash: path on the box -> bytes.
        ticks: first value of the box's ticks_ms.
        silent_s: real seconds in which the program may compute without a look at the world before an armed watchdog bites.
        board: laid over the virtual board.json; its `connectors` over those of the same place, None takes a key away.

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
        heap: int = runtime.WHOLE_FIRMWARE,
        control: tuple[str, int] = ("127.0.0.1", 0),
        on_event: Callable[[Event], Any] | None = None,
        image: Path | None = None,
        files: dict[str, bytes] | None = None,
        ticks: int | None = None,
        board: dict[str, Any] | None = None,
        silent_s: float = 10.0,
    ):
        self._path, self._settings, self._connectors = Path(state_dir), settings or {}, connectors
        self._speed, self._heap, self._where, self._image = speed, heap, control, image
        self._on_event, self._board, self._files = on_event, board or {}, files or {}
        self._silent_s = silent_s
        self._env = {} if ticks is None else {"PILOTWIRE_TICKS": str(ticks)}
        self.control_address: tuple[str, int] = control
        self._waits: list[tuple[int, dict[str, Any], asyncio.Future[bool]]] = []
        self._look_ms = 0
        self._looked: tuple[int, int] | None = None
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._dir = await asyncio.to_thread(StateDir, self._path)
            stack.callback(self._dir.close)
            board = await asyncio.to_thread(
                self._dir.prepare, self._connectors, self._settings, self._image, self._board, self._files
            )
            self._world = World(board, self._tell_at, self._dir.load_world())
            self._start_ms = self._world.now
            self._start_utc = datetime.now(UTC)
            self._dir.save_world(self._world.dump())
            stack.callback(self._save)
            self._cable = Cable(lambda what, data: self._tell("network", what, data))
            stack.push_async_callback(self._cable.close)
            self._control = Control(self._request)
            stack.push_async_callback(self._control.close)
            self.control_address = await self._control.start(*self._where)
            self._box = Box(
                self._world,
                self._dir,
                self._cable,
                self._heap,
                self._env,
                self._tell,
                self._look_if_due,
            )
            self._box.speed, self._box.silent_s = self._speed, self._silent_s
            stack.callback(self._end)
            await self._box.power_on()
            task = asyncio.ensure_future(self._run())
            stack.callback(task.cancel)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def _end(self) -> None:
        self._box.stop("off", outputs=True)
        for _, _, future in self._waits:
            future.cancel()

    def _save(self) -> None:
        with contextlib.suppress(PilotwireError):
            self._dir.save_world(self._world.dump())

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
        self._world.car(connector)
        self._world.wants(connector, True)
        self._person("lets the car charge", connector)

    async def _do_pause(self, connector: int = 1, seconds: float = 0.0, at_once: bool = False) -> None:
        def act() -> None:
            self._world.wants(connector, False, at_once)
            self._person("pauses the car", connector)

        self._world.car(connector)
        self._world.later(seconds, act)

    async def _do_draw(self, amps: float, connector: int = 1, phases: int | None = None) -> None:
        self._world.draw(connector, amps, phases)

    async def _do_warm(self, celsius: float, seconds: float = 0.0, connector: int = 1) -> None:
        self._world.warm(connector, celsius, seconds)
        self._tell("person", f"warms it to {celsius:g} degrees in {seconds:g} s", {"connector": connector})

    async def _do_tag(self, id: str) -> None:
        self._world.tag(id)
        self._tell("person", f"shows tag {id}", {"tag": id})

    async def _do_button(self, seconds: float = 0.2) -> None:
        self._world.press(seconds)
        self._tell("person", f"presses the button for {seconds:g} s", {})

    async def _do_fault(self, kind: str, connector: int = 1, seconds: float = 0.0) -> None:
        def act() -> None:
            self._world.fault(connector, kind, True)
            self._tell("person", f"causes fault {kind}", {"connector": connector})

        self._world.outlet(connector)
        self._world.later(seconds, act)

    async def _do_clear(self, kind: str, connector: int = 1) -> None:
        self._world.fault(connector, kind, False)
        self._tell("person", f"repairs fault {kind}", {"connector": connector})

    async def _do_network(self, up: bool) -> None:
        self._world.network = up
        self._world.changes += 1
        self._tell("network", "is back" if up else "is cut", {"level": "info" if up else "warning"})
        await self._cable.set(up)

    async def _do_power(self, on: bool) -> None:
        if on and self._box.power != "on":
            await self._box.power_on()
        elif not on and self._box.power != "off":
            await self._box.power_off()

    async def _do_limit(self, slot: str, ma: int | None, connector: int = 1, seconds: int = 0) -> None:
        self._order("limit", connector, slot=slot, ma=ma, seconds=seconds)
        what = f"limits {slot} to {ma} mA" if ma is not None else f"takes limit {slot} away"
        self._tell("person", what, {"connector": connector, "slot": slot, "ma": ma})

    async def _do_calibrate(self, connector: int = 1, high_mv: int = 12000, low_mv: int = -12000) -> None:
        self._order("calibrate", connector, high_mv=high_mv, low_mv=low_mv)
        self._person("has the pilot measured", connector)

    def _order(self, name: str, connector: int, **fields: Any) -> None:
        """A line on the firmware's serial console."""
        self._world.outlet(connector)
        self._box.console("@" + json.dumps({name: {"connector": connector, **fields}}))

    async def _do_speed(self, factor: float) -> None:
        self._box.speed = factor

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
            raise words.NotReached(timeout_s, until, self.state())

    def _person(self, what: str, connector: int) -> None:
        self._tell("person", what, {"connector": connector})

    # -- state

    @property
    def world(self) -> World:
        """The model, for what must happen in the very moment of an event."""
        return self._world

    @property
    def time_ms(self) -> int:
        """Simulated ms since the supervisor started."""
        return self._world.now - self._start_ms

    @property
    def exchanges(self) -> int:
        """Records that the box and the world have exchanged."""
        return self._box.exchanges

    def take_gap_ms(self) -> int:
        """The longest time, since this was asked last, in which the firmware did not look at its inputs: simulated ms."""
        gap, self._box.gap_ms = self._box.gap_ms, 0
        return gap

    @property
    def pid(self) -> int | None:
        """Of the box's process, None while there is none."""
        child = self._box.child
        return child.pid if child else None

    def state(self) -> dict[str, Any]:
        """Everything that is known: the model's world, with the firmware's last report on top."""
        world, box, report = self._world, self._box, self._box.report
        now = self._start_utc + timedelta(milliseconds=self.time_ms)
        reported = report.get("connectors") or []
        connectors = [
            {**seen, **(reported[k] if k < len(reported) and isinstance(reported[k], dict) else {})}
            for k, seen in enumerate(world.state())
        ]
        flash = dict(zip(("reads", "programs", "erases"), box.flash, strict=True))
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
            "listens": box.listens,
            "power": box.power,
            "network": world.network,
            "reset_cause": box.cause,
            "uptime_ms": box.uptime_ms,
            "led": box.led if box.child else 0,
            "speed": box.speed,
            "time_ms": self.time_ms,
            "time_utc": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def _tell(self, who: str, what: str, data: dict[str, Any] | None = None) -> None:
        self._tell_at(self._world.now, who, what, data)

    def _tell_at(self, now: int, who: str, what: str, data: dict[str, Any] | None = None) -> None:
        if self._on_event:
            self._on_event(Event(now - self._start_ms, who, what, data or None))

    # -- time

    async def _run(self) -> None:
        """What goes on in real time: the world while the box is off, watchdog, saving."""
        last = time.monotonic()
        saved = last
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if self._box.power != "on":
                passed = round((now - last) * (self._box.speed or 1) * 1000)
                self._world.advance(self._world.now + max(1, passed))
                self._look()
            self._box.watch()
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
        return self._looked != (self._box.changes, self._world.changes)

    def _look_if_due(self) -> None:
        if self._waits and (self._world.now >= self._look_ms or self._changed()):
            self._look()

    def _look(self) -> None:
        """Answer those who wait."""
        self._looked = (self._box.changes, self._world.changes)
        self._look_ms = self._world.now + _LOOK_MS
        state = self.state() if self._waits else {}
        for entry in list(self._waits):
            due, until, future = entry
            held = words.holds(state, until)
            if held or self._world.now >= due:
                self._waits.remove(entry)
                if not future.done():
                    future.set_result(held)
