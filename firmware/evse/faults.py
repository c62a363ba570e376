"""Every fault in one table: how long a cause must last, and how the fault ends.

Causes come in as a bit mask, one bit per name. The first active one in the order of NAMES, worst first, names the state.
docs/board.md has the same table in words; tests/host/test_faults.py compares the two.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


NAMES = (
    "emergency",
    "open_pe",
    "rcd",
    "weld",
    "no_close",
    "short",
    "diode",
    "over_current",
    "temperature",
    "cable",
    "lock",
    "meter",
    "tamper",
)

# How it ends: 0 when its cause has been gone for the time below; 1 when it is gone and the car is too; 2 when it is gone and
# somebody asked for it, which a restart is not: the caller keeps `latched` over one.
_UNPLUG = const(1)
_WIDTH = const(4)
# Per name: cause lasts, gone for (20 ms each), how it ends, does the allowance to charge end with it.
_ROWS = (
    b"\x00\x32\x00\x01"  # emergency
    b"\x00\x32\x00\x01"  # open_pe
    b"\x00\x32\x02\x01"  # rcd
    b"\x00\x00\x02\x01"  # weld
    b"\x00\x00\x01\x00"  # no_close
    b"\x05\x32\x00\x00"  # short
    b"\x00\x00\x01\x00"  # diode
    b"\x00\x32\x01\x00"  # over_current
    b"\x19\x32\x00\x00"  # temperature
    b"\x19\x19\x00\x00"  # cable
    b"\x00\x00\x00\x00"  # lock
    b"\xfa\x32\x00\x00"  # meter
    b"\x00\x32\x00\x01"  # tamper
)
_LATCHING = const(1 << 2 | 1 << 3)  # the rows with _RESET
_UNIT_MS = const(20)
_CAP_MS = const(100000)
_RESET_MS = const(2000)  # some causes must be gone for a second


class Faults:
    """Active faults of one connector."""

    def __init__(self, latched=0):
        self.active = latched & _LATCHING
        self.latched = 0  # those of the active ones that a restart must not clear
        self.name = None
        self.ends_allowance = False
        self._last_causes = 0
        self._ms = [0] * len(NAMES)  # how long each cause is as it is now
        self._reset_ms = 0
        self._explain()

    def reset(self):
        """Let latched faults go whose cause is gone, or will be within two seconds."""
        self._reset_ms = _RESET_MS

    def step(self, dt_ms, causes, unplugged):
        """Bring the active faults up to date; allocation-free."""
        if causes == 0 and self.active == 0 and self._last_causes == 0:
            self._reset_ms = 0
            return
        for i in range(len(NAMES)):
            mask = 1 << i
            if (causes ^ self._last_causes) & mask:
                self._ms[i] = 0
            elif self._ms[i] < _CAP_MS:
                self._ms[i] += dt_ms
            row = i * _WIDTH
            if causes & mask:
                if self._ms[i] >= _ROWS[row] * _UNIT_MS:
                    self.active |= mask
            elif self.active & mask and self._ms[i] >= _ROWS[row + 1] * _UNIT_MS:
                end = _ROWS[row + 2]
                if end == 0 or (end == _UNPLUG and unplugged) or self._reset_ms > 0:
                    self.active &= ~mask
        self._last_causes = causes
        self._reset_ms -= dt_ms if self._reset_ms > 0 else 0
        self._explain()

    def _explain(self):
        self.latched = self.active & _LATCHING
        self.name = None
        self.ends_allowance = False
        for i in range(len(NAMES) - 1, -1, -1):
            if self.active >> i & 1:
                self.name = NAMES[i]
                if _ROWS[i * _WIDTH + 3]:
                    self.ends_allowance = True
