"""Pins and PWM of the chip; a part of the stand-in `machine`."""

import sys
import time

import wire
from micropython import const

INPUT_ONLY = const(34)
_NO_PINS = (6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31)  # six carry the flash, the others are not there
NOT_GIVEN = object()  # not `*value`: the tuple would be garbage that the chip does not make
_levels = bytearray(40)
_modes = bytearray(40)
_pulls = bytearray(40)


def whole(x):
    if not isinstance(x, int):
        raise TypeError("can't convert %s to int" % type(x).__name__)
    return int(x)


def pin_id(pin):
    if isinstance(pin, Pin):
        return pin._id
    if not isinstance(pin, int) or not 0 <= pin < 40 or pin in _NO_PINS:
        raise ValueError("invalid pin")
    return pin


class Pin:
    IN = const(1)
    OUT = const(3)
    OPEN_DRAIN = const(7)
    PULL_DOWN = const(1)
    PULL_UP = const(2)
    IRQ_RISING = const(1)
    IRQ_FALLING = const(2)
    WAKE_LOW = const(4)
    WAKE_HIGH = const(5)
    DRIVE_0 = const(0)
    DRIVE_1 = const(1)
    DRIVE_2 = const(2)
    DRIVE_3 = const(3)

    def __init__(self, id, *args, **kwargs):
        self._id = pin_id(id)
        self._wire = wire.pins.get(self._id)
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if value is not None:
            _levels[self._id] = 1 if value else 0
        if mode is not None:
            mode = whole(mode)
            if mode & 2 and self._id >= INPUT_ONLY:
                raise ValueError("pin can only be input")
            _modes[self._id] = mode
        if pull != -1:
            _pulls[self._id] = 0 if pull is None else whole(pull)
        if _modes[self._id] & 2:
            self._drive()

    def _drive(self):
        if self._wire:
            name, k = self._wire
            on = _levels[self._id]
            if name in wire.station.get("active_low", _ACTIVE_LOW):
                on ^= 1
            if name == "contactor":
                wire.output(k, wire.RELAY, on)
            elif name == "contactor2":
                wire.output(k, wire.RELAY2, on)
            elif name == "lock":
                if on or "unlock" not in wire.connectors[k]:  # a motor stays where it was driven to
                    wire.output(k, wire.LOCK, on)
            elif name == "unlock":
                if on:
                    wire.output(k, wire.LOCK, 0)
            elif name == "pilot_switch":
                wire.output(k, wire.CUT, on)
            elif name == "rcd_test":
                wire.output(k, wire.RCD_TEST, on)
            elif name == "pilot_pwm":  # a plain pin on the pilot: steady +12 or -12 V
                wire.output(k, wire.PWM, (1000 << 16) | (65535 if _levels[self._id] else 0))
            elif name == "led":
                wire.outputs[wire.LED] = on

    def value(self, value=NOT_GIVEN):
        if value is not NOT_GIVEN:
            _levels[self._id] = 1 if value else 0
            if _modes[self._id] & 2:
                self._drive()
            return None
        if _modes[self._id] & 2:
            return _levels[self._id]
        return self._read()

    __call__ = value

    def _read(self):
        if not self._wire:
            return 1 if _pulls[self._id] & 2 else 0
        name, k = self._wire
        if name == "contactor_feedback":
            on = wire.read(k, wire.FEEDBACK)
            if wire.connectors[k].get("feedback") == "optocoupler":
                # Conducts in one half-wave, to ground against a pull-up.
                return 0 if on and time.virtual_ms() % 20 < 10 else 1
        elif name == "lock_feedback":
            on = wire.read(k, wire.LOCKED)
        elif name == "rcd":
            on = wire.read(k, wire.RCD)
        elif name == "earth":
            on = wire.read(k, wire.OPEN_PE)
        elif name == "s0":  # open collector against a pull-up; pulses are shorter than a look
            return 1
        elif name == "button" or name == "emergency" or name == "tamper":
            wire.refresh()
            i = (
                wire.BUTTON
                if name == "button"
                else wire.EMERGENCY
                if name == "emergency"
                else wire.TAMPER
            )
            on = wire.inputs[i]
        else:
            return 1 if _pulls[self._id] & 2 else 0
        return on ^ 1 if name in wire.station.get("active_low", _ACTIVE_LOW) else on

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(_levels[self._id] ^ 1)

    def irq(self, handler=None, trigger=3, wake=None):
        """Looked at each 10 ms: an edge that is gone again by then is seen only on a pulse input."""
        return _Irq(self, handler, whole(trigger))

    def __repr__(self):
        return "Pin(%d)" % self._id


