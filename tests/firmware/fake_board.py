"""A board in plain Python: the Board contract, with attributes that a test sets.

A connector of it has a car made of resistors: `car` is "A" to "E", `diode` is whether it has
one, and pilot_mv() follows from these and the duty, as on the wire.
"""

_HIGH_MV = {"A": 12000, "B": 9000, "C": 6000, "D": 3000, "E": 0}


def lowest(limits):
    """(mA, slot) of the smallest active slot; the first wins a tie; (0, "") without any."""
    items = [(ma, slot) for slot, ma, _ in limits.items()]
    ma = min([item[0] for item in items]) if items else 0
    for item in items:
        if item[0] == ma:
            return item
    return 0, ""


def offered_ma(permille):
    """What a car reads from a duty (IEC 61851-1 table A.8); 0 where it must not charge."""
    if permille < 80 or permille > 970:
        return 0
    if permille < 100:
        return 6000
    if permille <= 850:
        return permille * 60
    if permille <= 960:
        return (permille - 640) * 250
    return 80000


class FakeConnector:
    """One connector; what the firmware set is in duty, closed, engaged."""

    def __init__(self, max_ma=32000, pulses_per_kwh=1000, socket=True, phases=3):
        self.max_ma = max_ma
        self.pulses_per_kwh = pulses_per_kwh
        self.socket = socket
        self.phases = phases
        self.meter = None
        self.ventilation = False
        self.duty = 1000
        self.closed = False
        self.engaged = False
        self.testing = False
        self.monitor_dead = False  # the residual-current monitor does not trip when tested
        self.closed2 = False
        self.cut = False
        self.parts = ""
        self.earth_lost = False
        self.car = "A"
        self.diode = True
        self.high_mv = None  # overrides the car
        self.low_mv = None
        self.welded = False
        self.stuck_open = False
        self.has_feedback = True
        self.ohm = 220
        self.pulse_count = 0
        self.lock_stuck = False
        self.rcd = False
        self.c10 = 250
        self._levels = [0, 0]

    def pwm(self, permille):
        self.duty = permille

    def pilot_mv(self):
        high = _HIGH_MV[self.car]
        low = -12000 if self.diode or self.car == "A" else -high
        if self.car == "E":
            low = 0
        if self.cut:
            high, low = 12000, -12000
        if self.duty == 1000:
            low = high
        elif self.duty == 0:
            high = low
        self._levels[0] = high if self.high_mv is None else self.high_mv
        self._levels[1] = low if self.low_mv is None else self.low_mv
        return self._levels

    def relay(self, on):
        self.closed = on

    def relay_feedback(self):
        if not self.has_feedback:
            return None
        return self.welded or (self.closed and not self.stuck_open)

    def proximity_ohm(self):
        return self.ohm

    def pulses(self):
        return self.pulse_count

    def lock(self, on):
        self.engaged = on

    def locked(self):
        return self.engaged and not self.lock_stuck

    def rcd_tripped(self):
        return self.rcd or (self.testing and not self.monitor_dead)

    def open_pe(self):
        return self.earth_lost

    def relay2(self, on):
        self.closed2 = on

    def cut_pilot(self, on):
        self.cut = on

    def rcd_test(self, on):
        self.testing = on

    def temperature_c10(self):
        return self.c10


class FakeBoard:
    """The station: tags to be read, switches, and the causes of restarts asked for."""

    def __init__(self, connectors=1):
        self.connectors = [FakeConnector() for _ in range(connectors)]
        self.tags = []
        self.reader = None
        self.led_state = None
        self.pressed = False
        self.emergency_on = False
        self.tampered = False
        self.restarts = []
        self.reset_cause = "power"
        self.fed = 0
        self.timers = []  # (ms, callback)
        self.kept = []
        self.worn = []  # (connector from 0, closings, seconds)

    def every(self, ms, callback):
        self.timers.append((ms, callback))

    def tag(self):
        return self.tags.pop(0) if self.tags else None

    def led(self, state):
        self.led_state = state

    def button(self):
        return self.pressed

    def emergency(self):
        return self.emergency_on

    def tamper(self):
        return self.tampered

    def keep(self, values):
        self.kept = values

    def wear(self, k):
        return len([w for w in self.worn if w[0] == k]), 0

    def note_wear(self, k, worn):
        self.worn.append((k, worn[0], worn[1]))

    def feed(self):
        self.fed += 1

    def restart(self, cause):
        self.restarts.append(cause)
        raise SystemExit(cause)


class Bench:
    """A fake connector and an evse Connector, stepped together every 20 ms."""

    def __init__(self, connector, fake, now_ms=0):
        self.c = connector
        self.fake = fake
        self.now_ms = now_ms

    def step(self, dt_ms=20):
        c, fake, inputs = self.c, self.fake, self.c.inputs
        self.now_ms = (self.now_ms + dt_ms) & 0x3FFFFFFF
        inputs.high_mv, inputs.low_mv = fake.pilot_mv()
        inputs.feedback = fake.relay_feedback()
        inputs.pulses = fake.pulses()
        inputs.proximity_ohm = fake.proximity_ohm()
        inputs.rcd = fake.rcd_tripped()
        inputs.open_pe = fake.open_pe()
        inputs.temperature_c10 = fake.temperature_c10()
        inputs.locked = fake.locked()
        c.step(self.now_ms)
        fake.pwm(c.duty)
        fake.relay(c.relay)
        fake.relay2(c.relay2)
        fake.lock(c.lock)
        fake.rcd_test(c.rcd_test)
        fake.cut_pilot(c.cut)

    def run(self, ms):
        """Step for so many ms."""
        for _ in range(ms // 20):
            self.step()

    def until(self, condition, limit_ms=60000):
        """Step until condition() holds; ms that it took, AssertionError after limit_ms."""
        ms = 0
        while not condition():
            if ms >= limit_ms:
                raise AssertionError("not within " + str(limit_ms) + " ms")
            self.step()
            ms += 20
        return ms
