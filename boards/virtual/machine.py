"""Stand-in for the ESP32's machine module: refuses what the chip refuses, asks `wire` for the world."""

import io
import struct
import sys
import time

import wire
from micropython import const

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

_INPUT_ONLY = const(34)
_ADC1_FIRST = const(32)
_NO_PINS = (
    6,
    7,
    8,
    9,
    10,
    11,
    20,
    24,
    28,
    29,
    30,
    31,
)  # six carry the flash, the others are not there
_ADC2_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)

cause = PWRON_RESET  # set by child.py
rtc_file = (
    None  # open file that outlives a reset, loses its content with the power; set by child.py
)
world_ms = 0  # age of the world when this process started; set by child.py
_NOT_GIVEN = object()  # not `*value`: the tuple would be garbage that the chip does not make
_levels = bytearray(40)
_modes = bytearray(40)
_pulls = bytearray(40)


def _int(x):
    if not isinstance(x, int):
        raise TypeError("can't convert %s to int" % type(x).__name__)
    return int(x)


def _pin_id(pin):
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
        self._id = _pin_id(id)
        self._wire = wire.pins.get(self._id)
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if value is not None:
            _levels[self._id] = 1 if value else 0
        if mode is not None:
            mode = _int(mode)
            if mode & 2 and self._id >= _INPUT_ONLY:
                raise ValueError("pin can only be input")
            _modes[self._id] = mode
        if pull != -1:
            _pulls[self._id] = 0 if pull is None else _int(pull)
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
            elif name == "lock":
                wire.output(k, wire.LOCK, on)
            elif name == "rcd_test":
                wire.output(k, wire.RCD_TEST, on)
            elif name == "pilot_pwm":  # a plain pin on the pilot: steady +12 or -12 V
                wire.output(k, wire.PWM, (1000 << 16) | (65535 if _levels[self._id] else 0))
            elif name == "led":
                wire.outputs[wire.LED] = on

    def value(self, value=_NOT_GIVEN):
        if value is not _NOT_GIVEN:
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
        elif name == "lock_feedback":
            on = wire.read(k, wire.LOCKED)
        elif name == "rcd":
            on = wire.read(k, wire.RCD)
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
        return _Irq(self, handler, _int(trigger))

    def __repr__(self):
        return "Pin(%d)" % self._id


_ACTIVE_LOW = ("button",)


def _soft(callback, argument):
    """As the chip's scheduler: an exception is printed and everything goes on."""
    try:
        callback(argument)
    except (Exception, SystemExit) as error:
        sys.print_exception(error)


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
                _soft(self._handler, self._pin)
        elif self._trigger & (1 if n > 0 else 2):
            _soft(self._handler, self._pin)

    def trigger(self, *trigger):
        if trigger:
            self._trigger = trigger[0]
        return self._trigger