_ACTIVE_LOW = ("button",)


def soft(callback, argument):
    """As the chip's scheduler: an exception is printed and everything goes on."""
    try:
        callback(argument)
    except (Exception, SystemExit) as error:
        sys.print_exception(error)


class Signal:
    """A pin that is active at 0 or at 1."""

    def __init__(self, pin, *, invert=False):
        if not isinstance(pin, Pin):
            raise TypeError("Signal needs a Pin")
        self._pin = pin
        self._invert = 1 if invert else 0

    def value(self, value=NOT_GIVEN):
        if value is NOT_GIVEN:
            return self._pin.value() ^ self._invert
        self._pin.value((1 if value else 0) ^ self._invert)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class _Irq:
    _all = {}

    def __init__(self, pin, handler, trigger):
        old = self._all.pop(pin._id, None)
        if old:
            time.cancel(old._timer)
        self._pin = pin
        self._handler = handler
        self._trigger = trigger
        self._seen = self._look()
        if handler:
            self._all[pin._id] = self
            self._timer = time.every(10, self._poll)

    def _look(self):
        w = self._pin._wire
        return wire.read(w[1], wire.PULSES) if w and w[0] == "s0" else self._pin.value()

    def _poll(self, _):
        now = self._look()
        if now == self._seen:
            return
        n = now - self._seen
        self._seen = now
        if now > 1 or n > 1:
            for _ in range(min(n, 8)):  # the scheduler's queue holds eight, the others are lost
                soft(self._handler, self._pin)
        elif self._trigger & (1 if n > 0 else 2):
            soft(self._handler, self._pin)

    def trigger(self, *trigger):
        if trigger:
            self._trigger = trigger[0]
        return self._trigger


class PWM:
    def __init__(self, dest, freq=-1, *, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        self._id = pin_id(dest)
        if self._id >= INPUT_ONLY:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        self._wire = wire.pins.get(self._id)
        self._freq = 5000
        self._duty = 32768
        self._live = True
        self.init(freq, duty=duty, duty_u16=duty_u16, duty_ns=duty_ns, invert=invert)

    def init(self, freq=-1, *, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        freq, duty, duty_u16, duty_ns = whole(freq), whole(duty), whole(duty_u16), whole(duty_ns)
        self._live = True
        self._invert = invert
        if freq != -1:
            self._set_freq(freq)
        if duty_u16 >= 0:
            self._check(duty_u16)
        elif duty >= 0:
            if duty > 1023:
                raise ValueError("duty must be from 0 to 1023")
            self._duty = duty * 65535 // 1023
        elif duty_ns >= 0:
            self._check(duty_ns * self._freq * 65536 // 1000000000)
        self._drive()

    def _set_freq(self, freq):
        if not 1 <= freq <= 40000000:
            raise ValueError("frequency must be from 1Hz to 40MHz")
        self._freq = freq

    def _check(self, duty):
        if not 0 <= duty <= 65535:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._duty = duty

    def _drive(self):
        if not self._live:
            raise RuntimeError("PWM is inactive")
        if self._wire and self._wire[0] == "pilot_pwm":
            duty = 65535 - self._duty if self._invert else self._duty
            wire.output(self._wire[1], wire.PWM, duty | (self._freq << 16))

    def freq(self, freq=NOT_GIVEN):
        if freq is NOT_GIVEN:
            return self._freq
        self._set_freq(whole(freq))
        self._drive()

    def duty_u16(self, duty=NOT_GIVEN):
        if duty is NOT_GIVEN:
            return self._duty
        self._check(whole(duty))
        self._drive()

    def duty(self, duty=NOT_GIVEN):
        if duty is NOT_GIVEN:
            return self._duty * 1023 // 65535
        if not 0 <= whole(duty) <= 1023:
            raise ValueError("duty must be from 0 to 1023")
        self._duty = duty * 65535 // 1023
        self._drive()

    def deinit(self):
        """The pin goes low, which a pilot driver turns into -12 V."""
        if self._live and self._wire and self._wire[0] == "pilot_pwm":
            wire.output(self._wire[1], wire.PWM, self._freq << 16)
        self._live = False
