"""Tag reader on a UART that sends each tag as a line of ASCII."""

from machine import UART, Pin
from micropython import const

_MAX_TAG = const(20)  # CiString20 of OCPP
_CHUNK = const(32)
_BUDGET = const(8)  # chunks a call: a reader that babbles must not hold up the rest


class Driver:
    """Bounded in every way; what is no tag is dropped and counted."""

    def __init__(self, config):
        self.dropped = 0
        # tx is always given: the default of UART 1 is a pin of the flash.
        self._uart = UART(config["uart"], config["baud"], tx=Pin(config["tx"]), rx=Pin(config["rx"]))
        self._chunk = bytearray(_CHUNK)
        self._fill = 0
        self._at = 0
        self._line = bytearray(_MAX_TAG)
        self._length = 0
        self._bad = False

    def tag(self):
        """The next tag, or None if no whole line is there."""
        for _ in range(_BUDGET):
            while self._at < self._fill:
                byte = self._chunk[self._at]
                self._at += 1
                if byte == 10 or byte == 13:
                    tag = self._end()
                    if tag:
                        return tag
                elif self._length < _MAX_TAG and 0x21 <= byte <= 0x7E:
                    self._line[self._length] = byte
                    self._length += 1
                else:
                    self._bad = True
            if not self._uart.any():
                return None
            self._fill = self._uart.readinto(self._chunk) or 0
            self._at = 0
        return None

    def _end(self):
        tag = None
        if self._bad:
            self.dropped += 1
        elif self._length:
            tag = str(memoryview(self._line)[: self._length], "ascii")
        self._length = 0
        self._bad = False
        return tag
