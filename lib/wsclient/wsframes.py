"""WebSocket frames of a client (RFC 6455), without I/O.

    decoder = Decoder(max_message)
    n = socket.readinto(decoder.space()); decoder.received(n)
    decoder.event() -> (kind, payload), or None until more bytes are there

Payloads: str for TEXT, bytes for BINARY, PING and PONG, (code, reason) for CLOSE. A rule broken
by the server raises WebSocketError, before memory is taken for the frame; the decoder is then of
no further use. No bytecode runs per payload byte, except in pieces of text that are not ASCII.

A text whose first frame is large, or not its last, need not be in memory as a whole: choose(its
first 96 bytes) may return a consumer, with take(piece), a memoryview of checked UTF-8 that is cut
anywhere, and `limit`, the most bytes. The payload is what its end() returns then.
"""

import os
import sys

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


TEXT = const(1)
BINARY = const(2)
CLOSE = const(8)
PING = const(9)
PONG = const(10)

_CHUNK = const(512)  # masked at once: three integers of that size are garbage each time
_AT_ONCE = const(256)
_LARGE = const(1024)  # more than the buffer holds
_PEEK = const(96)  # bytes that choose() gets to see


class WebSocketError(Exception):
    """The server broke a rule; args: the close code to send, and the rule in words."""


