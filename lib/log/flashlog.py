"""Where a log is kept: Log(kept=FlashLog(ledger, clock)). In a ledger, whose oldest lines make room for new ones.

Wear is bounded: lines take from a budget of bytes that grows while prepare() is called. What exceeds it is not kept, and counted.
No line erases flash by itself as long as prepare() is called when a stall does no harm.

A record is a version byte, a stamp (4 bytes: UTC in seconds since 2000, or seconds since the start with the top bit set) and
the line. What else lies in the sectors may be dropped.
"""

from struct import pack

from ledger import LedgerError
from micropython import const

LINE = const(16)  # public: kind of the record
UPTIME = const(0x80000000)  # public
_VERSION = const(1)
_HEAD = const(36)  # bytes of flash that a line takes besides its own, at most
_BUDGET = const(3840)  # what a sector holds at least, which is erased ahead
_ERRORS = const(2048)  # beyond it, for errors only
_REFILL = const(43)  # bytes a call of prepare(), which comes each 5 s: 0.5 KB a minute, an erase each 8


class FlashLog:
    """`lost`: lines that were not kept."""

    def __init__(self, ledger, clock):
        self.ledger = ledger
        self.lost = 0
        self._clock = clock
        self._budget = _BUDGET

    def prepare(self):
        """Erase ahead; True if it did. To be called about each 5 s while nothing must be disturbed."""
        self._budget = min(self._budget + _REFILL, _BUDGET)
        return self.ledger.prepare()

    def keep(self, line):
        """Keep a line of a Log; never fails."""
        left = self._budget - len(line) - _HEAD
        if left < (-_ERRORS if line[0] == "E" else 0):
            self.lost += 1
            return
        self._budget = left
        stamp = self._clock.utc()
        if stamp is None:
            stamp = self._clock.uptime_s() | UPTIME
        try:
            self.ledger.append(LINE, pack("<BI", _VERSION, stamp) + line.encode())
        except (LedgerError, OSError, MemoryError):
            self.lost += 1
