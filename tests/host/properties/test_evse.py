"""The electrical side under random sequences (hypothesis, CPython): when may the contactor be on."""

from evse import pilot
from evse.assembly import connector
from evse.contactor import Contactor
from evse.faults import Faults
from evse.meter import Meter
from evse.pilot import duty_permille, grant_ma
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotwire.sim.car import amps_of_duty

STEP_MS = 20


def offered_ma(permille: int) -> int:
    """What a car reads from a duty."""
    return round(amps_of_duty(permille / 1000) * 1000)


PARTS = "temperature rcd_test contactor2 pilot_switch wake"
LEVEL_MV = {"A": 12000, "B": 9000, "C": 6000, "D": 3000, "E": 0}

events = st.lists(
    st.tuples(
        st.sampled_from(
            ["car", "car", "car", "mv", "diode", "allow", "allow", "limit", "cable", "rcd", "hot"]
            + ["emergency", "weld", "stuck", "lock", "enable", "report", "clear", "hold", "stall"]
            + ["earth", "phases", "load", "meter", "monitor"]
        ),
        st.integers(0, 99),
        st.sampled_from([1, 2, 3, 5, 10, 30, 60, 350]),
    ),
    max_size=40,
)


class World:
    """Car, cable and board around one Connector, and what the rules say about it."""

    def __init__(self, socket: bool, ventilation: bool, now_ms: int) -> None:
        self.c = connector(32000, 1000, socket, now_ms, ventilation=ventilation, parts=PARTS)
        self.now_ms = now_ms
        self.ventilation = ventilation
        self.high_mv = 12000
        self.diode = True
        self.c.inputs.proximity_ohm = 220
        self.welded = self.stuck = self.lock_stuck = self.tripped = self.monitor_dead = False
        self.c.inputs.locked = False if socket else None
        self.since_ok_ms = 10**9  # since current was last allowed and offered, contactor on
        self.since_asking_ms = 10**9  # since a burst last lay in the band of C (or D)
        self.diode_seen_ms = 0  # of good negative halves since the car came
        self.was_on = self.was_on2 = False
        self.grown = self.c.changes

    def apply(self, word: str, n: int) -> int:
        c, dt_ms = self.c, STEP_MS
        if word == "car":
            self.high_mv = LEVEL_MV["ABCCCDE"[n % 7]]
        elif word == "mv":
            self.high_mv = n * 130 - 500
        elif word == "diode":
            self.diode = n < 60
        elif word == "allow":
            c.allow(n < 75, self.now_ms)
        elif word == "limit":
            c.limits.set("ocpp", None if n < 30 else (n - 30) * 250)
        elif word == "cable":
            c.inputs.proximity_ohm = (220, 1500, 680, 100, 999999, 5, 220, 220)[n % 8]
        elif word == "rcd":
            self.tripped = n < 20
        elif word == "monitor":
            self.monitor_dead = n < 30
        elif word == "earth":
            c.inputs.open_pe = n < 20
        elif word == "phases":
            c.phase_switch.wanted = 1 if n < 50 else 3
        elif word == "load":
            c.limits.set("load", None if n < 30 else (n - 30) * 500, "", n % 7)
        elif word == "meter":
            c.inputs.pulses += n
        elif word == "hot":
            c.inputs.temperature_c10 = None if n < 50 else n * 10
        elif word == "emergency":
            c.inputs.emergency = n < 20
        elif word == "weld":
            self.welded = n < 20
        elif word == "stuck":
            self.stuck = n < 20
        elif word == "lock":
            self.lock_stuck = n < 20
        elif word == "enable":
            c.enabled = n < 80
        elif word == "report":
            c.report("over_current", n < 20)
        elif word == "clear":
            c.clear_faults()
        elif word == "hold":
            c.hold_lock = n < 50
        else:
            dt_ms = 20 + n * 10
        return dt_ms

    def step(self, dt_ms: int) -> None:
        c, inputs = self.c, self.c.inputs
        self.now_ms = (self.now_ms + dt_ms) & 0x3FFFFFFF
        high = self.high_mv
        pwm = 0 < c.duty < 1000
        low = (-12000 if self.diode or high > 10500 else -high) if pwm else high
        if c.duty == 0:
            high = low = -12000
        elif c.cut:
            high, low = 12000, -12000 if pwm else 12000
        inputs.rcd = self.tripped or (c.rcd_test and not self.monitor_dead)
        inputs.high_mv, inputs.low_mv = high, low
        inputs.feedback = self.welded or (c.relay and not self.stuck)
        if inputs.locked is not None:
            inputs.locked = c.lock and not self.lock_stuck
        before = (c.duty, c.offered_ma)
        asking = pilot._C <= c._pilot._classify(high, pilot._C) <= pilot._D and c.duty != 0 and not c.cut
        self.since_asking_ms = 0 if asking else self.since_asking_ms + dt_ms
        if pwm and low < -10000 and high < 10750:
            self.diode_seen_ms += dt_ms
        c.step(self.now_ms)
        if c._pilot.level == pilot._A:
            self.diode_seen_ms = 0
        self.check(dt_ms, before)
        self.was_on = c.relay

    def check(self, dt_ms: int, before: tuple[int, int]) -> None:
        c = self.c
        ok = c.allowed and c.enabled and c.offered_ma >= 6000
        if ok:
            self.since_ok_ms = 0
        else:
            self.since_ok_ms += dt_ms
        if c.relay:
            # The car asks: now, by the debounced state, and in the bursts of the last 100 ms
            # (of a single step, when the step itself was late).
            assert c.state in (("C1", "C2", "D1", "D2") if self.ventilation else ("C1", "C2"))
            assert self.since_asking_ms <= max(100, dt_ms)
            # A healthy chain.
            assert c.fault is None
            assert self.diode_seen_ms > 0
            # Allowed and offered at least 6 A, or withdrawn less than six seconds ago.
            assert ok or self.since_ok_ms <= 6000 + dt_ms
            if not self.was_on:
                # It never closes in the grace.
                assert ok
                assert 100 <= c.duty <= 960
                assert not self.welded
                assert not c.rcd_test and not c.cut
                assert c.inputs.locked is not False
        # The second contactor never without the first, and its part changes only while both are open.
        assert c.relay or not c.relay2
        if c.relay and self.was_on:
            assert c.relay2 == self.was_on2
        self.was_on2 = c.relay2
        # Nothing is tested, and no pilot interrupted, on a live connector.
        if c.rcd_test or c.cut:
            assert not c.relay and not c.inputs.feedback
        # What latches stays through a restart.
        if c.faults.latched:
            assert Faults(c.faults.latched).name in ("rcd", "weld") and c.fault is not None
        # The offer and the duty say the same, and never more than the smallest limit.
        if c.offered_ma:
            assert c.duty == duty_permille(c.offered_ma)
            assert offered_ma(c.duty) <= c.offered_ma
            assert c.allowed and c.enabled and c.fault is None
        else:
            assert c.duty == 1000 or (c.duty == 0 and not c.enabled and not c.relay)
        if c.relay or c.inputs.feedback:
            assert c.lock or not c.socket
        if before[1] != c.offered_ma:
            assert c.changes != self.grown
        self.grown = c.changes
        small(c)


