"""The Board on the machine stand-ins: levels, pins, tags, restart."""
# stand-ins: machine, esp32, network, socket

import machine
import micropython
import time

import wire
from port.board import Board

_PAIRS = [[300, -12000], [2700, 12000]]

CONNECTOR = {
    "pilot_pwm": 25, "pilot_adc": 36, "pilot_calibration": _PAIRS, "contactor": 26, "contactor_feedback": 27,
    "proximity_adc": 39, "proximity_pullup_ohm": 1000, "proximity_supply_mv": 3300, "s0": 34, "pulses_per_kwh": 1000,
    "lock": 14, "lock_feedback": 13, "rcd": 35, "rcd_test": 12, "max_ma": 32000, "phases": 3, "socket": True,
}  # fmt: skip
STATION = {
    "id": "test", "temperature_adc": 33, "temperature_mv_per_c": 10, "temperature_offset_mv": 500,
    "led": 2, "button": 0, "emergency": 4, "tamper": 15, "active_low": ["button"],
    "rfid": {"driver": "line", "uart": 1, "rx": 16, "tx": 17, "baud": 9600},
}  # fmt: skip

_IN = wire.IN_CONNECTOR
_OUT = wire.OUT_CONNECTOR

# what the reader sends, the tags that come out, what is dropped
CASES = [
    (b"04A1B2C3\n", ["04A1B2C3"], 0),
    (b"04A1B2C3\r\n", ["04A1B2C3"], 0),
    (b"A\nB\nC\n", ["A", "B", "C"], 0),
    (b"\n\r\n\nA\n", ["A"], 0),
    (b"12345678901234567890\n", ["12345678901234567890"], 0),
    (b"123456789012345678901\nA\n", ["A"], 1),
    (b"x" * 200 + b"\nA\n", ["A"], 1),
    (b"with space\n\x02bin\nA\n", ["A"], 2),
    (b"half", [], 0),
]


def board(connectors=1, **changes):
    config = dict(STATION)
    config["connectors"] = [dict(CONNECTOR) for _ in range(connectors)]
    for name in changes:
        config["connectors"][0][name] = changes[name]
    wire.pins.clear()
    wire.station.clear()
    wire.load(config)
    return Board(config)


def test_tags(case):
    sent, tags, dropped = case
    b = board()
    b.reader._uart._rx = bytearray(sent)
    got = []
    for _ in range(30):
        tag = b.tag()
        if tag:
            got.append(tag)
    assert got == tags
    assert b.reader.dropped == dropped


def test_contactor_is_open_and_pilot_at_x1_from_the_start():
    wire.outputs[_OUT + wire.RELAY] = 1
    board()
    assert wire.outputs[_OUT + wire.RELAY] == 0
    assert wire.outputs[_OUT + wire.PWM] == 65535 | 1000 << 16


def test_pilot_levels_follow_the_calibration():
    b = board()
    c = b.connectors[0]
    for high, low in ((12000, -12000), (9000, -12000), (6000, -12000), (3000, -8000)):
        c.pwm(533)
        wire.inputs[_IN + wire.HIGH_MV] = high
        wire.inputs[_IN + wire.LOW_MV] = low
        levels = c.pilot_mv()
        assert abs(levels[0] - high) <= 100 and abs(levels[1] - low) <= 100
        assert c.pilot_mv() is levels


def test_calibration_with_a_bend():
    c = board().connectors[0]
    c.pilot_calibration = [[300, -12000], [1500, 0], [2500, 12000]]
    for mv, pilot in ((300, -12000), (200, -13000), (900, -6000), (1500, 0), (2000, 6000), (2600, 13200)):
        assert c._pilot(mv) == pilot


# 16 bits of a period, rounded; the two ends exact.
def test_pwm():
    c = board().connectors[0]
    for permille, duty in ((1000, 65535), (0, 0), (100, 6554), (266, 17433), (533, 34931), (960, 62915)):
        c.pwm(permille)
        assert wire.outputs[_OUT + wire.PWM] == duty | 1000 << 16


