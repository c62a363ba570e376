"""Limit slots: each part of the charger owns one, the smallest active one is what may flow.

`set` is for the slow path, `put` (by index) for the safety step, which must not allocate. Values
are mA; None makes a slot inactive. With no active slot nothing may flow.
"""

SLOTS = ("board", "cable", "ocpp", "user", "temperature", "load")
_MAX_MA = 1000000  # keeps every value a small int, whatever a server sends


class Limits:
    """Slots with reasons."""

    def __init__(self):
        self.changes = 0
        self._ma = [-1] * len(SLOTS)
        self._reasons = [""] * len(SLOTS)

    def set(self, slot, ma, reason=""):
        """Set a slot by name to ma >= 0, or to None; ValueError for an unknown slot."""
        if slot not in SLOTS:
            raise ValueError("no limit slot " + str(slot))
        if ma is None:
            ma = -1
        elif ma < 0:
            raise ValueError("limit below zero")
        self.put(SLOTS.index(slot), ma if ma < _MAX_MA else _MAX_MA, reason)

    def put(self, index, ma, reason):
        """Set a slot by index, -1 for inactive; allocation-free."""
        if self._ma[index] == ma and self._reasons[index] == reason:
            return
        self._reasons[index] = reason
        self._ma[index] = ma
        # Last, since the safety step may come between any two of these lines.
        self.changes = (self.changes + 1) & 0x3FFFFFFF

    def lowest_ma(self):
        """The smallest active limit, 0 if there is none; allocation-free."""
        lowest = -1
        for ma in self._ma:
            if ma >= 0 and (lowest < 0 or ma < lowest):
                lowest = ma
        return lowest if lowest >= 0 else 0

    def get(self):
        """(mA, slot) of the smallest active slot; the first wins a tie; (0, "") without any."""
        lowest = self.lowest_ma()
        for i in range(len(SLOTS)):
            if self._ma[i] == lowest:
                return lowest, SLOTS[i]
        return 0, ""

    def items(self):
        """The active slots as [(slot, mA, reason)]."""
        return [(SLOTS[i], self._ma[i], self._reasons[i]) for i in range(len(SLOTS)) if self._ma[i] >= 0]
