"""Time of the chip: ticks that wrap, UTC that may be unknown, and how long we have been up."""

import time

import machine
import ticks
from micropython import const

# 2025-01-01 in seconds since 2000: a clock that shows less was never set. The clock of the chip runs on
# through every reset that is not a power cut.
_SET_AFTER = const(789004800)


class Clock:
    """The clock contract of the app."""

    def __init__(self):
        self._epoch = time.mktime((2000, 1, 1, 0, 0, 0, 0, 0))  # 0 on the chip
        self._seen_ms = self.now_ms()
        self._up_ms = 0
        self._up_s = 0
        self.lent = 0  # seconds that the clock of the chip is ahead of what it would show, see lend()
        self._hold = getattr(time, "hold", None)

    def now_ms(self):
        """0 to 2**30 - 1, wraps; compare with lib/ticks only."""
        return time.ticks_ms() & 0x3FFFFFFF  # type: ignore

    def utc(self):
        """Seconds since 2000-01-01 UTC, or None while nobody has told us."""
        self.uptime_s()
        seconds = int(time.time()) - self._epoch
        return seconds if seconds > _SET_AFTER and not self.lent else None

    def lend(self, seconds):
        """Let the chip show `seconds` to TLS while utc() stays unknown, until lend(None) or set_utc()."""
        shown = int(time.time()) - self._epoch - self.lent
        if seconds is not None:
            self.set_utc(seconds)
            self.lent = seconds - shown
        elif self.lent:
            self.set_utc(shown)

    def set_utc(self, seconds):
        """Set the clock of the chip, which TLS checks certificates against."""
        self.lent = 0
        t = time.gmtime(seconds + self._epoch)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))

    def uptime_s(self):
        """Seconds since the start; right as long as this or utc() is called every six days."""
        now = self.now_ms()
        self._up_ms += ticks.diff(now, self._seen_ms)
        self._seen_ms = now
        self._up_s += self._up_ms // 1000
        self._up_ms %= 1000
        return self._up_s

    def hold(self, n):
        """+1 while a peer is waited for, -1 after: simulated time must not outrun it."""
        if self._hold:
            self._hold(n)