def test_relay_lock_and_inputs():
    b = board()
    c = b.connectors[0]
    c.relay(True)
    c.lock(True)
    c.rcd_test(True)
    assert wire.outputs[_OUT + wire.RELAY] == wire.outputs[_OUT + wire.LOCK] == wire.outputs[_OUT + wire.RCD_TEST] == 1
    c.relay(False)
    c.lock(False)
    assert wire.outputs[_OUT + wire.RELAY] == wire.outputs[_OUT + wire.LOCK] == 0
    for i, read in (
        (_IN + wire.FEEDBACK, c.relay_feedback),
        (_IN + wire.LOCKED, c.locked),
        (_IN + wire.RCD, c.rcd_tripped),
        (wire.BUTTON, b.button),
        (wire.EMERGENCY, b.emergency),
        (wire.TAMPER, b.tamper),
    ):
        for value in (1, 0):
            wire.inputs[i] = value
            assert read() == value


def test_what_is_not_there():
    config = {"id": "bare", "connectors": [dict(CONNECTOR)]}
    for name in ("contactor_feedback", "lock", "lock_feedback", "rcd", "rcd_test", "proximity_adc"):
        del config["connectors"][0][name]
    b = Board(config)
    c = b.connectors[0]
    assert c.relay_feedback() is None and c.locked() is None and c.temperature_c10() is None
    assert not c.rcd_tripped() and not c.open_pe() and c.proximity_ohm() == 0
    c.lock(True)
    c.rcd_test(True)
    c.relay2(True)
    c.cut_pilot(True)
    b.led("Charging")
    assert b.tag() is None and not b.button() and not b.emergency() and not b.tamper()


# Bands of cables must survive the ADC: within 5 % up to 1.5 kOhm, and open is open.
def test_proximity():
    c = board().connectors[0]
    for ohm in (100, 220, 680, 1500):
        wire.inputs[_IN + wire.PROXIMITY_OHM] = ohm
        assert abs(c.proximity_ohm() - ohm) * 20 <= ohm
    for ohm in (-1, 100000):
        wire.inputs[_IN + wire.PROXIMITY_OHM] = ohm
        assert c.proximity_ohm() > 10000
    wire.inputs[_IN + wire.PROXIMITY_OHM] = 0
    assert 0 < c.proximity_ohm() < 20


def test_temperature():
    c = board().connectors[0]
    for c10 in (250, 801, -100):
        wire.inputs[_IN + wire.TEMPERATURE_C10] = c10
        assert abs(c.temperature_c10() - c10) <= 5


def test_pulses_count_from_boot():
    wire.inputs[_IN + wire.PULSES] = 500
    c = board().connectors[0]
    assert c.pulses() == 0
    wire.inputs[_IN + wire.PULSES] = 540
    assert c.pulses() == 40


def test_pulses_without_a_counter_in_hardware():
    counter = machine.Counter
    del machine.Counter
    try:
        c = board().connectors[0]
        before = wire.inputs[_IN + wire.PULSES]
        for n in range(1, 6):
            wire.inputs[_IN + wire.PULSES] = before + n
            time.sleep_ms(160)
        assert c.pulses() == 5
    finally:
        machine.Counter = counter


def test_every():
    b = board()
    times = []
    timer = b.every(20, lambda timer: times.append(time.ticks_ms()))
    start = time.ticks_ms()
    time.sleep_ms(101)
    timer.deinit()
    assert [time.ticks_diff(t, start) for t in times] == [20, 40, 60, 80, 100]


def test_led_blinks():
    b = board()
    seen = set()
    for _ in range(30):
        b.led("Preparing")
        seen.add(wire.outputs[wire.LED])
        time.sleep_ms(100)
    assert seen == {0, 1}
    b.led("Charging")
    assert wire.outputs[wire.LED] == 1
    b.led("Unavailable")
    assert wire.outputs[wire.LED] == 0


def test_restart_opens_and_leaves_its_cause():
    b = board()
    b.connectors[0].relay(True)
    try:
        b.restart("update")
    except SystemExit:
        pass
    assert wire.outputs[_OUT + wire.RELAY] == 0
    assert wire.outputs[_OUT + wire.PWM] == 65535 | 1000 << 16
    for hardware, cause in (
        (machine.HARD_RESET, "update"),
        (machine.HARD_RESET, "crash"),
        (machine.SOFT_RESET, "software"),
        (machine.WDT_RESET, "watchdog"),
        (machine.PWRON_RESET, "power"),
    ):
        machine.cause = hardware
        assert board().reset_cause == cause


