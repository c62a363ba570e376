"""The electrical model: volts, amps and watt-hours against the tables of IEC 61851-1 and plain arithmetic."""

import pytest

from pilotwire.sim.car import Car, amps_of_duty
from pilotwire.sim.model import CABLE_OHM, Cable, Outlet
from pilotwire.sim.records import Drive

KHZ = 1000 << 16


def pwm(permille: int) -> int:
    return KHZ | min(65535, round(permille * 65.536))


def outlet(**more) -> tuple[Outlet, list]:
    told: list = []
    made = Outlet(1, lambda now, who, what, data: told.append((now, who, what)), **more)
    made.power(True)
    made.drive(Drive(pwm(1000), False, False, False))
    return made, told


def run(o: Outlet, ms: int, step: int = 20) -> None:
    end = o.now + ms
    while o.now < end:
        o.advance(min(o.now + step, end))


def seen(o: Outlet) -> tuple[int, ...]:
    import struct

    return struct.unpack("<13i", o.seen())


def charging(amps: float = 16.0, **car) -> Outlet:
    o, _ = outlet()
    o.plug(Cable(32), Car(**car))
    o.drive(Drive(pwm(round(amps / 0.6 * 10)), True, False, False))
    run(o, 6000)
    return o


STATES = [(None, 12000), ("B", 9000), ("C", 6000), ("D", 3000)]


# Facts section 2.1: 12, 9, 6, 3 V with 1 V of tolerance, the low level is -12 V behind the diode.
@pytest.mark.parametrize(("state", "high"), STATES)
@pytest.mark.parametrize("permille", [0, 100, 267, 533, 960, 1000])
def test_pilot_volts(state, high, permille):
    o, _ = outlet()
    if state:
        o.plug(Cable(32), Car("ventilation" if state == "D" else "normal"))
        o.car.s2 = state in "CD"
    o.drive(Drive(pwm(permille), False, False, False))
    expected_high, expected_low = (
        (high, -12000) if 0 < permille < 1000 else (high, high) if permille else (-12000,) * 2
    )
    got = o.pilot_mv()
    assert got[0] == pytest.approx(expected_high, abs=100)
    assert got[1] == pytest.approx(expected_low, abs=100)


def test_pilot_faults():
    o, _ = outlet()
    o.plug(Cable(32), Car())
    o.drive(Drive(pwm(300), False, False, False))
    o.fault("diode", True)
    high, low = o.pilot_mv()
    assert low == -high  # both ways through the resistor
    o.fault("diode", False)
    o.fault("short", True)
    assert o.pilot_mv() == (0, 0)
    o.fault("short", False)
    o.fault("open_pe", True)
    assert o.pilot_mv() == (12000, -12000)
    o.fault("open_pe", False)
    o.power(False)
    assert o.pilot_mv() == (0, 0)


# Facts section 2.2, the car's view.
@pytest.mark.parametrize(
    ("percent", "amps"),
    [
        (0, 0),
        (5, 0),
        (7.5, 0),
        (8, 6),
        (9.9, 6),
        (10, 6),
        (16.67, 10),
        (26.67, 16),
        (53.33, 32),
        (85, 51),
        (89.2, 63),
        (96, 80),
        (96.5, 80),
        (98, 0),
        (100, 0),
    ],
)
def test_amps_of_duty(percent, amps):
    assert amps_of_duty(percent / 100) == pytest.approx(amps, abs=0.01)


@pytest.mark.parametrize(("ampacity", "ohm"), CABLE_OHM.items())
def test_proximity(ampacity, ohm):
    o, _ = outlet()
    assert seen(o)[2] == -1
    o.plug(Cable(ampacity), Car())
    assert seen(o)[2] == ohm
    o.unplug()
    assert seen(o)[2] == -1


def test_contactor_takes_its_time():
    o, told = outlet()
    o.advance(100)
    o.drive(Drive(o.out.pwm, True, False, False))
    o.advance(200)
    o.drive(Drive(o.out.pwm, False, False, False))
    o.advance(300)
    assert [(now, what) for now, who, what in told if who == "contactor"] == [
        (115, "closes"),
        (210, "opens"),
    ]


