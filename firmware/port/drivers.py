"""Drivers that few boards have; loaded only by those."""

import time

from machine import Pin
from micropython import const

_MOTOR_MS = const(600)  # the most that a lock's motor is driven
_MAINS_STEPS = const(3)  # without an edge: 60 ms, three periods


class Pulses:
    """Pulse counter in software, for chips without one in hardware: no debounce, drops at a stall."""

    def __init__(self, pin):
        self._n = 0
        pin.irq(self._count, Pin.IRQ_FALLING)

    def _count(self, pin):
        self._n = (self._n + 1) & 0x3FFFFFFF

    def value(self):
        return self._n


class Mains:
    """Optocouplers behind the contacts: edges while there is voltage. Asked once a step."""

    def __init__(self, pin):
        self._pulses = Pulses(pin)
        self._seen = 0
        self._quiet = _MAINS_STEPS

    def present(self):
        n = self._pulses.value()
        if n != self._seen:
            self._seen = n
            self._quiet = 0
        elif self._quiet < _MAINS_STEPS:
            self._quiet += 1
        return self._quiet < _MAINS_STEPS


class Motor:
    """Lock that is driven either way for a moment: until its feedback agrees, or 600 ms."""

    def __init__(self, close, open, feedback):
        self._close = close
        self._open = open
        self._feedback = feedback
        self._on = False
        self._since = None

    def drive(self, on):
        self._on = on
        self._since = time.ticks_ms()  # type: ignore
        self._close(on)
        self._open(not on)

    def locked(self):
        """The feedback; asked once a step, so this also ends the drive."""
        locked = self._feedback()
        if self._since is not None:
            if locked == self._on or time.ticks_diff(time.ticks_ms(), self._since) >= _MOTOR_MS:  # type: ignore
                self._since = None
                self._close(False)
                self._open(False)
        return locked
