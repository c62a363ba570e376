# Availability as the central system ordered it: operative or not, per connector and for the station, kept over everything
# (STAT-09), changes that wait for the end of a transaction included (AVAIL-06).
#
# File: version, inoperative bits, scheduled bits; bit 0 is the station, bit n connector n. Under 128 bytes: costs no erase.
_FILE = "availability"
_VERSION = 1


class Availability:
    def __init__(self, store):
        self._store = store
        self._inoperative = 0
        self._scheduled = 0  # becomes inoperative once the connector is no longer in use
        data = store.read(_FILE)
        if data and len(data) == 5 and data[0] == _VERSION:
            self._inoperative = data[1] | data[2] << 8
            self._scheduled = data[3] | data[4] << 8

    def inoperative(self, number):
        return bool(self._inoperative >> number & 1)

    def change(self, number, operative, busy):
        """ChangeAvailability; `busy` has the bits of connectors in use. True when something has to wait."""
        targets = ~0 if number == 0 else 1 << number
        if operative:
            return self._save(self._inoperative & ~targets, self._scheduled & ~targets)
        waiting = targets & busy & ~1
        self._save(self._inoperative | targets & ~busy, self._scheduled | waiting & ~self._inoperative)
        return bool(waiting & ~self._inoperative)

    def free(self, number):
        """Connector `number` is no longer in use: what was scheduled takes effect."""
        bit = 1 << number
        if self._scheduled & bit:
            self._save(self._inoperative | bit, self._scheduled & ~bit)

    def _save(self, inoperative, scheduled):
        inoperative &= 0xFFFF
        scheduled &= 0xFFFF & ~inoperative
        if inoperative != self._inoperative or scheduled != self._scheduled:
            self._inoperative, self._scheduled = inoperative, scheduled
            self._store.write(
                _FILE,
                bytes((_VERSION, inoperative & 255, inoperative >> 8, scheduled & 255, scheduled >> 8)),
            )
        return False
