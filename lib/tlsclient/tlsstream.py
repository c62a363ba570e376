"""A TLS connection that tlsclient has opened: what it needs for as long as it lives."""

import io
from binascii import crc32
from asyncio import core  # type: ignore


class Wire(io.IOBase):
    """What mbedTLS reads and writes: `readinto` and `write` are set by who owns it."""

    root = None  # CRC-32 of the root certificate that vouched for the server

    def ioctl(self, request, argument):
        return 0  # closing is for the stream; nobody polls this

    def witness(self, der, depth):
        """mbedTLS shows each certificate of a chain, from its root down. Here, since it keeps what it calls, with its module."""
        if self.root is None:
            self.root = crc32(der)
        return 0


class TlsStream:
    """As asyncio.Stream. It waits on the socket, since to poll a TLS object costs a look each tick.

    With the socket itself as `tls` it is a plain one, for who has this module and would have to load asyncio's."""

    def __init__(self, sock, tls=None):
        self.wire = Wire()
        self.tls = tls
        self.context = None
        self.asked = False  # the server asked for a client certificate
        self.s = sock
        self._rest = []  # what mbedTLS did not take yet; it must see the same bytes again
        self._more = False  # mbedTLS may hold bytes that the socket no longer shows

    def readinto(self, buf):
        """Bytes read, 0 at the end."""
        n = None
        if self._more:
            yield from core.sleep_ms(0)  # a flood must not stop everything else
            n = self.tls.readinto(buf)
        while n is None:
            yield core._io_queue.queue_read(self.s)
            n = self.tls.readinto(buf)
        self._more = n == len(buf)
        return n

    def read(self, n):
        """Up to n bytes, b"" at the end."""
        data = bytearray(n)
        n = yield from self.readinto(data)
        return bytes(data[:n])

    def write(self, buf):
        if not self._rest:
            n = self.tls.write(buf)
            if n == len(buf):
                return
            if n:
                buf = memoryview(buf)[n:]
        self._rest.append(buf)

    def drain(self):
        rest = self._rest
        if not rest:
            yield from core.sleep_ms(0)
        while rest:
            yield core._io_queue.queue_write(self.s)
            n = self.tls.write(rest[0])
            if n == len(rest[0]):
                rest.pop(0)
            elif n:
                rest[0] = memoryview(rest[0])[n:]

    def close(self):
        pass

    async def wait_closed(self):
        self.tls.close()
        self.s.close()
