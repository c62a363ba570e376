"""Register, power, currents and voltages of a meter that is asked for them; in place of evse/meter.py.

    meter = Readings(start_wh)      given to Connector; whoever asks the meter calls take() with what it said

The register never falls: a meter that was replaced goes on where the one before it ended.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_SILENT_MS = const(10000)
_AFTER_MS = const(5000)  # what it says so long after the contactor opened is still from before
_BEHIND_MS = const(2000)  # an answer of half a second, and a register that the meter itself renews each second
_STRAY_W = const(50)
_CAP_MS = const(100000)


class Readings:
    """What the meter of one connector said last, and whether that can be."""

    def __init__(self, start_wh=0):
        self.energy_wh = start_wh
        self.power_w = 0
        self.currents_ma = None  # [L1, L2, L3]
        self.voltages_mv = None
        self.current_ma = None  # of the phase with the most
        self.stray = False
        self.silent = False
        self.behind = False  # what flowed last may not be in it yet
        self._offset_wh = None
        self._age_ms = 0
        self._dead_ms = 0

    def take(self, energy_wh, power_w, currents_ma, voltages_mv):
        """An answer of the meter; the lists are kept."""
        if self._offset_wh is None:
            self._offset_wh = self.energy_wh - energy_wh if energy_wh < self.energy_wh else 0
        if energy_wh + self._offset_wh > self.energy_wh:
            self.energy_wh = energy_wh + self._offset_wh
        self.power_w = power_w if power_w > 0 else 0
        self.currents_ma = currents_ma
        self.voltages_mv = voltages_mv
        self.current_ma = max(currents_ma)
        self._age_ms = 0

    def step(self, dt_ms, pulses, live=True, asked=False):
        """As the step of a Meter; the pulses are not for us."""
        if self._age_ms < _CAP_MS:
            self._age_ms += dt_ms
        if live:
            self._dead_ms = 0
        elif self._dead_ms < _CAP_MS:
            self._dead_ms += dt_ms
        self.behind = self._dead_ms - self._age_ms < _BEHIND_MS
        self.silent = self._age_ms >= _SILENT_MS
        self.stray = self._dead_ms >= _AFTER_MS and self.power_w >= _STRAY_W
        if self.silent:
            self.power_w = 0
            self.current_ma = None
