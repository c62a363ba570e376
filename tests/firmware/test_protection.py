"""What watches over a charge on a fake board: self-test, heat, over-current, latched faults, wake-up, phases, meters."""

from evse.assembly import connector
from evse.readings import Readings
from fake_board import Bench, FakeConnector, lowest


def bench(parts="", socket=False, **arguments):
    return Bench(connector(32000, 1000, socket, 0, parts=parts, **arguments), FakeConnector(socket=socket))


def charging(parts="", **arguments):
    b = bench(parts, **arguments)
    b.run(3000)
    b.fake.car = "B"
    b.run(400)
    b.c.allow(True, b.now_ms)
    b.run(400)
    b.fake.car = "C"
    b.until(lambda: b.fake.closed, 3000)
    return b


def pulses(b, watt, ms):
    """Let so much energy through the meter, in steps of 20 ms."""
    mws = 0
    base = b.fake.pulse_count
    for _ in range(ms // 20):
        mws += watt * 20
        b.fake.pulse_count = base + mws // 3600000
        b.step()


# The residual-current monitor is tested after each session and at least every 24 h, with no car there.
def test_self_test_after_the_start_each_session_and_each_day():
    b = bench("rcd_test")
    test = b.c.selftest
    b.run(3000)
    assert test.passed == 1 and b.c.fault is None and not b.fake.testing
    b.run(60000)
    assert test.passed == 1
    b.fake.car = "B"
    b.c.allow(True, b.now_ms)
    b.run(1000)
    b.fake.car = "C"
    b.until(lambda: b.fake.closed, 3000)
    b.run(1000)
    b.fake.car = "B"
    b.run(5000)
    assert test.passed == 1  # not before the car has left
    b.fake.car = "A"
    b.run(3000)
    assert test.passed == 2
    for _ in range(24 * 60 + 1):
        b.step(60000)
    b.run(3000)
    assert test.passed == 3
    assert b.c.fault is None


def test_a_plug_without_current_needs_no_test():
    b = bench("rcd_test")
    b.run(3000)
    b.fake.car = "B"
    b.run(1000)
    b.fake.car = "A"
    b.run(5000)
    assert b.c.selftest.passed == 1


# A monitor that does not trip when it is told to is a fault; only a test that passes ends it.
def test_a_monitor_that_does_not_trip():
    b = bench("rcd_test")
    b.fake.monitor_dead = True
    assert 1000 <= b.until(lambda: b.c.fault is not None, 3000) <= 2000
    assert b.c.fault == "rcd" and b.c.faults.latched
    b.run(90000)
    b.c.clear_faults()
    b.until(lambda: b.c.fault is None, 3000)
    b.until(lambda: b.c.fault == "rcd", 6000)
    b.fake.monitor_dead = False
    b.c.clear_faults()
    b.run(6000)
    assert b.c.fault is None and b.c.selftest.passed == 1


def test_a_monitor_that_stays_tripped_after_its_test():
    b = bench("rcd_test")
    b.until(lambda: b.fake.testing, 2000)
    b.step()
    b.fake.rcd = True
    b.until(lambda: b.c.fault == "rcd", 4000)


# During the test nothing closes, and a test is not begun with a car there.
def test_no_closing_in_a_test():
    b = bench("rcd_test")
    b.until(lambda: b.fake.testing, 2000)
    b.fake.car = "C"
    b.fake.monitor_dead = True
    b.c.allow(True, b.now_ms)
    for _ in range(100):
        b.step()
        assert not b.fake.closed
    assert b.c.fault == "rcd"
    b = bench("rcd_test")
    b.fake.car = "B"
    b.run(60000)
    assert not b.fake.testing and b.c.selftest.passed == 0


def test_a_real_trip_latches_over_a_restart():
    b = charging()
    b.fake.rcd = True
    b.step()
    assert not b.fake.closed and b.c.fault == "rcd"
    b.fake.rcd = False
    again = bench(latched=b.c.faults.latched)
    assert again.c.fault == "rcd"
    again.fake.car = "C"
    again.c.allow(True, 0)
    for _ in range(500):
        again.step()
        assert not again.fake.closed and again.c.fault == "rcd"
    again.c.clear_faults()
    again.run(1200)
    assert again.c.fault is None and again.c.faults.latched == 0


def test_only_what_latches_is_kept():
    b = bench(latched=0xFFFF)
    assert b.c.faults.latched == 1 << 2 | 1 << 3
    b.run(100)
    assert b.c.fault == "rcd"


# 1 A less each 30 s above the set point, back in 1 A steps once it has cooled by 5 degrees; never under 6 A.
def test_derating():
    b = charging("temperature")
    b.fake.c10 = 660
    b.step()
    assert ("temperature", 31000, "warm") in b.c.limits.items()
    b.run(31 * 1000)
    assert lowest(b.c.limits) == (30000, "temperature") and b.fake.closed
    b.run(40 * 30000)
    assert lowest(b.c.limits) == (6000, "temperature") and b.c.fault is None and b.fake.closed
    b.fake.c10 = 620
    b.run(60000)
    assert lowest(b.c.limits) == (6000, "temperature")
    b.fake.c10 = 590
    b.run(61000)
    assert lowest(b.c.limits)[0] in (8000, 9000)
    b.run(30 * 30000)
    assert lowest(b.c.limits) == (32000, "board")


def test_derating_starts_at_what_flows():
    b = charging("temperature")
    b.c.limits.set("ocpp", 10000)
    b.run(5000)
    b.fake.c10 = 700
    b.step()
    assert lowest(b.c.limits) == (9000, "temperature")


# More than a tenth and half an ampere over the offer for seven seconds opens the contactor.
def test_over_current():
    for amps, ms, over in ((17, 60000, False), (21, 6000, False), (21, 20000, True), (30, 20000, True)):
        b = charging()
        b.c.limits.set("user", 16000)
        b.run(10000)
        pulses(b, amps * 253 * 3, ms)
        assert (b.c.fault == "over_current") is over, (amps, ms)
        assert b.fake.closed is not over


# A car has its time to follow a lower offer, and then it must have followed.
def test_over_current_after_a_lower_offer():
    b = charging()
    pulses(b, 32 * 230 * 3, 10000)
    b.c.limits.set("user", 10000)
    pulses(b, 32 * 230 * 3, 5000)
    pulses(b, 10 * 230 * 3, 20000)
    assert b.c.fault is None
    b.c.limits.set("user", 6000)
    pulses(b, 10 * 253 * 3, 20000)
    assert b.c.fault == "over_current"


# With a meter that tells the phases, one of them is enough.
def test_over_current_of_one_phase():
    meter = Readings()
    b = charging(meter=meter)
    b.c.limits.set("user", 16000)
    for n in range(1000):
        if n % 50 == 0:
            meter.take(n, 20 * 230, [20000, 0, 0], [230000] * 3)
        b.step()
    assert b.c.fault == "over_current" and not b.fake.closed


# Load management that falls silent leaves a safe current behind.
def test_load_slot_falls_back():
    b = charging()
    b.c.limits.set("load", 20000, "house", 60)
    b.run(59000)
    assert lowest(b.c.limits) == (20000, "load")
    b.c.limits.set("load", 18000, "house", 60)
    b.run(59000)
    assert lowest(b.c.limits) == (18000, "load")
    b.run(2000)
    assert b.c.limits.items()[-1] == ("load", 6000, "silent")
    b.run(5000)
    assert b.c.offered_ma == 6000 and b.fake.closed
    b.c.limits.set("load", None)
    b.run(5000)
    assert b.c.offered_ma == 32000
    b.c.limits.set("load", 9000)
    b.run(600000)
    assert lowest(b.c.limits) == (9000, "load")


# Without feedback the meter tells: pulses through an open contactor are a weld. With it, the meter is wrong.
def test_stray_pulses():
    for feedback, name in ((False, "weld"), (True, "meter")):
        b = bench()
        b.fake.has_feedback = feedback
        b.run(3000)
        pulses(b, 3000, 20000)
        assert b.c.fault == name, name
        assert bool(b.c.faults.latched) is not feedback
        b.run(70000)
        assert (b.c.fault is None) is feedback


def test_meter_that_is_asked_and_does_not_answer():
    meter = Readings()
    b = charging(meter=meter)
    for n in range(100):
        meter.take(1000 + n, 7000, [10000] * 3, [230000] * 3)
        b.run(1000)
    assert b.c.fault is None and b.c.energy_wh == 1099 and b.c.power_w == 7000
    b.run(16000)
    assert b.c.fault == "meter" and not b.fake.closed
    meter.take(1200, 0, [0] * 3, [230000] * 3)
    b.run(2000)
    assert b.c.fault is None


# req: TX-11
# The register is what it was up to the contactor's opening once the meter has answered some time after it.
def test_the_last_reading_of_a_meter_that_is_asked():
    meter = Readings()
    b = charging(meter=meter)
    meter.take(1000, 7000, [10000] * 3, [230000] * 3)
    b.run(1000)
    assert meter.behind
    b.fake.car = "B"
    b.run(1000)
    meter.take(1001, 0, [0] * 3, [230000] * 3)
    b.run(3000)
    assert not b.fake.closed and meter.behind
    meter.take(1003, 0, [0] * 3, [230000] * 3)
    b.run(20)
    assert not meter.behind and b.c.energy_wh == 1003


# The register never falls: neither when the meter was replaced nor when it says less than before.
def test_register_of_a_meter_that_is_asked():
    meter = Readings(50000)
    for wh, total in ((300, 50000), (310, 50010), (305, 50010), (400, 50100)):
        meter.take(wh, 0, [0] * 3, [0] * 3)
        assert meter.energy_wh == total
    meter = Readings(50000)
    meter.take(50080, 0, [0] * 3, [0] * 3)
    assert meter.energy_wh == 50080


def test_housing_open():
    b = charging()
    b.c.report("tamper", True)
    b.step()
    assert not b.fake.closed and b.c.fault == "tamper"
    b.c.report("tamper", False)
    b.run(2000)
    assert b.c.fault is None and not b.c.allowed


def waiting(parts):
    b = bench(parts)
    b.run(3000)
    b.fake.car = "B"
    b.c.allow(True, b.now_ms)
    b.run(1000)
    assert b.fake.duty == 533
    return b


def held(b, ms):
    """What the pilot did within ms, as (from s, for s, what)."""
    found = []
    was = None
    begin = 0
    for n in range(ms // 20):
        b.step()
        now = "cut" if b.fake.cut else "x1" if b.fake.duty == 1000 else None
        if now != was:
            if was:
                found[-1] = (found[-1][0], round((n - begin) // 50), was)
            begin = n
            if now:
                found.append((n // 50, 0, now))
            was = now
    return found


# A car that sleeps: X1 for 4 s after 90 s, the pilot cut for 4 s and for 30 s after 30 s more each; then it is left alone.
def test_wake_up():
    b = waiting("wake pilot_switch")
    found = [(s, what) for _, s, what in held(b, 400000)]
    assert [what for _, what in found if what == "cut"] == ["cut", "cut"]
    assert found[0] == (5, "x1")  # 4 s, and the 5 s between two changes of duty
    assert [s for s, what in found if what == "cut"] == [4, 30]
    assert b.c.plugged and b.fake.duty == 533 and b.c.fault is None
    assert held(b, 400000) == []
    b.fake.car = "A"
    b.run(1000)
    b.fake.car = "B"
    assert [what for _, _, what in held(b, 100000)][-1] == "x1"


def test_wake_up_without_a_switch_and_off():
    b = waiting("wake")
    assert [what for _, _, what in held(b, 400000)] == ["x1"]
    b = waiting("pilot_switch")
    assert held(b, 400000) == []


def test_a_car_that_wakes_is_charged():
    b = waiting("wake pilot_switch")
    b.until(lambda: b.fake.duty == 1000, 100000)
    b.run(5000)
    b.fake.car = "C"
    b.until(lambda: b.fake.closed, 3000)


# Unplugged while its pilot was cut: seen as soon as the pilot is back.
def test_unplugged_while_the_pilot_is_cut():
    b = waiting("wake pilot_switch")
    b.until(lambda: b.fake.cut, 200000)
    b.fake.car = "A"
    b.run(1000)
    assert b.c.plugged
    b.until(lambda: not b.c.plugged, 6000)
    assert not b.fake.cut


# Phases change only with both contactors open, and with the car's pilot interrupted for a minute.
def test_phase_switching():
    b = charging("contactor2 pilot_switch")
    b.run(6000)
    assert b.fake.closed2 and b.c.phase_switch.three
    b.c.phase_switch.wanted = 1
    b.step()
    assert b.fake.duty == 1000 and b.fake.closed and b.fake.closed2 and not b.fake.cut
    b.run(1000)
    b.fake.car = "B"
    b.until(lambda: not b.fake.closed, 200)
    assert not b.fake.closed2
    ms = b.until(lambda: b.fake.cut, 1000)
    assert ms <= 200
    cut_ms = 0
    while b.fake.cut:
        assert not b.fake.closed and not b.fake.closed2 and b.c.plugged
        b.step()
        cut_ms += 20
    assert 59000 <= cut_ms <= 61000 and not b.c.phase_switch.three
    b.run(1000)
    b.fake.car = "C"
    b.until(lambda: b.fake.closed, 10000)
    for _ in range(1000):
        b.step()
        assert b.fake.closed and not b.fake.closed2


# A car that does not stop is cut at six seconds, as always; without a car it goes quickly.
def test_phase_switching_under_load_and_without_a_car():
    b = charging("contactor2 pilot_switch")
    b.run(6000)
    b.c.phase_switch.wanted = 1
    assert 5900 <= b.until(lambda: not b.fake.closed, 7000) <= 6100
    b = bench("contactor2 pilot_switch")
    b.run(1000)
    b.c.phase_switch.wanted = 1
    b.until(lambda: not b.c.phase_switch.three, 1000)
    b.run(1000)
    assert not b.fake.cut and b.c.phase_switch.hold == 0
    b.c.phase_switch.wanted = 3
    b.run(1000)
    assert b.c.phase_switch.three


def test_a_fault_opens_both_contactors():
    b = charging("contactor2 pilot_switch")
    b.fake.rcd = True
    b.step()
    assert not b.fake.closed and not b.fake.closed2


# A lock that sticks is moved back and tried again, three times; a live plug is never let go for that.
def test_lock_is_tried_again():
    b = bench(socket=True)
    b.run(1000)
    b.fake.car = "B"
    b.fake.lock_stuck = True
    b.c.allow(True, b.now_ms)
    moves = 0
    was = False
    for _ in range(250):
        b.step()
        moves += b.fake.engaged and not was
        was = b.fake.engaged
    assert moves == 4 and b.c.fault == "lock"
    b.fake.lock_stuck = False
    b.run(1000)
    assert b.c.fault is None
    b = bench(socket=True)
    b.run(1000)
    b.fake.car = "B"
    b.c.allow(True, b.now_ms)
    b.run(400)
    b.fake.car = "C"
    b.until(lambda: b.fake.closed, 3000)
    b.fake.lock_stuck = True
    ms = 0
    while b.fake.closed:
        assert b.fake.engaged
        b.step()
        ms += 20
    assert ms <= 1200