def encode(kind, payload, last=True):
    """One masked frame of `payload` (bytes), header included, for a single write."""
    n = len(payload)
    if last:
        kind |= 0x80
    if n < 126:
        head = bytes((kind, 0x80 | n))
    elif n < 65536:
        head = bytes((kind, 0xFE, n >> 8, n & 255))
    else:
        head = bytes((kind, 0xFF)) + n.to_bytes(8, "big")
    mask = os.urandom(4)
    number = int.from_bytes
    if n <= _CHUNK:
        key = number((mask * (_CHUNK // 4))[:n], "big")
        return head + mask + (number(payload, "big") ^ key).to_bytes(n, "big")

    key = number(mask * (_CHUNK // 4), "big")
    head += mask
    i = len(head)
    frame = bytearray(i + n)
    frame[:i] = head
    i = 0
    at = len(head)
    payload = memoryview(payload)
    while i + _CHUNK <= n:
        masked = number(payload[i : i + _CHUNK], "big") ^ key
        i += _CHUNK
        frame[at : at + _CHUNK] = masked.to_bytes(_CHUNK, "big")
        at += _CHUNK
    n -= i
    if n:
        frame[at:] = (number(payload[i:], "big") ^ key >> (_CHUNK - n) * 8).to_bytes(n, "big")
    return memoryview(frame)  # what a stream keeps of a partial write is then copied once only


def encode_close(code, reason=""):
    """A Close frame; 1005 stands for no code at all."""
    return encode(CLOSE, _rules().close_payload(code, reason))


def _rules():
    """What is rarely asked for, forgotten at once: it lives as long as what is called of it runs."""
    import wsrules

    sys.modules.pop("wsrules", None)
    return wsrules


def check(data, state):
    """UTF-8 (RFC 3629) state after `data`: 0 between characters, else what has to follow."""
    # MicroPython's own check lets surrogates, overlong forms and code points past U+10FFFF pass.
    # state: continuation bytes to come << 16 | lowest << 8 | highest value of the next one
    if not state:
        try:
            if len(str(data, "utf-8")) == len(data):
                return 0  # as many characters as bytes: plain ASCII, found out in C
        except UnicodeError:
            pass  # nonsense, or a character goes on in what comes next
    state = _rules().check(data, state)
    if state < 0:
        raise WebSocketError(1007, "not UTF-8")
    return state


def _text(data, checked=0, state=0):
    """`data` as str; the first `checked` bytes were seen before and left `state`."""
    try:
        text = str(data, "utf-8")
    except UnicodeError:
        raise WebSocketError(1007, "not UTF-8")
    if len(text) != len(data) and check(memoryview(data)[checked:], state):
        raise WebSocketError(1007, "not UTF-8")
    return text


def _closing(payload):
    """(code, reason) of a Close frame."""
    if not payload:
        return 1005, ""
    flaw = _rules().flaw_of_close(payload)
    if flaw:
        raise WebSocketError(1002, flaw)
    return payload[0] << 8 | payload[1], _text(payload[2:])


class Decoder:
    """Frames in, messages and control frames out; `frames` counts data and control frames."""

    def __init__(self, max_message, size=512, choose=None):
        self._max = max_message
        self._choose = choose
        self._consumer = None  # of the message that arrives
        self._view = memoryview(bytearray(size))  # holds any header and any control frame
        self._start = 0  # _view[_start:_end] has arrived and is not looked at yet
        self._end = 0
        self._left = -1  # payload bytes of a data frame still to come; -1: a header comes next
        self._fin = True
        self._kind = 0  # of the message that arrives in pieces, 0: none
        self._message = None  # its bytearray: as long as the first frame, later ones are appended
        self._filled = 0
        self._checked = 0  # bytes of it that are good UTF-8 up to _state
        self._state = 0
        self.frames = 0

    def space(self):
        """Memory for the next bytes; never empty. Call received(n) before anything else."""
        if self._left > 0 and self._filled < len(self._message):
            return memoryview(self._message)[self._filled :]
        start = self._start
        if start:
            n = self._end - start
            if n:
                self._view[:n] = self._view[start : self._end]
            self._start = 0
            self._end = n
        return self._view[self._end :]

    def received(self, n):
        """`n` bytes have been put into what space() returned."""
        if self._left > 0 and self._filled < len(self._message):
            self._filled += n
            self._left -= n
        else:
            self._end += n

    def event(self):
        """Next (kind, payload), or None while bytes are missing; WebSocketError."""
        view = self._view
        while True:
            if self._left >= 0:
                event = self._payload()
                if event or self._left >= 0:
                    return event
            at = self._start
            have = self._end - at
            if have < 2:
                return None
            first = view[at]
            n = view[at + 1]
            kind = first & 15
            if kind > 7:
                bad = kind > PONG or first < 128 or n > 125
            else:
                bad = kind > BINARY or (kind == 0) == (self._kind == 0)
            if bad or first & 0x70 or n > 127:
                raise WebSocketError(1002, _rules().flaw(first, n))
            at += 2
            if n > 125:
                size = 2 if n == 126 else 8
                if have < 2 + size:
                    return None
                n = int.from_bytes(view[at : at + size], "big")
                at += size
                if n < (126 if size == 2 else 65536) or n >> 63:
                    raise WebSocketError(1002, "bad length")
            end = at + n
            if kind > 7:
                if end > self._end:
                    return None
                self._start = end
                self.frames += 1
                payload = bytes(view[at:end])
                if kind == CLOSE:
                    payload = _closing(payload)
                return kind, payload
            if kind == TEXT and self._choose and (n > _LARGE or (first < 128 and n >= _PEEK)):
                if self._end < at + _PEEK:
                    return None
                self._consumer = self._choose(bytes(view[at : at + _PEEK]))
            most = self._consumer.limit if self._consumer else self._max
            if n > most - self._filled:
                raise WebSocketError(1009, "message over %d bytes" % most)
            self.frames += 1
            self._fin = first > 127
            if kind:
                if self._fin and end <= self._end and not self._consumer:  # all of it is here: no copy to join it
                    self._start = end
                    payload = view[at:end]
                    return kind, _text(payload) if kind == TEXT else bytes(payload)
                self._message = b"" if self._consumer else bytearray(n)
                self._kind = kind
                self._checked = self._state = 0
            self._start = at
            self._left = n

    def _payload(self):
        # takes what has arrived of a data frame; the message, if this was its last byte
        message = self._message
        start = self._start
        n = min(self._end - start, self._left)
        if n:
            data = self._view[start : start + n]
            filled = self._filled
            if self._consumer:
                self._state = check(data, self._state)
                self._consumer.take(data)
            elif filled < len(message):
                message[filled : filled + n] = data
            else:
                message.extend(data)  # type: ignore  (bytes only where there is a consumer)
            self._filled = filled + n
            self._left -= n
            self._start = start + n
        kind = self._kind
        consumer = self._consumer
        if self._left or not self._fin:
            if consumer:
                if not self._left:
                    self._left = -1
                return None
            # Nonsense is refused as it arrives. Looking at a large part of a frame would cost a
            # copy of it, so that waits for the frame's end, which is not far in a fast stream.
            if kind == TEXT and (not self._left or self._filled - self._checked <= _AT_ONCE):
                data = memoryview(message)[self._checked : self._filled]
                self._state = check(data, self._state)
                self._checked = self._filled
            if not self._left:
                self._left = -1
            return None
        self._message = self._consumer = None
        self._kind = self._filled = 0
        self._left = -1
        if consumer:
            if self._state:
                raise WebSocketError(1007, "not UTF-8")
            return kind, consumer.end()
        if kind == TEXT:
            return kind, _text(message, self._checked, self._state)
        return kind, bytes(message)
