"""Cable of a socket: what its proximity resistor allows (IEC 61851-1 table B.2).

Bands are wide and meet; where two could be meant the lower current is taken. While a cable stays
in, its rating only ever falls: a contact that gets worse must not raise the limit.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_MIN_OHM = const(80)
_OPEN_OHM = const(2460)
_STABLE_MS = const(400)  # the caller may read it only each 200 ms


def rating_ma(ohm):
    """What a cable may carry, 0 for a resistance that no cable has (open, shorted)."""
    if ohm < _MIN_OHM or ohm > _OPEN_OHM:
        return 0
    if ohm <= 140:
        return 63000
    if ohm <= 308:
        return 32000
    return 20000 if ohm <= 936 else 13000


class Cable:
    """Debounced rating of the cable in the socket."""

    def __init__(self):
        self.ma = 0  # 0 while none is in or it is not known yet
        self.inserted = False
        self.invalid = False  # read, but nothing a cable has
        self._candidate = 0
        self._ms = 0

    def step(self, dt_ms, ohm):
        """One reading in ohm; 0 means not read."""
        if ohm == 0:
            return
        seen = rating_ma(ohm)
        self.invalid = seen == 0
        if seen != self._candidate:
            self._candidate = seen
            self._ms = 0
        elif self._ms < _STABLE_MS:
            self._ms += dt_ms if dt_ms < 50 else 50
        if self._ms < _STABLE_MS:
            return
        if seen:
            self.inserted = True
            if self.ma == 0 or seen < self.ma:
                self.ma = seen
        elif ohm > _OPEN_OHM:
            self.inserted = False
            self.ma = 0
