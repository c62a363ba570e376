"""Does the pilot read as it should? +12 V and -12 V are put out without PWM and measured through the board's calibration.

The contactors are open meanwhile; a car that is plugged in sees state F for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pilotwire.diagnosis.finding import ERROR, OK, WARNING, Finding

_NOISE_MV = 60  # at the ADC, as firmware/port/calibrate.py has it
_SPAN_MV = 1000
_OFF_MV = 600  # IEC 61851-1 table A.2: 11.4 to 12.6 V either way
_CAR_MV = (9000, 6000, 3000)  # states B, C, D

# On the board: [[least, middle, most] at +12 V, the same at -12 V] in mV at the ADC, for each connector.
ASK = """
import json, time
pilot = []
try:
    import machine
    with open('/board.json') as f:
        connectors = json.load(f)['connectors']
    for c in connectors:
        machine.Pin(c['contactor'], machine.Pin.OUT, value=0)
        pwm = machine.PWM(machine.Pin(c['pilot_pwm']), freq=1000, duty_u16=65535)
        read = machine.ADC(machine.Pin(c['pilot_adc']), atten=machine.ADC.ATTN_11DB).read_uv
        levels = []
        for duty in (65535, 0):
            pwm.duty_u16(duty)
            time.sleep_ms(100)
            mv = sorted([read() // 1000 for _ in range(64)])
            levels.append([mv[0], mv[32], mv[63]])
        pwm.duty_u16(65535)
        pilot.append(levels)
except (ImportError, AttributeError, OSError, ValueError, KeyError):
    pilot = []
"""


def judge(config: dict[str, Any], readings: list[list[list[int]]]) -> Iterator[Finding]:
    """What the readings mean; none of a board that cannot measure."""
    for number, (connector, levels) in enumerate(zip(config["connectors"], readings, strict=False), 1):
        yield _connector("pilot" if len(readings) == 1 else f"pilot {number}", connector, *levels)


def _connector(about: str, connector: dict[str, Any], high: list[int], low: list[int]) -> Finding:
    pairs = connector["pilot_calibration"]
    up, down = (_at_pilot(pairs, level[1]) for level in (high, low))
    text = f"{up / 1000:+.1f} V and {down / 1000:+.1f} V where it puts out +12 and -12 V"
    if any(abs(up - car) < _OFF_MV for car in _CAR_MV):
        return Finding(WARNING, about, f"{text}: a car is plugged in", "unplug it and look again")
    if high[1] - low[1] < _SPAN_MV:
        do = "check the wire from pilot_pwm over the driver to pilot_adc, and the driver's two supplies"
        return Finding(ERROR, about, f"it does not follow: {high[1]} and {low[1]} mV at the ADC", do)
    if max(high[2] - high[0], low[2] - low[0]) > _NOISE_MV:
        noise = max(high[2] - high[0], low[2] - low[0])
        text += f", with {noise} mV of noise at the ADC"
        return Finding(WARNING, about, text, "check ground and the filter before the ADC")
    if abs(up - 12000) > _OFF_MV or abs(down + 12000) > _OFF_MV:
        return Finding(ERROR, about, text, "measure it with a voltmeter: `pilotwire calibrate`, docs/bring-up.md")
    return Finding(OK, about, text)


def _at_pilot(pairs: list[list[int]], mv: int) -> int:
    """mV at the pilot for mV at the ADC, as port/board.py takes it from the calibration."""
    at = next((i for i in range(1, len(pairs) - 1) if mv <= pairs[i][0]), len(pairs) - 1)
    (x, y), (x2, y2) = pairs[at - 1], pairs[at]
    return y + (mv - x) * (y2 - y) // (x2 - x)