# Optocouplers conduct with each wave of the mains: edges are a closed contact, a steady level is none.
def test_optocouplers():
    c = board(feedback="optocoupler").connectors[0]
    for closed in (0, 1, 0):
        wire.inputs[_IN + wire.FEEDBACK] = closed
        for _ in range(10):
            time.sleep_ms(20)
            c.relay_feedback()
        for _ in range(50):
            time.sleep_ms(20)
            assert c.relay_feedback() is bool(closed)
    wire.inputs[_IN + wire.FEEDBACK] = 0


# A motor is driven either way until the feedback agrees, and for 600 ms at most.
def test_motor_lock():
    c = board(unlock=23).connectors[0]
    close, open = machine.Pin(14), machine.Pin(23)
    for on, feedback_ms in ((True, 200), (False, 300), (True, 5000)):
        c.lock(on)
        driven = 0
        for n in range(100):
            if n * 20 >= feedback_ms:
                wire.inputs[_IN + wire.LOCKED] = 1 if on else 0
            c.locked()
            assert not (close.value() and open.value())
            driven += close.value() if on else open.value()
            time.sleep_ms(20)
        assert abs(driven * 20 - min(feedback_ms, 600)) <= 20, (on, driven)
    wire.inputs[_IN + wire.LOCKED] = 0


def test_second_contactor_pilot_switch_and_earth():
    c = board(contactor2=19, pilot_switch=5, earth=21).connectors[0]
    assert c.parts.split() == ["rcd_test", "contactor2", "pilot_switch", "temperature"]
    for word, set in ((wire.RELAY2, c.relay2), (wire.CUT, c.cut_pilot)):
        for on in (True, False):
            set(on)
            assert wire.outputs[_OUT + word] == on
    for on in (1, 0):
        wire.inputs[_IN + wire.OPEN_PE] = on
        assert c.open_pe() == on


def test_active_low_outputs_and_inputs():
    kept = STATION["active_low"]
    STATION["active_low"] = ["button", "lock", "rcd"]
    try:
        c = board().connectors[0]
    finally:
        STATION["active_low"] = kept
    assert wire.outputs[_OUT + wire.LOCK] == 0 and machine.Pin(14).value() == 1
    c.lock(True)
    assert wire.outputs[_OUT + wire.LOCK] == 1 and machine.Pin(14).value() == 0
    wire.inputs[_IN + wire.RCD] = 1
    assert c.rcd_tripped() == 1
    wire.inputs[_IN + wire.RCD] = 0
    assert c.rcd_tripped() == 0


def test_ring():
    STATION["ring"] = 32
    STATION["ring_pixels"] = 8
    led = STATION.pop("led")
    try:
        b = board()
    finally:
        STATION["led"] = led
        del STATION["ring"], STATION["ring_pixels"]
    b.led("Charging")
    assert wire.outputs[wire.LED] == 64
    colours = set()
    for _ in range(20):
        b.led("Faulted")
        colours.add(wire.outputs[wire.LED])
        time.sleep_ms(50)
    assert colours == {0, 96 << 16}


class Silent:
    """In place of Pin, ADC and Counter: reads that allocate nothing, as on the chip."""

    IN = OUT = PULL_UP = PULL_DOWN = ATTN_11DB = FALLING = 0

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, level=0):
        return 0

    def read_uv(self):
        return 1234567

    def value(self):
        return 0

    def duty_u16(self, duty):
        pass


# What the safety step calls allocates nothing, as far as it is ours: the stand-ins' own reads do.
def test_the_safety_step_allocates_nothing():
    kept = machine.Pin, machine.ADC, machine.PWM, machine.Counter
    signal = machine.Signal
    reader = STATION.pop("rfid")
    machine.Pin = machine.ADC = machine.PWM = machine.Counter = machine.Signal = Silent
    try:
        b = board()
    finally:
        machine.Pin, machine.ADC, machine.PWM, machine.Counter = kept
        machine.Signal = signal
        STATION["rfid"] = reader
    c = b.connectors[0]
    micropython.heap_lock()
    try:
        c.pilot_mv()
        c.relay_feedback()
        c.locked()
        c.rcd_tripped()
        c.open_pe()
        c.pulses()
        c.proximity_ohm()
        c.temperature_c10()
        b.emergency()
        c.relay(False)
        c.relay2(False)
        c.pwm(533)
        c.lock(True)
        c.rcd_test(False)
        c.cut_pilot(False)
    finally:
        micropython.heap_unlock()
