"""S0 pulses to energy and power."""

from evse.meter import Meter

# pulses/kWh, pulses, Wh
CASES = [
    (1000, 1234, 1234),
    (2000, 1235, 617),
    (800, 801, 1001),
    (640, 64, 100),
    (10000, 9999, 999),
    (100, 7, 70),
]


def test_energy(case):
    per_kwh, pulses, wh = case
    meter = Meter(per_kwh, 5000)
    for n in range(1, pulses + 1):
        meter.step(100, n)
    assert meter.energy_wh == 5000 + wh


def test_remainder_is_kept_whatever_the_batches():
    a, b = Meter(800), Meter(800)
    for n in range(1, 1001):
        a.step(20, n)
        if n % 7 == 0 or n == 1000:
            b.step(140, n)
    assert a.energy_wh == b.energy_wh == 1250


def test_counter_restarted():
    meter = Meter(1000, 0)
    meter.step(20, 10)
    meter.step(20, 3)
    assert meter.energy_wh == 13


def test_mad_counter_is_cut():
    meter = Meter(1000)
    meter.step(20, 500000000)
    assert meter.energy_wh == 1000


def feed(meter, watt, ms, per_kwh=1000):
    """Pulses of a constant power, at 20 ms steps."""
    mws = 0
    per_pulse = 3600000000 // per_kwh
    n = 0
    base = meter._pulses
    for _ in range(ms // 20):
        mws += watt * 20
        n = mws // per_pulse
        meter.step(20, base + n)


def test_power_within_two_percent():
    for watt in (22000, 11000, 7400, 3700, 1380):
        for per_kwh in (1000, 800, 2000):
            meter = Meter(per_kwh)
            feed(meter, watt, 60000, per_kwh)
            assert abs(meter.power_w - watt) * 50 <= watt, (watt, per_kwh, meter.power_w)


# When pulses stop, what is shown is at most one pulse over the time waited.
def test_power_decays_instead_of_freezing():
    meter = Meter(1000)
    feed(meter, 11000, 30000)
    last = meter.power_w
    for ms, most in ((1000, 3700), (10000, 400), (60000, 60)):
        feed(meter, 0, ms)
        assert meter.power_w <= most
        assert meter.power_w <= last
        last = meter.power_w
    feed(meter, 0, 60000)
    assert meter.power_w == 0


def test_open_contactor_shows_no_power_soon():
    meter = Meter(1000)
    feed(meter, 11000, 30000)
    for _ in range(110):
        meter.step(20, meter._pulses, False)
    assert meter.power_w == 0


def test_refuses_rates_it_can_not_compute():
    for per_kwh in (0, 9, 10001):
        try:
            Meter(per_kwh)
        except ValueError:
            continue
        raise AssertionError(per_kwh)


# Three pulses in a minute through an open contactor, later than two seconds after it opened, can not be.
def test_stray_pulses():
    for gap_ms, after_ms, stray in ((1000, 3000, True), (20000, 3000, True), (40000, 3000, False), (300, 0, False)):
        meter = Meter(1000)
        feed(meter, 11000, 30000)
        n = meter._pulses
        for _ in range(after_ms // 20):
            meter.step(20, n, False)
        seen = False
        for _ in range(4):
            n += 1
            for _ in range(gap_ms // 20):
                meter.step(20, n, False)
                seen = seen or meter.stray
        assert seen is stray, (gap_ms, after_ms)
        meter.step(20, n, True)
        assert not meter.stray


# A car that draws makes pulses: half an hour without one, and the meter is dead.
def test_silent():
    meter = Meter(1000)
    for _ in range(1801):
        meter.step(1000, 0, True, True)
    assert meter.silent
    meter.step(20, 1, True, True)
    assert not meter.silent
    for _ in range(3600):
        meter.step(1000, 1, True, False)
    assert not meter.silent
