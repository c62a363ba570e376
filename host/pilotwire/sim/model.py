"""The electrical world of one connector: pilot, contactor, cable, car, meter, and their faults.

Sans-I/O and deterministic: `drive` takes what the box does, `advance(to_ms)` lets time pass, `seen()` is what the box
measures. World time in ms, volts in mV, currents A, energy Wh. Facts: IEC 61851-1 (pilot, proximity), IEC 62053-31 (S0).
"""

from collections.abc import Callable
from dataclasses import dataclass

from pilotwire.sim import records
from pilotwire.sim.car import Car, amps_of_duty

MAINS_V = 230.0
CLOSE_MS, OPEN_MS = 15, 10  # the contactor's mechanics
LOCK_MS = 300
RCD_TRIP_MS, RCD_RESET_MS = 20, 50
PILOT_MV, SERIES_OHM, DIODE_MV = 12000.0, 1000.0, 700.0
CABLE_OHM = {13: 1500, 20: 680, 32: 220, 63: 100}
AMBIENT_C10, HOT_C10 = 300, 950
OVER_CURRENT = 1.5
FAULTS = (
    "diode",
    "short",
    "open_pe",
    "weld",
    "no_close",
    "rcd",
    "rcd_test",
    "temperature",
    "over_current",
    "cable",
    "lock",
    "meter",
)


@dataclass
class Cable:
    """Ampacity in A (one of CABLE_OHM) and number of phases."""

    ampacity: int = 32
    phases: int = 3


