"""Temperature: less current above a set point, none above a limit. Loaded only where the board has a sensor.

1 A less each 30 s while it is warmer than the set point, 1 A more each 30 s once it is 5 degrees below.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_HOT_C10 = const(800)
_COOL_C10 = const(700)
_BAND_C10 = const(50)
_STEP_MS = const(30000)
_STEP_MA = const(1000)
_MIN_MA = const(6000)


class Heat:
    """`hot` is a fault, `ma` the limit, -1 for none."""

    def __init__(self, max_ma):
        self.warm_c10 = 650  # the set point
        self.hot = False
        self.ma = -1
        self._max_ma = max_ma
        self._ms = _STEP_MS

    def step(self, dt_ms, c10, lowest_ma):
        """c10: tenths of a degree, None while unknown. lowest_ma: what flows at most now. Allocation-free."""
        if c10 is None:
            return
        if c10 >= _HOT_C10:
            self.hot = True
        elif c10 < _COOL_C10:
            self.hot = False
        if self._ms < _STEP_MS:
            self._ms += dt_ms
            return
        ma = self.ma
        if c10 >= self.warm_c10:
            ma = (lowest_ma if ma < 0 or lowest_ma < ma else ma) - _STEP_MA
            if ma < _MIN_MA:
                ma = _MIN_MA
        elif ma >= 0 and c10 < self.warm_c10 - _BAND_C10:
            ma += _STEP_MA
            if ma >= self._max_ma:
                ma = -1
        if ma != self.ma:
            self.ma = ma
            self._ms = 0
