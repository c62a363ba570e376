"""The world of a whole box: its outlets, reader, button, and what is kept of it in world.json. Sans-I/O."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pilotwire.errors import PilotwireError
from pilotwire.sim import records
from pilotwire.sim.car import Car, amps_of_duty
from pilotwire.sim.model import FAULTS, Cable, Outlet

STATION_FAULTS = ("emergency", "tamper", "reader")
_MAX_TAGS = 8


class World:
    """See the module.

    Args:
        board: board.json.
        tell: called with (now, who, what, data).
        saved: what `dump` returned once, or {}.
    """

    def __init__(
        self,
        board: dict[str, Any],
        tell: Callable[[int, str, str, dict], None],
        saved: dict[str, Any],
    ):
        self._tell = tell
        self.now = int(saved.get("time_ms", 0))
        self.network = True
        self.changes = 0
        self.unsaved = True
        self._faults: set[str] = set(saved.get("faults", []))
        self._tags: list[bytes] = []
        self._pressed_until = 0
        self._later: list[tuple[int, Callable[[], None]]] = []
        self.outlets: list[Outlet] = []
        kept = saved.get("connectors", [])
        for k, pins in enumerate(board["connectors"]):
            outlet = Outlet(
                k + 1,
                tell,
                max_ma=pins["max_ma"],
                phases=pins["phases"],
                pulses_per_kwh=pins.get("pulses_per_kwh", 1000),
                socket=pins["socket"],
                contactor2="contactor2" in pins,
            )
            outlet.now = self.now
            if k < len(kept):
                _restore(outlet, kept[k])
            self.outlets.append(outlet)

    def outlet(self, number: int) -> Outlet:
        """The outlet of that number, from 1."""
        if number > len(self.outlets):
            raise PilotwireError(
                f"there is no connector {number}", f"the box has {len(self.outlets)}"
            )
        return self.outlets[number - 1]

    # -- people and things

    def plug(
        self,
        connector: int,
        cable_a: int = 32,
        phases: int = 3,
        car: str = "normal",
        battery_wh: float = 50000.0,
    ) -> None:
        outlet = self.outlet(connector)
        if outlet.car:
            raise PilotwireError(
                f"connector {connector} is taken", "a car is plugged in", "unplug it first"
            )
        outlet.plug(Cable(cable_a, 3), Car(car, float(battery_wh), phases=phases))
        self.unsaved = True

    def unplug(self, connector: int) -> None:
        outlet = self.outlet(connector)
        if not outlet.car:
            raise PilotwireError(f"nothing is plugged in at connector {connector}")
        if outlet.locked:
            raise PilotwireError(f"cannot unplug connector {connector}", "the plug is locked")
        outlet.unplug()
        self.unsaved = True

    def car(self, connector: int) -> Car:
        """The car there; PilotwireError if there is none."""
        car = self.outlet(connector).car
        if not car:
            raise PilotwireError(
                f"no car is plugged in at connector {connector}", "", "plug one in first"
            )
        return car

    def wants(self, connector: int, on: bool, at_once: bool = False) -> None:
        """The car wants current or no longer does; `at_once`: its switch opens without a word, under load."""
        outlet = self.outlet(connector)
        car = outlet.car
        if car is None:  # gone, before it came to that
            return
        car.wants = on
        if at_once and not on and car.s2:
            car.due.clear()
            car.s2 = False
            self._tell(self.now, "car", "opens S2", {"connector": connector})
        outlet.touch()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` in so many seconds, exactly then, whatever the box is busy with; at once for 0."""
        if seconds <= 0:
            act()
        else:
            self._later.append((self.now + round(seconds * 1000), act))
            self._later.sort(key=lambda entry: entry[0])

    def draw(self, connector: int, amps: float, phases: int | None) -> None:
        car = self.car(connector)
        car.max_amps = float(amps)
        car.phases = phases or car.phases
        self.outlet(connector).touch()

    def warm(self, connector: int, celsius: float, seconds: float) -> None:
        self.outlet(connector).warm(celsius, seconds)
        self.unsaved = True

    def tag(self, tag: str) -> None:
        if len(self._tags) >= _MAX_TAGS:
            raise PilotwireError("the reader is busy", "the box has not read the tags before")
        if "reader" not in self._faults:
            self._tags.append(tag.encode())

    def press(self, seconds: float) -> None:
        self._pressed_until = self.now + round(seconds * 1000)

    def fault(self, connector: int, kind: str, on: bool) -> None:
        outlet = self.outlet(connector)
        if kind in STATION_FAULTS:
            (self._faults.add if on else self._faults.discard)(kind)
            self.changes += 1
        else:
            assert kind in FAULTS
            outlet.fault(kind, on)
        self.unsaved = True

    # -- the box

    def power(self, on: bool) -> None:
        self._tags.clear()
        for outlet in self.outlets:
            outlet.power(on)
        self._count()

    def drive(self, out: tuple[int, ...]) -> None:
        """Outputs of the box, from a record."""
        for k, outlet in enumerate(self.outlets):
            outlet.drive(records.drive(out, k))

    def advance(self, to: int) -> None:
        """Let time pass up to `to` (ms)."""
        while self._later and self._later[0][0] <= to:
            at, act = self._later.pop(0)
            self._advance(max(at, self.now))
            act()
        self._advance(to)

    def _advance(self, to: int) -> None:
        for outlet in self.outlets:
            before = outlet.energy_wh
            outlet.advance(to)
            if outlet.energy_wh != before:
                self.unsaved = True
        self.now = to
        self._count()

    def _count(self) -> None:
        changes = sum(outlet.changes for outlet in self.outlets)
        if changes != self._seen_changes:
            self._seen_changes = changes
            self.changes += 1

    _seen_changes = -1

    def answer(self, milli: int, lookup: int = 0) -> bytes:
        """What the box sees, as a record."""
        tag = None if "reader" in self._faults else self._tags.pop(0) if self._tags and not lookup else b""
        connectors = b"".join(outlet.seen() for outlet in self.outlets)
        if len(self.outlets) < records.CONNECTORS:
            connectors += records.IDLE_CONNECTOR
        return records.pack(
            milli,
            self.network,
            self.now < self._pressed_until,
            "emergency" in self._faults,
            "tamper" in self._faults,
            tag,
            lookup,
            connectors,
        )

    # -- what is known of it

    def state(self) -> list[dict[str, Any]]:
        """One object per connector; the firmware's report is laid over it."""
        return [self._outlet_state(outlet) for outlet in self.outlets]

    def _outlet_state(self, outlet: Outlet) -> dict[str, Any]:
        high, low = outlet.pilot_mv()
        duty = outlet.duty
        car = outlet.car
        return {
            "number": outlet.number,
            "status": None,
            "transaction": None,
            "limits": [],
            "fault": None,
            "pilot_mv_high": high,
            "pilot_mv_low": low,
            "duty_permille": round(duty * 1000),
            "relay": outlet.out.relay,
            "closed": outlet.closed,
            "locked": outlet.locked,
            "rcd_tripped": outlet.tripped,
            "pilot_cut": outlet.out.cut,
            "phases": outlet.live_phases,
            "temperature_c10": outlet.temperature_c10,
            "energy_wh": int(outlet.energy_wh),
            "power_w": round(outlet.power_w),
            "offered_ma": round(amps_of_duty(duty) * 1000) if 0 < duty < 1 else 0,
            "drawn_ma": [round(amps * 1000) for amps in outlet.drawn],
            "plugged": car is not None,
            "cable_a": outlet.cable.ampacity if outlet.cable else None,
            "car": {
                "kind": car.kind,
                "s2": car.s2,
                "wants": car.wants,
                "battery_wh": round(car.battery_wh, 3),
            }
            if car
            else None,
            "faults": sorted(outlet.faults | self._faults),
        }

    def dump(self) -> dict[str, Any]:
        """What outlives the box and its supervisor."""
        self.unsaved = False
        return {
            "time_ms": self.now,
            "faults": sorted(self._faults),
            "connectors": [
                {
                    "cable": asdict(o.cable) if o.cable else None,
                    "car": {k: v for k, v in asdict(o.car).items() if k in _KEPT}
                    if o.car
                    else None,
                    "faults": sorted(o.faults),
                    "locked": o.locked,
                    "welded": o.closed and "weld" in o.faults,
                    "energy_wh": o.energy_wh,
                    "pulses": o.pulses,
                }
                for o in self.outlets
            ],
        }


_KEPT = ("kind", "battery_wh", "capacity_wh", "max_amps", "phases", "wants", "awake")


def _restore(outlet: Outlet, kept: dict[str, Any]) -> None:
    outlet.faults = {f for f in kept.get("faults", []) if f in FAULTS}
    outlet.tripped = "rcd" in outlet.faults
    outlet.energy_wh = float(kept.get("energy_wh", 0))
    outlet.pulses = float(kept.get("pulses", 0))
    outlet.locked = outlet.out.lock = bool(kept.get("locked"))
    outlet.closed = bool(kept.get("welded"))
    if kept.get("cable") and outlet.socket:
        outlet.cable = Cable(**kept["cable"])
    if kept.get("car"):
        outlet.car = Car(**kept["car"])
