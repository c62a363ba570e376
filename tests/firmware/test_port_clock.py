"""Ticks, UTC and uptime of the Clock on virtual time."""
# stand-ins: machine

import time

from port.clock import Clock


def test_utc_is_unknown_until_it_is_set():
    time.set_rtc(0)
    clock = Clock()
    assert clock.utc() is None
    clock.set_utc(848620800)
    assert clock.utc() == 848620800
    time.sleep_ms(2000)
    assert clock.utc() == 848620802
    assert Clock().utc() == 848620802


def test_now_wraps():
    clock = Clock()
    time.start((1 << 30) - 10)
    assert clock.now_ms() == (1 << 30) - 10
    time.sleep_ms(30)
    assert clock.now_ms() == 20
    time.start(0)


def test_uptime_over_the_wrap():
    time.start((1 << 30) - 1500)
    clock = Clock()
    assert clock.uptime_s() == 0
    time.sleep_ms(1000)
    assert clock.uptime_s() == 1
    time.sleep_ms(1999)
    assert clock.uptime_s() == 2
    time.sleep_ms(1)
    assert clock.uptime_s() == 3
    time.start(0)


def test_setting_the_clock_does_not_touch_uptime():
    clock = Clock()
    clock.set_utc(848620800)
    time.sleep_ms(1000)
    assert clock.uptime_s() == 1


def test_hold_reaches_the_time():
    held = []
    hold = time.hold
    time.hold = held.append
    try:
        clock = Clock()
        clock.hold(1)
        clock.hold(-1)
    finally:
        time.hold = hold
    assert held == [1, -1]