def test_car_closes_s2_and_stops():
    o, told = outlet()
    o.plug(Cable(32), Car())
    run(o, 2000)
    assert not o.car.s2  # no PWM yet
    o.drive(Drive(pwm(267), True, False, False))
    run(o, 5000)
    assert o.drawn == pytest.approx([16.0] * 3, abs=0.05)
    o.drive(Drive(pwm(1000), True, False, False))  # X1: the car has 3 s
    run(o, 3000)
    assert not o.car.s2 and o.drawn == [0, 0, 0]
    assert all(now <= 2000 + 5000 + 1020 for now, who, what in told if what == "opens S2")


# A change of duty is followed within 5 s, by a ramp.
@pytest.mark.parametrize(("permille", "amps"), [(100, 6), (200, 12), (533, 32)])
def test_car_follows_the_duty(permille, amps):
    o = charging(16)
    o.drive(Drive(pwm(permille), True, False, False))
    run(o, 200)
    assert o.drawn[0] == pytest.approx(16, abs=0.05)
    run(o, 4800)
    assert o.drawn[0] == pytest.approx(amps, abs=0.05)


@pytest.mark.parametrize(
    ("cable", "car", "phases", "amps"),
    [(13, 32, 3, 13), (20, 32, 3, 20), (32, 10, 3, 10), (32, 32, 1, 32), (63, 40, 2, 32)],
)
def test_current_is_the_smallest_of_offer_cable_and_car(cable, car, phases, amps):
    o, _ = outlet()
    o.plug(Cable(cable), Car(max_amps=car, phases=phases))
    o.drive(Drive(pwm(533), True, False, False))
    run(o, 10000)
    assert o.drawn == pytest.approx([amps] * phases + [0] * (3 - phases), abs=0.05)


# Steps of 1 ms for ten minutes only: an hour of them takes ten seconds.
@pytest.mark.parametrize(("step", "ms"), [(1, 600_000), (20, 3_600_000), (333, 3_600_000)])
def test_energy_is_current_times_voltage_times_time(step, ms):
    o = charging(16)
    before, start = o.energy_wh, o.now
    run(o, ms, step)
    assert o.energy_wh - before == pytest.approx(
        sum(o.drawn) * 230 * (o.now - start) / 3.6e6, rel=1e-3
    )


def test_energy_does_not_depend_on_the_step():
    totals = []
    for step in (1, 20, 100):
        o, _ = outlet()
        o.plug(Cable(32), Car())
        o.drive(Drive(pwm(533), True, False, False))
        run(o, 20000, step)
        o.drive(Drive(pwm(100), True, False, False))
        run(o, 20000, step)
        totals.append(o.energy_wh)
    assert totals == pytest.approx([totals[0]] * 3, rel=1e-3)


def test_pulses_are_energy():
    o = charging(32)
    run(o, 600_000)
    assert seen(o)[3] == int(o.energy_wh)
    o.fault("meter", True)
    before = seen(o)[3]
    run(o, 60_000)
    assert seen(o)[3] == before
    o.fault("meter", False)
    run(o, 60_000)
    assert before < seen(o)[3] < o.energy_wh


def test_battery_tapers_fills_and_ends():
    o = charging(16, battery_wh=500)
    run(o, 60_000)
    assert o.drawn[0] == pytest.approx(16, abs=0.05)
    run(o, 600_000)
    assert o.car.full and not o.car.s2 and o.drawn[0] == 0
    assert o.energy_wh == pytest.approx(500, abs=0.5)


@pytest.mark.parametrize(
    ("kind", "high"), [("full", 9000), ("sleeping", 9000), ("no_b", 6000), ("ventilation", 3000)]
)
def test_kinds_of_cars(kind, high):
    o, _ = outlet()
    o.plug(Cable(32), Car(kind))
    o.drive(Drive(pwm(267), False, False, False))
    run(o, 3000)
    assert o.pilot_mv()[0] == pytest.approx(high, abs=100)


