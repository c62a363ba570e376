"""Switching between one and three phases with a second contactor for L2 and L3: loaded only where the board has one.

Both contactors open and close together; whether the second takes part changes only while they are open. The car must not see
phases come and go: with one there its pilot is interrupted for a minute (some cars need 45 s, a few were damaged without it).
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_OPEN_MS = const(100)  # after the contactors
_CUT_MS = const(60000)
_SETTLE_MS = const(500)


class PhaseSwitch:
    """`three`: L2 and L3 take part; `wanted` is for the slow path. `hold` for the pilot: 0 nothing, 1 X1, 2 be cut off."""

    def __init__(self):
        self.wanted = 3
        self.three = True
        self.hold = 0
        self._ms = 0
        self._done = True

    def step(self, dt_ms, dead, plugged):
        """dead: the contactors are open. Allocation-free."""
        three = self.wanted == 3
        if self._done and three == self.three:
            self.hold = 0
            return
        if self._done:  # begin: withdraw first
            self._done = False
            self._ms = 0
            self.hold = 1
        if not dead:
            self._ms = 0
            return
        self._ms += dt_ms
        if self._ms < _OPEN_MS:
            return
        if self.hold == 1:
            self.hold = 2
            self.three = three
            self._ms = _OPEN_MS
        elif self._ms >= (_CUT_MS if plugged else _SETTLE_MS):
            self._done = True
            self.hold = 0
