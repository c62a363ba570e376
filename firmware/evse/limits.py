"""Limit slots: each part of the charger owns one, the smallest active one is what may flow.

`set` is for the slow path, `put` (by index) for the safety step, which must not allocate. Values
are mA; None makes a slot inactive. With no active slot nothing may flow.

    limits.set("load", 10000, "house", 60)      holds for 60 s: when nobody says more, `fallback_ma` takes its place
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


SLOTS = ("board", "cable", "ocpp", "user", "temperature", "load")
_LOAD = const(5)
_MAX_MA = const(1000000)  # keeps every value a small int, whatever a server sends
_MAX_S = const(86400)


class Limits:
    """Slots with reasons."""

    def __init__(self):
        self.changes = 0
        self.fallback_ma = 6000  # what load management that fell silent leaves
        self._ma = [-1] * len(SLOTS)
        self._reasons = [""] * len(SLOTS)
        self._left_ms = 0  # until the load slot falls back, 0 = never

    def set(self, slot, ma, reason="", valid_s=0):
        """Set a slot by name to ma >= 0, or to None; ValueError for an unknown slot. Only "load" can run out."""
        if slot not in SLOTS:
            raise ValueError("no limit slot " + str(slot))
        if ma is None:
            ma = -1
        elif ma < 0:
            raise ValueError("limit below zero")
        if slot == SLOTS[_LOAD]:
            self._left_ms = min(valid_s, _MAX_S) * 1000 if ma >= 0 else 0
        self.put(SLOTS.index(slot), ma if ma < _MAX_MA else _MAX_MA, reason)

    def put(self, index, ma, reason):
        """Set a slot by index, -1 for inactive; allocation-free."""
        if self._ma[index] == ma and self._reasons[index] == reason:
            return
        self._reasons[index] = reason
        self._ma[index] = ma
        # Last, since the safety step may come between any two of these lines.
        self.changes = (self.changes + 1) & 0x3FFFFFFF

    def step(self, dt_ms):
        """Let time pass; allocation-free."""
        if self._left_ms > 0:
            self._left_ms -= dt_ms
            if self._left_ms <= 0:
                self.put(_LOAD, self.fallback_ma, "silent")

    def lowest_ma(self):
        """The smallest active limit, 0 if there is none; allocation-free."""
        lowest = -1
        for ma in self._ma:
            if ma >= 0 and (lowest < 0 or ma < lowest):
                lowest = ma
        return lowest if lowest >= 0 else 0

    def items(self):
        """The active slots as [(slot, mA, reason)]."""
        return [(SLOTS[i], self._ma[i], self._reasons[i]) for i in range(len(SLOTS)) if self._ma[i] >= 0]
