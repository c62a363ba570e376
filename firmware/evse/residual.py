"""Self-test of the residual-current monitor: loaded only where the board has its test input.

Runs with no car there and the contactor open: after the start, after each session, and at least every 24 hours. The monitor
must trip within 500 ms and be ready again within 2 s.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_DAY_MS = const(86400000)
_IDLE_MS = const(1000)
_TRIP_MS = const(500)
_READY_MS = const(2000)
_BLIND_MS = const(100)  # what the monitor says right after its test is still the test


class SelfTest:
    """`on` is for the test input; while `running` the monitor's output is the test's."""

    def __init__(self):
        self.on = False
        self.running = False
        self.failed = False
        self.passed = 0  # tests
        self._due = True
        self._age_ms = 0  # since the last test
        self._ms = 0  # in this phase

    def clear(self):
        """Forget a failure, and test again."""
        self.failed = False
        self._due = True

    def step(self, dt_ms, idle, session, tripped):
        """idle: no car, contactor open. session: the contacts are live. Allocation-free."""
        self._ms += dt_ms
        if session:
            self._due = True
        if not self.running:
            if self._age_ms < _DAY_MS:
                self._age_ms += dt_ms
            if not idle or tripped or not (self._due or self._age_ms >= _DAY_MS):
                self._ms = 0
            elif self._ms >= _IDLE_MS:
                self.running = self.on = True
                self._ms = 0
        elif self.on:
            if tripped or session or self._ms >= _TRIP_MS:  # nothing is tested on contacts that have become live
                self.failed = not (tripped or session)
                self.on = False
                self._ms = 0
        elif self._ms >= _READY_MS or (not tripped and self._ms >= _BLIND_MS):
            if tripped:
                self.failed = True
            elif not self.failed:
                self.passed += 1
            self.running = self._due = False
            self._age_ms = self._ms = 0