class PWM:
    def __init__(self, dest, freq=-1, *, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        self._id = _pin_id(dest)
        if self._id >= _INPUT_ONLY:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        self._wire = wire.pins.get(self._id)
        self._freq = 5000
        self._duty = 32768
        self._live = True
        self.init(freq, duty=duty, duty_u16=duty_u16, duty_ns=duty_ns, invert=invert)

    def init(self, freq=-1, *, duty=-1, duty_u16=-1, duty_ns=-1, invert=False):
        freq, duty, duty_u16, duty_ns = _int(freq), _int(duty), _int(duty_u16), _int(duty_ns)
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

    def freq(self, freq=_NOT_GIVEN):
        if freq is _NOT_GIVEN:
            return self._freq
        self._set_freq(_int(freq))
        self._drive()

    def duty_u16(self, duty=_NOT_GIVEN):
        if duty is _NOT_GIVEN:
            return self._duty
        self._check(_int(duty))
        self._drive()

    def duty(self, duty=_NOT_GIVEN):
        if duty is _NOT_GIVEN:
            return self._duty * 1023 // 65535
        if not 0 <= _int(duty) <= 1023:
            raise ValueError("duty must be from 0 to 1023")
        self._duty = duty * 65535 // 1023
        self._drive()

    def deinit(self):
        """The pin goes low, which a pilot driver turns into -12 V."""
        if self._live and self._wire and self._wire[0] == "pilot_pwm":
            wire.output(self._wire[1], wire.PWM, self._freq << 16)
        self._live = False


class ADC:
    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, pin, *, atten=3):
        self._id = _pin_id(pin)
        if self._id < _ADC1_FIRST and self._id not in _ADC2_PINS:
            raise ValueError("invalid pin")
        self.init(atten=atten)
        self._name, self._k = wire.pins.get(self._id, ("", 0))
        self._seed = self._id
        self._seen = -1  # virtual ms of the levels below
        self._out = 0
        self._high = self._low = self._duty = 0
        if self._name == "pilot_adc":
            self._pairs = wire.connectors[self._k]["pilot_calibration"]
        elif self._name == "proximity_adc":
            self._up = wire.connectors[self._k]["proximity_pullup_ohm"]
            self._supply = wire.connectors[self._k]["proximity_supply_mv"]

    def init(self, *, atten=3):
        if not 0 <= _int(atten) <= 3:
            raise ValueError("invalid attenuation")
        # Full scale of the four ranges; above it the converter saturates.
        self._full = (1100, 1500, 2200, 3300)[atten]

    atten = lambda self, atten: self.init(atten=atten)

    def width(self, bits):
        if not 9 <= _int(bits) <= 12:
            raise ValueError("invalid bit-width")

    def _look(self):
        """Fetch the levels (mV at the pin) that hold for this virtual millisecond and these outputs."""
        self._duty = 65536
        if self._name == "pilot_adc":
            high, low = wire.read(self._k, wire.HIGH_MV), wire.read(self._k, wire.LOW_MV)
            out = wire.outputs[wire.OUT_CONNECTOR + self._k * wire.OUT_STRIDE + wire.PWM]
            self._out = out
            self._duty = 0 if out < 0 else 65536 if out & 0xFFFF == 65535 else out & 0xFFFF
            self._high, self._low = self._divided(high), self._divided(low)
        elif self._name == "proximity_adc":
            ohm = wire.read(self._k, wire.PROXIMITY_OHM)
            self._high = self._supply if ohm < 0 else self._supply * ohm // (ohm + self._up)
        elif self._name == "temperature_adc":
            c10 = wire.read(0, wire.TEMPERATURE_C10)
            self._high = (
                wire.station["temperature_offset_mv"]
                + c10 * wire.station["temperature_mv_per_c"] // 10
            )
        elif self._id < _ADC1_FIRST and radio_on:
            raise OSError(-263, "ESP_ERR_TIMEOUT")  # ADC2 belongs to the radio
        self._seen = time.virtual_ms() if wire.link else -1

    def _divided(self, mv):
        pairs = self._pairs
        i = 1
        while i < len(pairs) - 1 and mv > pairs[i][1]:
            i += 1
        a, b = pairs[i - 1], pairs[i]
        return a[0] + (mv - a[1]) * (b[0] - a[0]) // (b[1] - a[1])

    def _mv(self):
        if self._seen != time._now:
            self._look()
        elif self._name == "pilot_adc":
            # The box may have changed the duty within this millisecond.
            if wire.outputs[wire.OUT_CONNECTOR + self._k * wire.OUT_STRIDE + wire.PWM] != self._out:
                self._look()
        self._seed = seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
        # A burst is not in step with the PWM: a sample falls anywhere in its period.
        mv = self._high if (seed >> 8) & 0xFFFF < self._duty else self._low
        mv += (seed >> 24) % 7 - 3
        return 0 if mv < 0 else self._full if mv > self._full else mv

    def read(self):
        return self._mv() * 4095 // self._full

    def read_u16(self):
        raw = self.read()
        return (raw << 4) | (raw >> 8)

    def read_uv(self):
        return self._mv() * 1000


radio_on = False  # set by network


class Timer:
    ONE_SHOT = const(0)
    PERIODIC = const(1)

    def __init__(self, id, **kwargs):
        if not 0 <= _int(id) < 4:
            raise ValueError("Timer(%d) doesn't exist, there are only 4 hardware timers" % id)
        self._handle = None
        self._callback = None
        self._call = self._due
        old = _timers_used.get(id)
        if old:
            old.deinit()
        _timers_used[id] = self
        if kwargs:
            self.init(**kwargs)

    def init(self, *, mode=1, callback=None, period=-1, tick_hz=1000, freq=-1, hard=False):
        if hard:
            raise ValueError("hard Timers are not implemented")
        mode, period, tick_hz = _int(mode), _int(period), _int(tick_hz)
        if freq != -1:
            period = int(1000 / freq)
        else:
            period = period * 1000 // tick_hz
        if period < 1:
            raise ValueError("Timer period is too short for this timer")
        self.deinit()
        self._callback = callback
        add = time.every if mode == Timer.PERIODIC else time.once
        self._handle = add(period, self._call)

    def _due(self, _):
        if self._callback:
            _soft(self._callback, self)

    def deinit(self):
        if self._handle:
            time.cancel(self._handle)
            self._handle = None


_timers_used = {}


class WDT:
    """Bites in virtual time; the supervisor bites in real time if the program no longer waits."""

    _handle = None
    _ms = 0

    def __init__(self, id=0, timeout=5000):
        if _int(id):
            raise ValueError()
        if _int(timeout) < 1:
            raise ValueError("WDT timeout too short")
        WDT._ms = wire.outputs[wire.WDT_MS] = timeout
        if WDT._handle is None:
            WDT._handle = time.once(timeout, _bite)
        wire.changed()
        self.feed()

    def feed(self):
        time.again(WDT._handle, WDT._ms)


