"""Contactor: when it closes, when it opens, and whether it did.

Opening is for two reasons. The car stopped asking or something is wrong: at once. We no longer
offer current: the pilot says so first (X1), and the contactor follows when the car has left C or
after six seconds, not before, so that it need not break a load.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_GRACE_MS = const(6000)
_RECLOSE_MS = const(5000)
_RECLOSE_FAULT_MS = const(30000)
_SETTLE_MS = const(500)  # coil, arc and mirror contact
_MISMATCH_MS = const(250)


class Contactor:
    """The coil of one connector and what its feedback says."""

    def __init__(self):
        self.closed = False  # what the coil is told
        self.weld = False
        self.no_close = False
        self.cycles = 0  # closings and whole seconds closed, until somebody writes them down and clears them
        self.closed_s = 0
        self._closed_ms = 0
        self._grace_ms = 0  # how long it has been closed without an offer
        self._wait_ms = 0
        self._still_ms = 0
        self._mismatch_ms = 0

    def step(self, dt_ms, may, keep, fault):
        """may: every condition for current holds. keep: the car asks and nothing is wrong."""
        if self._wait_ms > 0:
            self._wait_ms -= dt_ms
        if self._still_ms < _SETTLE_MS:
            self._still_ms += dt_ms
        if not self.closed:
            if may and self._wait_ms <= 0:
                self._switch(True)
                self.cycles += 1
            return
        self._closed_ms += dt_ms
        if self._closed_ms >= 1000:
            self.closed_s += self._closed_ms // 1000
            self._closed_ms %= 1000
        if may:
            self._grace_ms = 0
            return
        if not keep or self._grace_ms >= _GRACE_MS:
            self._switch(False)
            self._wait_ms = _RECLOSE_FAULT_MS if fault else _RECLOSE_MS
        else:
            self._grace_ms += dt_ms  # after the check: X1 goes out in this very step

    def _switch(self, closed):
        self.closed = closed
        self._grace_ms = 0
        self._still_ms = 0
        self._mismatch_ms = 0

    def check(self, dt_ms, feedback):
        """Compare coil and contacts; feedback None is a board that can not see them."""
        if feedback is None:
            return
        if self._still_ms < _SETTLE_MS or feedback == self.closed:
            self._mismatch_ms = 0
            self.weld = False
            self.no_close = False
            return
        if self._mismatch_ms < _MISMATCH_MS:
            self._mismatch_ms += dt_ms
            return
        if feedback:
            self.weld = True
        else:
            self.no_close = True
