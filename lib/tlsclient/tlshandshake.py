"""The handshake of a TLS connection in slices: between two records asyncio and a hook get their turn.

Cold: tlsclient imports it for one handshake and lets go of it afterwards. No piece of work is longer than what one message
of the handshake asks for. TLS 1.2 only, as MicroPython's own build.
"""

from asyncio import core  # type: ignore

from micropython import const

_CIPHER = const(20)  # types of record
_ALERT = const(21)
_HANDSHAKE = const(22)
_CERTIFICATE_REQUEST = const(13)  # type of handshake message


class Handshake:
    """One attempt over `wire`, which mbedTLS reads and writes.

    asked: the server asked for a certificate; seen: a handshake message has come; alert, minor: of the last record."""

    def __init__(self, wire, sock, hook):
        self.asked = self.seen = False
        self.alert = -1
        self.minor = 0  # of the version, 3 is TLS 1.2
        self._sock = sock
        self._hook = hook
        self._may = 0  # records that may still be moved in this turn
        self._waits = None  # function of the io queue to wait with, None: it is only asyncio's turn
        self._kind = 0  # of the record under way
        self._got = 0  # bytes of its header that are here, 0: none is under way
        self._left = 0  # bytes of the record's body still to come
        self._message = 1  # header of the handshake message under way, behind a 1 that marks its length
        self._skip = 0  # bytes of the message's body still to come
        self._ciphered = 0  # 1: the server ciphers from now on, 2: its Finished is here
        self._done = False
        wire.readinto = self._readinto
        wire.write = self._write

    def run(self, tls):
        """Coroutine: until the server's Finished has come."""
        one = bytearray(1)
        while True:
            self._may = 1
            self._waits = None
            n = tls.readinto(one)
            if self._done:
                return
            if n is not None:
                raise OSError(-0x7280)  # as mbedTLS says it: the end of the stream
            if self._waits:
                yield self._waits(self._sock)
            else:
                yield from core.sleep_ms(0)

    # -- what mbedTLS calls: None lets it give up for this turn

    def _readinto(self, buf):
        if self._hook:
            self._hook()
        if not self._got:
            if self._ciphered == 2:
                self._done = True
                return None
            if self._may <= 0:
                return None
        try:
            n = self._sock.readinto(buf)
        except OSError as e:
            return -e.errno
        if n is None:
            self._waits = core._io_queue.queue_read
        elif n:
            self._follow(memoryview(buf)[:n])
        return n

    def _write(self, buf):
        if self._hook:
            self._hook()
        if self._may <= 0:
            return None
        try:
            n = self._sock.write(buf)
        except OSError:
            n = len(buf)  # it is gone; the alert that says why may still be there to be read
        if n is None:
            self._waits = core._io_queue.queue_write
        else:
            self._may -= 1
        return n

    # -- what goes by: mbedTLS asks for a header, then for the body, never for more

    def _follow(self, data):
        if self._got < 5:
            for b in data:
                if not self._got:
                    self._kind = b
                    self._left = 0
                elif self._got == 2:
                    self.minor = b
                elif self._got > 2:
                    self._left = self._left << 8 | b
                self._got += 1
        else:
            self._left -= len(data)
            if self._kind == _ALERT:
                for b in data:
                    self.alert = b
            elif self._kind == _HANDSHAKE and not self._ciphered:
                self._messages(data)
        if self._got == 5 and self._left <= 0:
            self._got = 0
            self._may -= 1
            if self._kind == _CIPHER:
                self._ciphered = 1
            elif self._ciphered:
                self._ciphered = 2

    def _messages(self, data):
        self.seen = True
        i = 0
        while i < len(data):
            if self._skip:
                n = min(self._skip, len(data) - i)
                self._skip -= n
                i += n
                continue
            head = self._message << 8 | data[i]
            i += 1
            if head >> 32:
                if head >> 24 & 255 == _CERTIFICATE_REQUEST:
                    self.asked = True
                self._skip = head & 0xFFFFFF
                head = 1
            self._message = head
