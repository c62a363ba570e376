"""Cold: measures what the pilot's converter reads at +12 and -12 V and writes it into board.json.

    from port import calibrate
    calibrate.run(1, 12040, -11950)        connector 1; what a voltmeter showed at the pilot: steady +12 V, steady -12 V

From the REPL, with the app stopped, no car plugged in and mains off: docs/bring-up.md. calibrate.hold(1, True) puts the pilot to
steady +12 V for the voltmeter, hold(1, False) to -12 V. order() is the same while the app runs: it is its safety step that drives
the pilot then, by X1 and F.
"""

import json
import os
import time

from machine import ADC, PWM, Pin
from micropython import const

_SETTLE_MS = const(300)
_SAMPLES = const(500)
_NOISE_MV = const(60)
_SPAN_MV = const(1000)
_FILE = "/board.json"


def hold(number, high, file=_FILE):
    """Put the pilot of a connector to steady +12 V (True) or -12 V; returns its board.json and its part of it."""
    with open(file) as f:
        config = json.load(f)
    part = config["connectors"][number - 1]
    for connector in config["connectors"]:
        Pin(connector["contactor"], Pin.OUT, value=0)
    PWM(Pin(part["pilot_pwm"]), freq=1000, duty_u16=65535 if high else 0)
    return config, part


def _measure(read):
    time.sleep_ms(_SETTLE_MS)  # type: ignore
    total = 0
    least = most = read() // 1000
    for _ in range(_SAMPLES):
        mv = read() // 1000
        total += mv
        least = min(least, mv)
        most = max(most, mv)
    if most - least > _NOISE_MV:
        raise ValueError("it is not steady: from %d to %d mV; is a car plugged in?" % (least, most))
    return (total + _SAMPLES // 2) // _SAMPLES


def run(number, high_mv=12000, low_mv=-12000, file=_FILE):
    """Measure and write; returns the pairs. ValueError for readings that can not be, and nothing is written."""
    _generator(high_mv, low_mv)
    config, part = hold(number, True, file)
    read = ADC(Pin(part["pilot_adc"]), atten=ADC.ATTN_11DB).read_uv
    high = _measure(read)
    hold(number, False, file)
    low = _measure(read)
    hold(number, True, file)
    part["pilot_calibration"] = _pairs(low, low_mv, high, high_mv)
    _write(config, file)
    return part["pilot_calibration"]


def order(number, outlet, high_mv, low_mv, file=_FILE):
    """The same for an Outlet whose safety step goes on; the new pairs hold at once. ValueError with a car there."""
    _generator(high_mv, low_mv)
    evse = outlet.evse
    if evse.plugged or evse.energised or not evse.enabled or evse.duty != 1000:
        raise ValueError("unplug the car first")
    high = _measure(outlet.board.pilot_uv)
    evse.enabled = False
    try:
        low = _measure(outlet.board.pilot_uv)
    finally:
        evse.enabled = True
    pairs = _pairs(low, low_mv, high, high_mv)
    with open(file) as f:
        config = json.load(f)
    config["connectors"][number - 1]["pilot_calibration"] = pairs
    _write(config, file)
    outlet.board.pilot_calibration = pairs
    return pairs


def _generator(high_mv, low_mv):
    if not 11000 <= high_mv <= 13000 or not -13000 <= low_mv <= -11000:
        raise ValueError("a generator of a pilot has 11 to 13 V either way")


def _pairs(low, low_mv, high, high_mv):
    if high - low < _SPAN_MV:
        raise ValueError("%d mV at +12 V and %d mV at -12 V: too little apart" % (high, low))
    return [[low, low_mv], [high, high_mv]]


def _write(config, file):
    with open(file + ".new", "w") as f:
        json.dump(config, f)
    os.rename(file + ".new", file)
