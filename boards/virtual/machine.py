"""Stand-in for the ESP32's machine module: refuses what the chip refuses, asks `wire` for the world."""

import time

import wire
from chip_adc import ADC
from chip_pins import PWM, Pin, Signal
from chip_serial import UART, Counter
from chip_time import RTC, WDT, Timer
from micropython import const

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

cause = PWRON_RESET  # set by child.py


def reset_cause():
    return cause


def reset():
    """Does not return."""
    wire.halt(HARD_RESET)


def soft_reset():
    raise SystemExit


def freq(*hz):
    global _freq
    if not hz:
        return _freq
    if hz[0] not in (20000000, 40000000, 80000000, 160000000, 240000000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _freq = hz[0]


_freq = 160000000


def unique_id():
    return b"\x24\x0a\xc4\x00\x00\x01"


def idle():
    time.sleep_ms(1)


def disable_irq():
    return 0


def enable_irq(state):
    pass