def small(thing: object) -> None:
    """No integer of 2**30 and more anywhere: it would be allocated on the chip."""
    for value in vars(thing).values():
        if isinstance(value, int):
            assert -(1 << 30) <= value < 1 << 30
        elif isinstance(value, list):
            assert all(not isinstance(v, int) or abs(v) < 1 << 30 for v in value)
        elif hasattr(value, "__dict__"):
            small(value)


@settings(max_examples=300, deadline=None)
@given(events, st.booleans(), st.booleans(), st.sampled_from([0, (1 << 30) - 5000]))
def test_contactor_is_never_on_without_every_condition(sequence, socket, ventilation, now_ms):
    world = World(socket, ventilation, now_ms)
    # Half the way in: allowed, plugged, asking; random words alone would seldom get there.
    world.high_mv = 9000
    world.c.allow(True, now_ms)
    for _ in range(20):
        world.step(STEP_MS)
    world.high_mv = 6000
    for _ in range(40):
        world.step(STEP_MS)
    assert world.c.relay
    for word, n, steps in sequence:
        world.step(world.apply(word, n))
        for _ in range(steps):
            world.step(STEP_MS)


@settings(max_examples=100, deadline=None)
@given(events)
def test_lower_limit_is_followed_within_five_seconds(sequence):
    world = World(False, False, 0)
    late_ms = 0
    for word, n, steps in sequence:
        dt_ms = world.apply(word, n)
        for _ in range(steps):
            world.step(dt_ms)
            c = world.c
            late_ms = late_ms + dt_ms if c.offered_ma > grant_ma(c.limits.lowest_ma()) else 0
            assert late_ms <= 5000 + dt_ms
            dt_ms = STEP_MS


@given(st.integers(0, 200000))
def test_duty_and_back(ma):
    duty = duty_permille(ma)
    read = offered_ma(duty)
    assert read <= grant_ma(ma) <= ma
    assert duty == 1000 if ma < 6000 else 100 <= duty <= 960


@given(st.integers(0, 1000), st.integers(0, 200000))
def test_duty_is_the_largest_that_does_not_exceed(permille, ma):
    if 100 <= permille <= 960 and offered_ma(permille) <= ma:
        assert permille <= duty_permille(ma) or offered_ma(permille) == offered_ma(duty_permille(ma))


@given(st.integers(10, 10000), st.lists(st.integers(0, 900), max_size=50))
def test_meter_loses_no_pulse(per_kwh, batches):
    meter = Meter(per_kwh)
    total = 0
    for n in batches:
        total += n
        before = meter.energy_wh
        meter.step(STEP_MS, total)
        assert meter.energy_wh >= before
        assert meter.power_w >= 0
        small(meter)
    assert meter.energy_wh == total * 1000 // per_kwh


@given(st.lists(st.tuples(st.integers(0, 2**13 - 1), st.booleans(), st.booleans()), max_size=60))
def test_faults_stand_while_their_cause_lasts(steps):
    faults = Faults()
    for causes, unplugged, reset in steps:
        if reset:
            faults.reset()
        before = faults.active
        faults.step(1000, causes, unplugged)
        assert faults.active & causes & before == before & causes
        assert (faults.name is None) == (faults.active == 0)
        assert faults.active & ~before & ~causes == 0


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=400))
def test_contactor_waits_between_closings(steps):
    contactor = Contactor()
    open_ms = 10**9
    for may, keep, fault in steps:
        was = contactor.closed
        contactor.step(100, may and keep and not fault, keep and not fault, fault)
        if was and not contactor.closed:
            open_ms = 0
        elif not contactor.closed:
            open_ms += 100
        elif not was:
            assert open_ms >= 4900
