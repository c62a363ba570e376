# ruff: noqa: B018, B905, C419
# Runs inside MicroPython: the safety step of a whole charger, in every state and fault, and what it leaves on the heap.
#
#   from step_script import play; play()      prints one line "@ {...}" of JSON
#
# Real are Wallbox.step(), the Outlet, the electrical side and the Connector of the port; the car, the pins and the converters
# are made of what allocates nothing. The collector is off: what is taken stays taken.
import gc
import json

from app import Wallbox
from evse.assembly import connector
from evse.readings import Readings
from fake_board import FakeConnector
from outlet import Outlet
from port.board import Connector

_PAIRS = ((200, -12000), (2000, 1500), (2400, 4500), (2735, 7500), (3055, 10500))
PARTS = "temperature rcd_test contactor2 pilot_switch wake"


class Chip:
    """Converters and PWM between the port and a fake car."""

    def __init__(self, fake):
        self.fake = fake
        self.next = self.other = 0

    def look(self):
        """Take the levels that the burst of the next step sees."""
        high, low = self.fake.pilot_mv()
        self.next, self.other = self.divided(high), self.divided(low)

    def divided(self, mv):
        i = 1
        while i < len(_PAIRS) - 1 and mv > _PAIRS[i][1]:
            i += 1
        a, b = _PAIRS[i - 1], _PAIRS[i]
        return (a[0] + (mv - a[1]) * (b[0] - a[0]) // (b[1] - a[1])) * 1000

    def pilot_uv(self):
        self.next, self.other = self.other, self.next
        return self.next

    def proximity_uv(self):
        return 3300 * self.fake.ohm // (self.fake.ohm + 1000) * 1000 if self.fake.ohm < 100000 else 3300000

    def duty_u16(self, duty):
        self.fake.duty = 1000 if duty == 65535 else duty * 1000 // 65536 + (duty > 0)


def part(fake):
    """A Connector of the port, its drivers the fake's."""
    c, chip = Connector(), Chip(fake)
    c.pilot_pwm = chip
    c.pilot_uv = chip.pilot_uv
    c.pilot_calibration = _PAIRS
    c.proximity_uv = chip.proximity_uv
    c.proximity_pullup_ohm, c.proximity_supply_mv = 1000, 3300
    c.relay, c.relay2, c.relay_feedback = fake.relay, fake.relay2, fake.relay_feedback
    c.lock, c.locked, c.rcd_tripped, c.rcd_test = fake.lock, fake.locked, fake.rcd_tripped, fake.rcd_test
    c.open_pe, c.cut_pilot, c.pulses, c.temperature_c10 = fake.open_pe, fake.cut_pilot, fake.pulses, fake.temperature_c10
    return c


class Clock:
    ms = (1 << 30) - 20000  # it wraps on the way

    def now_ms(self):
        return self.ms


class Board:
    pressed = False

    def emergency(self):
        return self.pressed

    def tamper(self):
        return self.pressed


class Box:
    """What Wallbox.step() needs of a Wallbox."""

    def __init__(self, outlets):
        self.clock = Clock()
        self.board = Board()
        self.outlets = outlets
        self._stepping = False
        self._stepped_at = self._steps = 0
        self._broken = None

    open = Wallbox.open
    step = Wallbox.step


# allow, enabled, car, what the fake is given, steps, ms of each
SCRIPT = (
    (False, True, "A", {}, 120, 20),  # the monitor tests itself
    (False, True, "B", {}, 40, 20),
    (True, True, "B", {}, 60, 20),
    (True, True, "B", {}, 700, 200),  # a car that sleeps is woken, its pilot cut
    (True, True, "C", {}, 200, 20),
    (True, True, "C", {"c10": 700}, 170, 200),
    (True, True, "D", {"c10": 250}, 60, 20),
    (True, True, "E", {}, 60, 20),
    (True, True, "C", {"ohm": 999999}, 60, 20),
    (True, True, "A", {"ohm": 220}, 60, 20),
    (True, True, "C", {}, 200, 200),
    ("1", True, "C", {}, 400, 200),  # to one phase
    ("3", True, "C", {}, 400, 200),
    (False, True, "C", {}, 60, 200),
    (True, True, "C", {}, 60, 200),
    (True, True, "C", {"diode": False}, 60, 20),
    (True, True, "A", {"diode": True}, 60, 20),
    (True, True, "C", {"c10": 900}, 60, 20),
    (True, True, "C", {"c10": 250, "stuck_open": True}, 200, 200),
    (True, True, "A", {"stuck_open": False}, 60, 20),
    (True, True, "C", {"lock_stuck": True}, 100, 100),
    (True, False, "C", {"lock_stuck": False}, 100, 100),
    (True, True, "C", {"earth_lost": True}, 60, 20),
    (True, True, "C", {"earth_lost": False}, 200, 200),
    ("over", True, "C", {}, 100, 200),
    (True, True, "A", {}, 60, 20),
    ("emergency", True, "C", {}, 60, 20),
    (True, True, "C", {}, 200, 200),
    (True, True, "B", {"welded": True}, 60, 20),
    (True, True, "C", {"rcd": True}, 60, 20),
    ("clear", True, "A", {"rcd": False, "welded": False}, 100, 20),
    (False, True, "A", {"monitor_dead": True}, 60, 20),
)


def walk(box, fakes):
    """Goes on for one step after the other; what happens meanwhile is not the step's."""
    for what, enabled, car, values, count, dt_ms in SCRIPT:
        for outlet, fake in zip(box.outlets, fakes):
            evse = outlet.evse
            evse.allow(what is not False, 0)
            evse.enabled = enabled
            if what == "1" or what == "3":
                evse.phase_switch.wanted = int(what)
            if what == "clear":
                evse.clear_faults()
            fake.car = car
            for name in values:
                setattr(fake, name, values[name])
        box.board.pressed = what == "emergency"
        for n in range(count):
            for outlet, fake in zip(box.outlets, fakes):
                evse = outlet.evse
                if n == 0:
                    evse.limits.set("load", 20000, "house", 4)
                elif n == 20:
                    evse.limits.set("ocpp", 9000, "profile")
                elif n == 40:
                    evse.limits.set("ocpp", None)
                if n % 10 == 0:
                    ma = (50000 if what == "over" else 16000) if fake.closed else 0
                    if isinstance(evse.meter, Readings):
                        evse.meter.take(evse.energy_wh + 1, ma * 230 // 1000, [ma] * 3, [230000] * 3)
                if fake.closed and (what == "over" or n % 40 == 0):
                    fake.pulse_count += 3 if what == "over" else 1
                outlet.board.pilot_pwm.look()
            box.clock.ms = (box.clock.ms + dt_ms) & 0x3FFFFFFF
            yield what


def play():
    fakes = [FakeConnector(), FakeConnector()]
    now = Clock.ms
    sides = [
        connector(32000, 1000, True, now, 0, True, 3, 0, Readings(), PARTS),
        connector(32000, 1000, True, now, 0, False, 3, 0, None, PARTS),
    ]
    box = Box([Outlet(part(fake), side) for fake, side in zip(fakes, sides)])
    grown = steps = 0
    where = []
    states, faults = set(), set()
    holds = set()
    gc.disable()
    for what in walk(box, fakes):
        before = gc.mem_alloc()
        box.step()
        taken = gc.mem_alloc() - before
        steps += 1
        if taken:
            grown += taken
            if len(where) < 5:
                where.append((steps, str(what), taken))
        for side in sides:
            states.add(side.state)
            faults.add(side.fault)
            holds.add((side.cut, side.rcd_test, side.relay, side.relay2))
        if steps % 2000 == 0:
            gc.collect()
    before = gc.mem_alloc()
    (1 << 29) + before * 0 + (1 << 29)
    seen = gc.mem_alloc() - before  # an int of 2^30 is one on the heap where words have 32 bits
    print(
        "@",
        json.dumps(
            {
                "steps": steps,
                "grown": grown,
                "where": where,
                "states": sorted(states),
                "faults": sorted([f for f in faults if f]),
                "cut": any([h[0] for h in holds]),
                "tested": any([h[1] for h in holds]),
                "one_phase": any([h[2] and not h[3] for h in holds]),
                "broken": repr(box._broken),
                "notices": seen,
            }
        ),
    )
