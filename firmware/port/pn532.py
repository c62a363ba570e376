"""PN532 reader on a UART (HSU): looks for a card (ISO 14443 A) all the time; its UID in hexadecimal is the tag."""

import time

from machine import UART, Pin
from micropython import const

_ACK = const(6)
_AGAIN_MS = const(2000)  # the same card counts once until it has been away for so long
_SILENT_MS = const(3000)
_MAX = const(64)
_HEAD = b"\x00\x00\xff"
_WAKE = b"\x55\x55" + bytes(14)
# Commands in turn: SAMConfiguration (normal mode), RFConfiguration (two tries for a card), then InListPassiveTarget for ever.
_COMMANDS = (b"\x14\x01\x00\x00", b"\x32\x05\xff\x01\x02", b"\x4a\x01\x00")


def frame(body):
    """A frame of the host with this command."""
    size = len(body) + 1
    total = 0xD4
    for byte in body:
        total += byte
    return _HEAD + bytes((size, -size & 0xFF, 0xD4)) + body + bytes((-total & 0xFF, 0))


def take(buf):
    """(body of the first answer in buf or None, how many bytes are done with); acknowledgements and noise are passed over."""
    at = buf.find(_HEAD)
    if at < 0:
        return None, max(0, len(buf) - 2)
    if len(buf) < at + 6:
        return None, at
    size = buf[at + 3]
    if size == 0 or (size + buf[at + 4]) & 0xFF:
        return None, at + (_ACK if size == 0 else 3)
    end = at + 5 + size + 1
    if len(buf) < end:
        return None, at
    total = 0
    for i in range(at + 5, end):
        total += buf[i]
    if total & 0xFF or buf[at + 5] != 0xD5:
        return None, at + 3
    return bytes(buf[at + 6 : end - 1]), end


class Driver:
    """`silent`: the reader does not answer."""

    def __init__(self, config):
        self.silent = False
        self._uart = UART(config["uart"], config["baud"], tx=Pin(config["tx"]), rx=Pin(config["rx"]))
        self._buf = bytearray()
        self._next = 0
        self._asked_ms = None
        self._card = None
        self._seen_ms = 0

    def tag(self):
        """The tag that has come, or None; to be called each 100 ms or so."""
        now = time.ticks_ms()  # type: ignore
        if self._asked_ms is None:
            self._say(now)
            return None
        n = self._uart.any()
        if n:
            self._buf += self._uart.read(min(n, _MAX)) or b""
        while True:
            body, done = take(self._buf)
            self._buf = self._buf[done:]
            if body or not done:
                break
        if body:
            self.silent = False
            self._asked_ms = None
            if body[0] == 0x4B:
                return self._cards(body, now)
            self._next += 1
        elif time.ticks_diff(now, self._asked_ms) >= _SILENT_MS:  # type: ignore
            self.silent = True
            self._next = 0
            self._asked_ms = None
        return None

    def _say(self, now):
        self._asked_ms = now
        self._uart.write((b"" if self._next else _WAKE) + frame(_COMMANDS[self._next]))

    def _cards(self, body, now):
        if len(body) < 7 or body[1] == 0 or len(body) < 7 + body[6]:
            if self._card and time.ticks_diff(now, self._seen_ms) >= _AGAIN_MS:  # type: ignore
                self._card = None
            return None
        card = body[7 : 7 + body[6]]
        known = card == self._card
        self._card = card
        self._seen_ms = now
        if known or not 0 < len(card) <= 10:
            return None
        return "".join(["%02X" % byte for byte in card])
