"""Lock of a socket: a lock that does not follow is moved back and tried again, then it is a fault."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_WAIT_MS = const(1000)
_BACK_MS = const(400)
_TRIES = const(3)


class Lock:
    """`on` is for the motor or solenoid."""

    def __init__(self):
        self.on = False
        self.failed = False
        self._ms = 0
        self._tries = 0

    def step(self, dt_ms, wanted, locked, live):
        """locked: what the feedback says, None without one. live: never let go. Allocation-free."""
        if locked is None or locked == wanted:
            self._ms = self._tries = 0
        elif self._tries < _TRIES:
            self._ms += dt_ms
            if live and self._ms >= _WAIT_MS:
                self._tries = _TRIES
            elif self._ms >= _WAIT_MS + _BACK_MS:
                self._ms = 0
                self._tries += 1
        self.failed = self._tries >= _TRIES
        self.on = wanted != (not live and not self.failed and self._ms >= _WAIT_MS)
