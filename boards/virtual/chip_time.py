"""Timers, watchdog and real-time clock of the chip; a part of the stand-in `machine`."""

import struct
import time

import wire
from chip_pins import soft, whole
from micropython import const

_WDT_RESET = const(3)

rtc_file = None  # open file that outlives a reset, loses its content with the power; set by child.py
world_ms = 0  # age of the world when this process started; set by child.py


class Timer:
    ONE_SHOT = const(0)
    PERIODIC = const(1)

    def __init__(self, id, **kwargs):
        if not 0 <= whole(id) < 4:
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
        mode, period, tick_hz = whole(mode), whole(period), whole(tick_hz)
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
            soft(self._callback, self)

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
        if whole(id):
            raise ValueError()
        if whole(timeout) < 1:
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
    wire.halt(_WDT_RESET)


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
