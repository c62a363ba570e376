"""A car at the end of the cable, as the box sees it: resistors, diode, and a wish for current.

Sans-I/O: `next_ms`, `fire` and `follow` are driven by the outlet that it is plugged into. Times are ms of world time,
currents A, energy Wh. Its delays are inside what IEC 61851-1 allows a car.
"""

from dataclasses import dataclass, field

KINDS = ("normal", "sleeping", "no_b", "ventilation", "full")

R_B = 2740.0  # ohm, state B: S2 open
R_C = 882.0  # S2 closed
R_D = 246.0  # S2 closed, ventilation wanted

CLOSE_S2_MS = 700  # from valid PWM to S2
STOP_MS = 1000  # from PWM gone, or a wish to stop, to S2 open; the current is down to 0 before
REACT_MS = 300  # from a change of duty to the first change of current
RAMP_A_PER_S = 10.0  # 6 to 32 A in 2.6 s; the standard leaves the car 5 s
WAKE_MS = 3000  # a sleeping car wakes when X1 or F follows PWM for so long
TAPER = 0.1  # the last part of the battery is filled with less and less current
TAPER_MIN_A = 2.0


def amps_of_duty(duty: float) -> float:
    """What a car may draw at this duty (0..1); 0 where the standard allows nothing (IEC 61851-1, table A.8)."""
    percent = duty * 100
    if percent < 7.97 or percent > 97.02:  # measured to within a rounding of the PWM
        return 0.0
    if percent < 10:
        return 6.0
    if percent <= 85:
        return percent * 0.6
    return min((percent - 64) * 2.5, 80.0)


@dataclass
class Car:
    """See the module; `wants` is the driver's and the battery's wish, `s2` the switch that follows it."""

    kind: str = "normal"
    battery_wh: float = 50000.0  # what it can still take
    max_amps: float = 32.0
    phases: int = 3
    wants: bool = True
    s2: bool = False
    awake: bool = True
    capacity_wh: float = 0.0
    amps: float = 0.0  # now drawn, per phase
    target: float = 0.0
    follow_ms: int = 0  # the current moves towards target from here on
    due: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.capacity_wh = self.capacity_wh or self.battery_wh
        if self.kind == "sleeping":
            self.awake = False
        if self.kind == "full":
            self.battery_wh = 0.0

    @property
    def ohm(self) -> float:
        """Resistance from the pilot to earth, behind the diode."""
        if self.kind == "no_b" and not self.s2:
            return R_C  # without a switch: C as long as it is plugged in
        if not self.s2:
            return R_B
        return R_D if self.kind == "ventilation" else R_C

    @property
    def full(self) -> bool:
        """The battery takes no more."""
        return self.battery_wh <= 1e-6

    def next_ms(self) -> int | None:
        """When `fire` has to be called."""
        return min(self.due.values()) if self.due else None

    def see(self, now: int, duty: float, alive: bool) -> None:
        """The pilot as the car measures it: duty 0..1 with the box's voltage there (`alive`) or not."""
        offer = amps_of_duty(duty) if alive else 0.0
        if offer:
            self.due.pop("wake", None)
        elif not self.awake:
            self.due.setdefault("wake", now + WAKE_MS)
        if offer and self.wants and self.awake and not self.full:
            self.due.pop("open", None)
            if not self.s2:
                self.due.setdefault("close", now + CLOSE_S2_MS)
        else:
            self.due.pop("close", None)
            if self.s2:
                self.due.setdefault("open", now + STOP_MS)

    def fire(self, now: int) -> list[str]:
        """Do what is due; returns what happened, in words."""
        told = []
        for what in [w for w, at in self.due.items() if at <= now]:
            del self.due[what]
            if what == "close":
                self.s2 = True
                told.append("closes S2")
            elif what == "open":
                self.s2 = False
                told.append("is full, opens S2" if self.full else "opens S2")
            elif what == "wake" and not self.awake:
                self.awake = True
                told.append("wakes up")
        return told

    def aim(self, now: int, amps: float) -> None:
        """The most that it may draw now; it starts to follow a change after its reaction time."""
        if (
            (not self.s2 and self.kind != "no_b")
            or "open" in self.due
            or not self.wants
            or self.full
        ):
            amps = 0.0
        amps = min(amps, self.max_amps)
        left = self.battery_wh / self.capacity_wh if self.capacity_wh else 0.0
        if left < TAPER:
            amps = min(amps, max(self.max_amps * left / TAPER, TAPER_MIN_A))
        if abs(amps - self.target) > 1e-9:
            if abs(self.amps - self.target) < 1e-9 and abs(amps - self.target) > 0.5:
                self.follow_ms = now + REACT_MS
            self.target = amps

    def follow(self, start: int, end: int, live: bool) -> float:
        """Move the current towards the target; returns ampere-milliseconds per phase from start to end.

        `live` False: there is no voltage, so nothing flows.
        """
        if not live:
            self.amps = 0.0
            self.follow_ms = end + REACT_MS
            return 0.0
        if self.amps == self.target or end <= self.follow_ms:
            return self.amps * (end - start)
        begin = max(start, self.follow_ms)
        area = self.amps * (begin - start)
        gap = self.target - self.amps
        # Down to 0 it goes within the stop time, whatever flowed.
        rate = (RAMP_A_PER_S if self.target else 50.0) / 1000
        ramp = min(abs(gap) / rate, end - begin)
        after = self.amps + (rate if gap > 0 else -rate) * ramp
        if abs(self.target - after) < 1e-9:
            after = self.target
        area += (self.amps + after) / 2 * ramp + after * (end - begin - ramp)
        self.amps = after
        return area
