"""Every fault in one table: how long a cause must last, and how the fault ends.

Causes come in as a bit mask, one bit per row. `SELF` ends when its cause has been gone for the
time in the table, `UNPLUG` when it is gone and the car is too, `RESET` when it is gone and somebody
asked for it (or the charger restarted). The first active row of the table names the fault.
"""

SELF = 0
UNPLUG = 1
RESET = 2

# name, cause lasts ms, gone for ms, how it ends, does the allowance to charge end with it
FAULTS = (
    ("emergency", 0, 1000, SELF, True),
    ("rcd", 0, 1000, RESET, True),
    ("weld", 0, 0, RESET, True),
    ("no_close", 0, 0, UNPLUG, False),
    ("short", 100, 1000, SELF, False),
    ("diode", 0, 0, UNPLUG, False),
    ("over_current", 0, 1000, UNPLUG, False),
    ("temperature", 500, 1000, SELF, False),
    ("cable", 500, 500, SELF, False),
    ("lock", 3000, 0, SELF, False),
    ("meter", 5000, 1000, SELF, False),
)

EMERGENCY = 1 << 0
RCD = 1 << 1
WELD = 1 << 2
NO_CLOSE = 1 << 3
SHORT = 1 << 4
DIODE = 1 << 5
OVER_CURRENT = 1 << 6
TEMPERATURE = 1 << 7
CABLE = 1 << 8
LOCK = 1 << 9
METER = 1 << 10

_CAP_MS = 100000


def bit(name):
    """Bit of a fault by name; ValueError for an unknown one."""
    for i in range(len(FAULTS)):
        if FAULTS[i][0] == name:
            return 1 << i
    raise ValueError("no fault " + str(name))


class Faults:
    """Active faults of one connector."""

    def __init__(self):
        self.active = 0
        self.name = None
        self.ends_allowance = False
        self._last_causes = 0
        self._ms = [0] * len(FAULTS)  # how long each cause is as it is now
        self._reset = False

    def reset(self):
        """Let latched faults go whose cause is gone; takes effect in the next step."""
        self._reset = True

    def step(self, dt_ms, causes, unplugged):
        """Bring the active faults up to date; allocation-free."""
        if causes == 0 and self.active == 0 and self._last_causes == 0:
            self._reset = False
            return
        for i in range(len(FAULTS)):
            self._row(i, dt_ms, causes, unplugged)
        self._last_causes = causes
        self._reset = False
        self._explain()

    def _row(self, i, dt_ms, causes, unplugged):
        mask = 1 << i
        if (causes ^ self._last_causes) & mask:
            self._ms[i] = 0
        elif self._ms[i] < _CAP_MS:
            self._ms[i] += dt_ms
        row = FAULTS[i]
        if causes & mask:
            if self._ms[i] >= row[1]:
                self.active |= mask
        elif self.active & mask and self._ms[i] >= row[2]:
            if row[3] == SELF or (row[3] == UNPLUG and unplugged) or self._reset:
                self.active &= ~mask

    def _explain(self):
        self.name = None
        self.ends_allowance = False
        for i in range(len(FAULTS) - 1, -1, -1):
            if self.active >> i & 1:
                self.name = FAULTS[i][0]
                if FAULTS[i][4]:
                    self.ends_allowance = True