class Outlet:
    """One connector. `tell(now, who, what, data)` gets what happens, as it happens."""

    def __init__(
        self,
        number: int,
        tell: Callable[[int, str, str, dict], None],
        *,
        max_ma: int = 32000,
        phases: int = 3,
        pulses_per_kwh: int = 1000,
        socket: bool = True,
        contactor2: bool = False,
    ):
        self.number = number
        self._tell = tell
        self.phases = phases
        self.pulses_per_kwh = pulses_per_kwh
        self.socket = socket
        self.contactor2 = contactor2
        self.now = 0
        self.cable: Cable | None = None if socket else Cable(max_ma // 1000, phases)
        self.car: Car | None = None
        self.faults: set[str] = set()
        self.powered = False
        self.out = records.Drive()
        self.closed = False  # the contacts
        self.closed2 = False  # those of L2 and L3, where they have a contactor of their own
        self.locked = False
        self.tripped = False
        self.energy_wh = 0.0  # through the meter, ever
        self.pulses = 0.0  # what the meter's S0 output gave, ever
        self._warm = (float(AMBIENT_C10), float(AMBIENT_C10), 0, 0)  # from, to, at ms, until ms
        self._due: dict[str, int] = {}
        self._seen: bytes | None = None
        self._drawn: list[float] = []
        self._c10 = AMBIENT_C10
        self._shown = ""
        self.changes = 0

    # -- what the box does

    def drive(self, new: records.Drive) -> None:
        """The box's outputs from now on."""
        out = self.out
        if new == out:
            return
        if new.relay != out.relay:
            self._due["contactor"] = self.now + (CLOSE_MS if new.relay else OPEN_MS)
        if new.relay2 != out.relay2:
            self._due["contactor2"] = self.now + (CLOSE_MS if new.relay2 else OPEN_MS)
        if new.lock != out.lock:
            self._due["lock"] = self.now + LOCK_MS
        if new.rcd_test != out.rcd_test:
            self._due["rcd"] = self.now + (RCD_TRIP_MS if new.rcd_test else RCD_RESET_MS)
        self.out = new
        self._changed()

    def power(self, on: bool) -> None:
        """The box's own supply; without it, and in a reset, every output is released.

        The lock's motor stays where it is in a reset; it opens by its own reserve when the supply fails.
        """
        self.powered = on
        self.drive(records.Drive(lock=self.out.lock and on))
        self._changed()

    # -- what people do

    def plug(self, cable: Cable, car: Car | None) -> None:
        """Cable into the socket, its other end into the car."""
        if self.socket:
            self.cable = cable
        self.car = car
        self._changed()

    def unplug(self) -> None:
        """Both ends out, under load if need be."""
        if self.socket:
            self.cable = None
        self.car = None
        self._changed()

    def fault(self, kind: str, on: bool) -> None:
        """Cause or remove one of FAULTS."""
        (self.faults.add if on else self.faults.discard)(kind)
        if kind == "rcd":
            self.tripped = on
        if kind == "no_close" and on and self.closed:
            self.closed = False
        if not on and kind in ("weld", "no_close"):
            self._due["contactor"] = self.now + OPEN_MS
        if not on and kind == "lock":
            self._due["lock"] = self.now + LOCK_MS
        self._changed()

    def warm(self, celsius: float, seconds: float) -> None:
        """The temperature goes to `celsius` within `seconds`, in a straight line."""
        self._warm = (self.temperature_c10, celsius * 10, self.now, self.now + round(seconds * 1000))
        self._changed()

    def touch(self) -> None:
        """Something of the car was changed from outside."""
        self._changed()

    # -- what follows from it

    @property
    def temperature_c10(self) -> int:
        """In the housing, tenths of a degree."""
        if "temperature" in self.faults:
            return HOT_C10
        begin, end, start, until = self._warm
        if self.now >= until:
            return round(end)
        return round(begin + (end - begin) * (self.now - start) / (until - start))

    @property
    def duty(self) -> float:
        """Share of the period with +12 V, 0..1; 0 as well where the frequency is not 1 kHz."""
        pwm = self.out.pwm
        if pwm < 0:
            return 0.0
        value = pwm & 0xFFFF
        if value in (0, 65535):
            return value / 65535
        return value / 65536 if 980 <= pwm >> 16 <= 1020 else 0.0

    def _load(self, generator_mv: float) -> float:
        """Pilot voltage when the box's generator stands at generator_mv behind its 1 kilo-ohm."""
        if "short" in self.faults:
            return 0.0
        if self.car is None or self.cable is None or self.out.cut or "open_pe" in self.faults:
            return generator_mv
        share = self.car.ohm / (self.car.ohm + SERIES_OHM)
        if "diode" in self.faults:  # shorted: conducts both ways, without its drop
            return generator_mv * share
        if generator_mv <= DIODE_MV:
            return generator_mv
        return (generator_mv - DIODE_MV) * share + DIODE_MV

    def pilot_mv(self) -> tuple[int, int]:
        """(high, low) level of the pilot; both alike where it is steady."""
        if not self.powered:
            return 0, 0
        duty = self.duty
        high, low = self._load(PILOT_MV), self._load(-PILOT_MV)
        if duty >= 1:
            low = high
        elif duty <= 0:
            high = low
        return round(high), round(low)

    def seen(self) -> bytes:
        """What the box measures, as a record."""
        if self._seen is None or self.drawn != self._drawn or self.temperature_c10 != self._c10:
            high, low = self.pilot_mv()
            coded = self.cable and self.socket and "cable" not in self.faults
            ohm = CABLE_OHM[self.cable.ampacity] if self.cable and coded else -1
            self._drawn, self._c10 = self.drawn, self.temperature_c10
            self._seen = records.pack_connector(
                high,
                low,
                ohm,
                int(self.pulses),
                self.closed,
                self.locked,
                self.tripped,
                self._c10,
                "open_pe" in self.faults,
                -1 if "meter" in self.faults else int(self.energy_wh),
                [round(amps * 1000) for amps in self._drawn],
            )
        return self._seen

    @property
    def live_phases(self) -> int:
        """Phases that carry current when the contactor is closed."""
        if self.car is None or self.cable is None:
            return 0
        phases = min(self.phases, self.cable.phases, self.car.phases)
        return min(phases, 1) if self.contactor2 and not self.closed2 else phases

    @property
    def drawn(self) -> list[float]:
        """Current per phase in A."""
        amps = self.car.amps if self.car else 0.0
        return [amps if k < self.live_phases else 0.0 for k in range(3)]

    @property
    def power_w(self) -> float:
        """Power through the meter."""
        return sum(self.drawn) * MAINS_V

    def next_ms(self, limit: int) -> int:
        """When something happens by itself, at the latest `limit`."""
        for at in self._due.values():
            if at < limit:
                limit = at
        if self.car:
            at = self.car.next_ms()
            if at is not None and at < limit:
                limit = at
        return max(limit, self.now)

    def advance(self, to: int) -> None:
        """Let time pass up to `to`."""
        while True:
            due = self.next_ms(to)
            if due > self.now:
                self._flow(due)
                self.now = due
            if not self._fire() and self.now >= to:
                return

    def _flow(self, to: int) -> None:
        car = self.car
        if car is None or self.cable is None:
            return
        live = self.closed and self.live_phases > 0
        if not live and not car.amps:
            return
        offer = amps_of_duty(self.duty) if self.powered else 0.0
        amps = min(offer, self.cable.ampacity)
        if "over_current" in self.faults and offer:
            car.aim(self.now, 1000.0)
            amps = car.target = offer * OVER_CURRENT
        else:
            car.aim(self.now, amps)
        before = car.amps
        wh = car.follow(self.now, to, live) * self.live_phases * MAINS_V / 3.6e6
        if wh:
            self.energy_wh += wh
            car.battery_wh = max(0.0, car.battery_wh - wh)
            if "meter" not in self.faults:
                whole = int(self.pulses)
                self.pulses += wh * self.pulses_per_kwh / 1000
                if int(self.pulses) != whole:
                    self._seen = None
            if car.full:
                self._changed()
        if car.amps == car.target != before:
            self.changes += 1
            self._tell(
                to if live else self.now,
                "car",
                f"draws {car.amps:.1f} A",
                {"connector": self.number, "amps": round(car.amps, 2)},
            )

    def _fire(self) -> bool:
        """Do everything that is due now; True if anything was."""
        done = False
        for what in [w for w, at in self._due.items() if at <= self.now]:
            del self._due[what]
            done = True
            if what == "contactor":
                self._contactor(self.out.relay)
            elif what == "contactor2":
                self.closed2 = self.out.relay2
            elif what == "lock" and "lock" not in self.faults and self.locked != self.out.lock:
                self.locked = self.out.lock
                self._say("lock", "locked" if self.locked else "unlocked")
            elif what == "rcd":
                self.tripped = (self.out.rcd_test and "rcd_test" not in self.faults) or "rcd" in self.faults
        if self.car:
            at = self.car.next_ms()
            if at is not None and at <= self.now:
                done = True
                for told in self.car.fire(self.now):
                    self._say("car", told)
        if done:
            self._changed()
        return done

    def _contactor(self, close: bool) -> None:
        if (close and "no_close" in self.faults) or (not close and "weld" in self.faults):
            return
        if close != self.closed:
            self.closed = close
            self._say("contactor", "closes" if close else "opens")

    def _say(self, who: str, what: str) -> None:
        self._tell(self.now, who, what, {"connector": self.number})

    def _changed(self) -> None:
        """Something the box or the car can see is different now."""
        self._seen = None
        self.changes += 1
        if self.car and self.cable:
            alive = self.powered and not self.out.cut and not self.faults & {"open_pe", "short"}
            self.car.see(self.now, self.duty, alive)
        high, low = self.pilot_mv()
        duty = self.duty
        shown = f"{high / 1000:.1f} V"
        if 0 < duty < 1:
            shown += f" {duty * 100:.1f} % ({amps_of_duty(duty):.1f} A)"
        if shown != self._shown:
            self._shown = shown
            data = {
                "connector": self.number,
                "high_mv": high,
                "low_mv": low,
                "duty_permille": round(duty * 1000),
            }
            self._tell(self.now, "pilot", shown, data)
