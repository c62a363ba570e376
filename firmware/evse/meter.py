"""S0 pulses to Wh and W, in integers.

The pulse counter of the board starts at 0 with every boot; the register goes on from start_wh.
Power is the pulses of at least two seconds over the time they took, and when pulses stay away it
falls as one pulse over the time waited: what is shown can not be more than that.

Plausibility: pulses while nothing can flow (`stray`), none for half an hour while a car draws (`silent`).
evse/readings.py is the same for meters that tell their register.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_WINDOW_MS = const(2000)
_IDLE_MS = const(120000)  # under 30 W at 1000 pulses/kWh: shown as nothing
_AFTER_MS = const(2000)  # a pulse may come so long after the contactor opened
_STRAY = const(3)  # pulses in a minute
_STRAY_MS = const(60000)
_SILENT_MS = const(1800000)  # 2 W at 1000 pulses/kWh
_MAX_PULSES = const(1000)  # a step; more is a counter gone mad, and would leave the small ints


class Meter:
    """Energy register and power of one connector."""

    def __init__(self, pulses_per_kwh, start_wh=0):
        if not 10 <= pulses_per_kwh <= 10000:
            raise ValueError("pulses per kWh not between 10 and 10000")
        self.energy_wh = start_wh
        self.power_w = 0
        self.current_ma = None  # of the phase with the most, where the meter tells
        self.stray = False
        self.silent = False
        self._per_kwh = pulses_per_kwh
        # Energy of a pulse in mWs, in two parts so that nothing on the way reaches 2^30.
        self._mws = 3600000 // pulses_per_kwh * 1000 + 3600000 % pulses_per_kwh * 1000 // pulses_per_kwh
        self._pulses = 0
        self._rest = 0  # pulses * 1000 that do not make a Wh yet
        self._window_pulses = 0
        self._window_ms = _IDLE_MS
        self._quiet_ms = _IDLE_MS
        self._dead_ms = 0  # since current could last flow
        self._stray = 0
        self._asked_ms = 0

    def step(self, dt_ms, pulses, live=True, asked=False):
        """Take the counter's value, dt_ms after the one before; live: current can flow, asked: a car wants it."""
        new = pulses - self._pulses
        self._pulses = pulses
        if new < 0:  # the counter was restarted
            new = pulses
        if new > _MAX_PULSES:
            new = _MAX_PULSES
        self._judge(dt_ms, new, live, asked)
        if self._window_ms < _IDLE_MS:
            self._window_ms += dt_ms
        if self._quiet_ms < _IDLE_MS:
            self._quiet_ms += dt_ms
        if new:
            self._rest += new * 1000
            self.energy_wh += self._rest // self._per_kwh
            self._rest %= self._per_kwh
            self._measure(new)
        else:
            self._decay(live)

    def _judge(self, dt_ms, new, live, asked):
        if live:
            self._dead_ms = self._stray = 0
            self.stray = False
        else:
            self._dead_ms += dt_ms
            if self._dead_ms >= _AFTER_MS + _STRAY_MS:  # the next minute
                self._dead_ms = _AFTER_MS
                self._stray = 0
            if self._dead_ms >= _AFTER_MS:
                self._stray += new
                self.stray = self._stray >= _STRAY
        if new or not asked:
            self._asked_ms = 0
            self.silent = False
        elif self._asked_ms < _SILENT_MS:
            self._asked_ms += dt_ms
        else:
            self.silent = True

    def _measure(self, new):
        self._window_pulses += new
        if self._quiet_ms >= _IDLE_MS:
            # The first pulse after a long pause says when, not how fast.
            self._window_pulses = 0
            self._window_ms = 0
        elif self._window_ms >= _WINDOW_MS:
            self.power_w = self._over(self._window_pulses, self._window_ms)
            self._window_pulses = 0
            self._window_ms = 0
        self._quiet_ms = 0

    def _decay(self, live):
        if self.power_w and self._quiet_ms:
            if self._quiet_ms >= (_IDLE_MS if live else _WINDOW_MS):
                self.power_w = 0
            else:
                bound = self._over(1, self._quiet_ms)
                if bound < self.power_w:
                    self.power_w = bound

    def _over(self, pulses, ms):
        # n * mWs stays under 2^30 for the rates a meter can have; else divide first.
        if pulses * (self._mws // 1000) < 1000000:
            return pulses * self._mws // ms
        return self._mws // ms * pulses