def test_sleeping_car_wakes():
    o, _ = outlet()
    o.plug(Cable(32), Car("sleeping"))
    o.drive(Drive(pwm(267), True, False, False))
    run(o, 5000)
    assert not o.car.s2
    o.drive(Drive(pwm(1000), True, False, False))
    run(o, 3100)
    o.drive(Drive(pwm(267), True, False, False))
    run(o, 1000)
    assert o.car.s2


def test_faults_of_the_contactor():
    o = charging()
    o.fault("weld", True)
    o.drive(Drive(o.out.pwm, False, False, False))
    run(o, 100)
    assert o.closed and seen(o)[4]
    o.fault("weld", False)
    run(o, 100)
    assert not o.closed
    o.fault("no_close", True)
    o.drive(Drive(o.out.pwm, True, False, False))
    run(o, 100)
    assert not o.closed


def test_faults_of_lock_rcd_temperature_and_current():
    o = charging()
    o.fault("lock", True)
    o.drive(Drive(o.out.pwm, True, True, False))
    run(o, 1000)
    assert not o.locked
    o.fault("lock", False)
    run(o, 1000)
    assert o.locked and seen(o)[5]
    o.fault("rcd", True)
    assert seen(o)[6]
    o.fault("rcd", False)
    assert not seen(o)[6]
    o.drive(Drive(o.out.pwm, True, True, True))
    run(o, 100)
    assert seen(o)[6]
    o.drive(Drive(o.out.pwm, True, True, False))
    run(o, 100)
    assert not seen(o)[6]
    o.fault("temperature", True)
    assert seen(o)[7] > 800
    o.fault("over_current", True)
    run(o, 5000)
    assert o.drawn[0] > 20


def test_unplugging_under_load_ends_the_current():
    o = charging()
    o.unplug()
    run(o, 1000)
    wh = o.energy_wh
    run(o, 1000)
    assert o.drawn == [0, 0, 0] and o.energy_wh == wh


# A ramp of the temperature is a straight line; the fault is at once.
def test_temperature():
    o, _ = outlet()
    o.warm(70, 600)
    for seconds, c10 in ((0, 300), (300, 500), (600, 700), (900, 700)):
        run(o, seconds * 1000 - o.now, 1000)
        assert abs(seen(o)[7] - c10) <= 1
    o.warm(25, 0)
    assert seen(o)[7] == 250
    o.fault("temperature", True)
    assert seen(o)[7] > 800


# A monitor trips when it is tested, unless it is broken.
def test_monitor_of_residual_current():
    o, _ = outlet()
    o.fault("rcd_test", True)
    o.drive(Drive(pwm(1000), rcd_test=True))
    run(o, 1000)
    assert not seen(o)[6]
    o.fault("rcd", True)
    assert seen(o)[6]


# L2 and L3 flow only while their contactor is closed too.
def test_second_contactor():
    o, _ = outlet(contactor2=True)
    o.plug(Cable(32), Car())
    for both, phases in ((False, 1), (True, 3)):
        o.drive(Drive(pwm(267), True, relay2=both))
        run(o, 6000)
        assert o.live_phases == phases
        assert [amps > 15 for amps in o.drawn] == [k < phases for k in range(3)]


# With its pilot cut off a car sees none, and a sleeping one wakes; the box sees an open line.
def test_cut_pilot():
    o, _ = outlet()
    o.plug(Cable(32), Car("sleeping"))
    o.drive(Drive(pwm(267)))
    run(o, 1000)
    o.drive(Drive(pwm(267), cut=True))
    assert o.pilot_mv()[0] == 12000
    run(o, 4000)
    o.drive(Drive(pwm(267)))
    run(o, 1000)
    assert o.car.s2


def test_monitor_of_the_earth_and_meter_that_is_asked():
    o = charging()
    assert seen(o)[8] == 0 and seen(o)[9] == int(o.energy_wh) > 0
    assert seen(o)[10:13] == (16020, 16020, 16020)
    o.fault("open_pe", True)
    o.fault("meter", True)
    assert seen(o)[8] == 1 and seen(o)[9] == -1
