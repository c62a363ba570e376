"""Levels, thresholds, debounce and diode of the control pilot; duty and current."""

from evse.pilot import Pilot, duty_permille, grant_ma
from fake_board import offered_ma

A, B, C, D, E = range(5)  # levels

# From 6 to 51 A the duty is I / 0.6; between 51 and 52.5 A it stays at 85 %; up to 80 A it is
# I / 2.5 + 64; under 6 A there is no duty at all but steady +12 V, never a smaller duty.
DUTY = (
    (0, 1000),
    (1000, 1000),
    (5999, 1000),
    (6000, 100),
    (10000, 166),
    (13000, 216),
    (16000, 266),
    (20000, 333),
    (25000, 416),
    (32000, 533),
    (40000, 666),
    (51000, 850),
    (51001, 850),
    (52000, 850),
    (52499, 850),
    (52500, 850),
    (53000, 852),
    (63000, 892),
    (70000, 920),
    (80000, 960),
    (80001, 960),
    (1000000, 960),
)

# What a car reads: nothing under 8 % and over 97 %, 6 A up to 10 %, 0.6 A a percent up to 85 %,
# 2.5 A a percent above 64 % up to 96 %, 80 A up to 97 %.
OFFERED = (
    (0, 0),
    (29, 0),
    (50, 0),
    (79, 0),
    (80, 6000),
    (99, 6000),
    (100, 6000),
    (266, 15960),
    (533, 31980),
    (850, 51000),
    (851, 52750),
    (892, 63000),
    (960, 80000),
    (970, 80000),
    (971, 0),
    (999, 0),
    (1000, 0),
)

# Thresholds 10.5, 7.5, 4.5 and 1.5 V with 0.25 V of hysteresis: (from mV, mV, level then).
THRESHOLDS = (
    (12000, 10260, A),
    (12000, 10240, B),
    (9000, 10740, B),
    (9000, 10760, A),
    (9000, 7260, B),
    (9000, 7240, C),
    (6000, 7740, C),
    (6000, 7760, B),
    (6000, 4260, C),
    (6000, 4240, D),
    (3000, 4740, D),
    (3000, 4760, C),
    (3000, 1260, D),
    (3000, 1240, E),
    (0, 1740, E),
    (0, 1760, D),
    (12000, 6000, C),
    (6000, 12000, A),
    (6000, 0, E),
)

CASES = (
    [("duty",) + row for row in DUTY]
    + [("offered",) + row for row in OFFERED]
    + [("level",) + row for row in THRESHOLDS]
)


def run(p, mv, ms, low=-12000, duty=533):
    for _ in range(ms // 20):
        p.step(20, mv, low, duty)


def steps_until(p, mv, level, low=-12000, duty=533):
    for n in range(200):
        p.step(20, mv, low, duty)
        if p.level == level:
            return (n + 1) * 20
    raise AssertionError("never at that level")


def test_table(case):
    kind = case[0]
    if kind == "duty":
        assert duty_permille(case[1]) == case[2]
    elif kind == "offered":
        assert offered_ma(case[1]) == case[2]
    else:
        p = Pilot()
        run(p, case[1], 1000)
        run(p, case[2], 1000)
        assert p.level == case[3]


def test_car_never_reads_more_than_the_limit():
    for ma in range(6000, 80001, 7):
        read = offered_ma(duty_permille(ma))
        assert 6000 <= read <= ma
        assert ma - read < (60 if ma < 51000 else 250 if ma >= 52750 else 1750)
        assert read <= grant_ma(ma)


# C that lasts less than 500 ms is no request (ISO 15118 toggle).
def test_short_c_is_ignored():
    p = Pilot()
    run(p, 9000, 1000)
    for ms in (20, 100, 260, 480):
        run(p, 6000, ms)
        assert p.level == B
        run(p, 9000, 40)
        assert p.level == B
    run(p, 6000, 600)
    assert p.level == C


# A stall of the step is not an observation: one burst in C, a second one a second later.
def test_stall_does_not_count_as_c():
    p = Pilot()
    run(p, 9000, 1000)
    p.step(20, 6000, -12000, 533)
    p.step(1000, 6000, -12000, 533)
    assert p.level == B


# From the change of level to a decision at most 60 ms at 20 ms steps, and not by one stray burst.
def test_leaving_c_is_quick():
    for mv, level in ((9000, B), (12000, A), (0, E)):
        p = Pilot()
        run(p, 6000, 1000)
        p.step(20, mv, -12000, 533)
        assert p.level == C
        p.step(20, 6000, -12000, 533)
        assert p.level == C
        assert steps_until(p, mv, level) <= 60
    p = Pilot()
    run(p, 9000, 1000)
    assert steps_until(p, 12000, A) <= 60


def test_leaving_c_into_noise_is_as_quick():
    p = Pilot()
    run(p, 6000, 1000)
    p.step(20, 9000, -12000, 533)
    p.step(20, 0, -12000, 533)
    assert p.level != C


def test_first_burst_after_a_stall_leaves_c():
    p = Pilot()
    run(p, 6000, 1000)
    p.step(150, 9000, -12000, 533)
    assert p.level == B


def test_names():
    p = Pilot()
    assert p.state == "A"
    for mv, off, on in ((12000, "A", "A"), (9000, "B1", "B2"), (6000, "C1", "C2"), (3000, "D1", "D2")):
        run(p, mv, 1000, duty=1000)
        assert p.state == off
        run(p, mv, 100)
        assert p.state == on
    run(p, 0, 1000)
    assert p.state == "E"
    p.step(20, -12000, -12000, 0)
    assert p.state == "F"


def test_after_f_the_car_is_found_anew():
    p = Pilot()
    run(p, 6000, 1000)
    assert p.diode_ok and not p.unknown
    run(p, -12000, 100, duty=0)
    assert p.unknown and not p.diode_ok
    run(p, 6000, 200, low=6000, duty=1000)
    assert p.unknown
    run(p, 6000, 600, low=6000, duty=1000)
    assert p.state == "C1" and not p.unknown and not p.diode_ok


# The diode is seen in the low level while PWM runs; under -10 V it is there.
def test_diode():
    p = Pilot()
    run(p, 9000, 1000, low=9000, duty=1000)
    assert not p.diode_ok and not p.diode_bad
    run(p, 9000, 200)
    assert p.diode_ok and not p.diode_bad
    run(p, 9000, 180, low=-9990)
    assert p.diode_ok and not p.diode_bad
    run(p, 9000, 60, low=-9990)
    assert p.diode_bad and not p.diode_ok


def test_single_bursts_without_low_half_are_no_fault():
    p = Pilot()
    run(p, 6000, 1000, duty=960)
    for _ in range(50):
        run(p, 6000, 100, low=6000, duty=960)
        p.step(20, 6000, -12000, 960)
        assert p.diode_ok and not p.diode_bad


def test_diode_is_forgotten_when_the_car_leaves():
    p = Pilot()
    run(p, 9000, 1000)
    assert p.diode_ok
    run(p, 12000, 100)
    assert not p.diode_ok


# Two bursts that saw no pulse at all say nothing; a pilot that stays away is a short.
def test_bursts_between_the_pulses():
    p = Pilot()
    run(p, 6000, 1000, duty=100)
    for _ in range(50):
        run(p, -12000, 40, duty=100)
        assert p.level == C
        run(p, 6000, 20, duty=100)
    assert steps_until(p, -12000, E, duty=100) <= 100