def _bite(_):
    print("E (%d) task_wdt: Task watchdog got triggered." % time.virtual_ms())
    wire.halt(WDT_RESET)


def restore_rtc():
    """Clock and memory as the last reset left them; both start anew after a power cut."""
    kept = rtc_file.read(8 + 2 + 2048)
    if len(kept) < 8:
        _keep_rtc()
        return
    time.set_rtc(struct.unpack("<q", kept)[0] + world_ms + time.virtual_ms())
    if len(kept) >= 10:
        RTC._memory = kept[10 : 10 + struct.unpack_from("<H", kept, 8)[0]]


def _keep_rtc():
    if rtc_file:
        rtc_file.seek(0)
        rtc_file.write(struct.pack("<q", time.rtc_ms() - time.virtual_ms() - world_ms))


class RTC:
    def __init__(self, id=0):
        pass

    def init(self, t):
        self.datetime(t)

    def datetime(self, *t):
        """(year, month, day, weekday, hour, minute, second, microsecond)."""
        if t:
            y, m, d, _, h, mi, s, us = t[0]
            time.set_rtc(time.mktime((y, m, d, h, mi, s, 0, 0)) * 1000 + us // 1000)
            _keep_rtc()
            return None
        y, m, d, h, mi, s, wd, _ = time.gmtime()
        return y, m, d, wd, h, mi, s, time.rtc_ms() % 1000 * 1000

    def memory(self, *data):
        """2048 bytes that a reset leaves alone."""
        if data:
            data = bytes(data[0])
            if len(data) > 2048:
                raise ValueError("buffer too long")
            RTC._memory = data
            if rtc_file:
                rtc_file.seek(8)
                rtc_file.write(struct.pack("<H", len(data)) + data)
            return None
        return RTC._memory

    _memory = b""


class UART(io.IOBase):
    """The reader's line; what the firmware writes goes nowhere."""

    def __init__(
        self, id, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, **kwargs
    ):
        if not 0 <= _int(id) < 3:
            raise ValueError("UART(%d) does not exist" % id)
        self._rx = bytearray()
        self.init(baudrate, bits, parity, stop, tx=tx, rx=rx, **kwargs)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
        invert=0,
        flow=0,
    ):
        _int(baudrate)
        if bits not in (5, 6, 7, 8):
            raise ValueError("invalid data bits")
        if stop not in (1, 2):
            raise ValueError("invalid stop bits")
        if tx is not None and _pin_id(tx) >= _INPUT_ONLY:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        self._size = _int(rxbuf)
        reader = wire.station.get("rfid")
        if reader and rx is not None and _pin_id(rx) == reader["rx"]:
            wire.on_tag = self._tag

    def _tag(self, tag):
        if len(self._rx) + len(tag) < self._size:
            self._rx.extend(tag + b"\n")

    def deinit(self):
        wire.on_tag = None

    def any(self):
        wire.refresh()
        return len(self._rx)

    def read(self, n=-1):
        size = self.any()
        return self._take(size if n < 0 or n > size else n)

    def readline(self):
        self.any()
        return self._take(self._rx.find(b"\n") + 1 or len(self._rx))

    def readinto(self, buf, n=-1):
        size = min(self.any(), len(buf) if n < 0 else n)
        if not size:
            return None
        buf[:size] = self._take(size)
        return size

    def _take(self, n):
        if not n:
            return None
        data = bytes(self._rx[:n])
        self._rx = self._rx[n:]
        return data

    def write(self, buf):
        return len(buf)

    def ioctl(self, request, argument):
        if request == 3:  # MP_STREAM_POLL
            return argument & (4 | (1 if self.any() else 0))
        return 0 if request == 4 else -22


class Counter:
    """Pulses since its start; only a pin with an S0 meter on it ever counts."""

    RISING = const(1)
    FALLING = const(2)
    UP = const(1)
    DOWN = const(2)

    def __init__(self, id, src=None, *, edge=1, direction=1, filter_ns=0):
        if not 0 <= _int(id) < 8:
            raise ValueError("id")
        _int(filter_ns)
        if src is None:
            raise TypeError("Counter needs a pin")
        self._wire = wire.pins.get(_pin_id(src))
        self._base = 0
        self._base = self._count()

    def _count(self):
        if self._wire and self._wire[0] == "s0":
            return wire.read(self._wire[1], wire.PULSES) - self._base
        return 0

    def value(self, value=_NOT_GIVEN):
        n = self._count()
        if value is not _NOT_GIVEN:
            self._base += n - value
        return n

    def deinit(self):
        self._wire = None


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
