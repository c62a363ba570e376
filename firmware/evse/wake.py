"""Waking a car that sleeps: loaded only where it is switched on.

A car that was offered current and does not ask for it is given what a fresh plug would give: the PWM goes away for a while
(IEC 61851-1 A.5.3), then, where the board has a switch in the pilot's line, the pilot itself. After that it is left alone until
it is unplugged or asks.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_X1 = const(1)
_CUT = const(2)
# s of waiting, s of what is then done, what
_TRIES = ((90, 4, _X1), (30, 4, _CUT), (30, 30, _CUT))


class WakeUp:
    """`hold` is what the pilot is to do: 0 nothing, 1 X1, 2 be cut off."""

    def __init__(self, can_cut):
        self.hold = 0
        self._tries = len(_TRIES) if can_cut else 1
        self._try = 0
        self._ms = 0

    def step(self, dt_ms, waits, gone):
        """waits: plugged, offered, not asking. gone: unplugged, or asks. Allocation-free."""
        if self.hold:
            self._ms += dt_ms
            if self._ms >= _TRIES[self._try][1] * 1000:
                self._ms = self.hold = 0
                self._try += 1
        elif gone:
            self._try = self._ms = 0
        elif waits and self._try < self._tries:
            self._ms += dt_ms
            if self._ms >= _TRIES[self._try][0] * 1000:
                self._ms = 0
                self.hold = _TRIES[self._try][2]
        else:
            self._ms = 0
