"""Simulated UTC for the central system, so that both ends of a simulated session share one clock.

Without it the answers to BootNotification and Heartbeat would set the box's clock back to real time
while its own runs sixty times as fast.
"""

from __future__ import annotations

import time
from typing import Protocol


class Simulated(Protocol):
    """Something with simulated time: `pilotwire.sim.Supervisor`."""

    @property
    def time_ms(self) -> int: ...


class SimulatedClock:
    """Seconds since 1970 that follow a supervisor as soon as there is one; call it for the time."""

    def __init__(self) -> None:
        self._start = time.time()
        self._box: Simulated | None = None

    def follow(self, box: Simulated) -> None:
        """Its time is ours from now on."""
        self._box = box

    @property
    def ms(self) -> int:
        """Simulated milliseconds since the run began."""
        return 0 if self._box is None else self._box.time_ms

    def __call__(self) -> float:
        """UTC in seconds since 1970."""
        return self._start + self.ms / 1000
