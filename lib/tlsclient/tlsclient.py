"""TLS client that verifies the server, for asyncio, over a connected non-blocking socket.

stream = await connect(sock, "example.org", roots=[der])      a Stream for wsclient and others; TlsError
stream.write(data); await stream.drain(); n = await stream.readinto(buf)

Dates are checked against the clock of the machine, so set that first. drain() before the next write().
"""

import gc
import io
import sys
from binascii import crc32
from asyncio import core  # type: ignore


class TlsError(OSError):
    """No connection: `kind` is chain, host, date, version, suite, client, closed, memory or other."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


async def connect(sock, host, roots=(), cert=None, key=None, verify=True, suites=None, hook=None):
    """A TlsStream; TlsError closes `sock`. What the arguments may be: README.md beside this file."""
    stream = TlsStream(sock)
    done = False
    handshake = None
    try:
        gc.collect()  # an old connection may still hold 25 KB outside of this heap
        stream.tls = _cold("tlssetup").wrap(stream.wire, TlsError, host, roots, cert, key, verify, suites)
        roots = cert = key = None
        gc.collect()
        handshake = _cold("tlshandshake").Handshake(stream.wire, sock, hook)
        await handshake.run(stream.tls)
        stream.asked = handshake.asked
        stream.wire.readinto = sock.readinto  # from now on no bytecode between the two
        stream.wire.write = sock.write
        done = True
    except TlsError:
        raise
    except (OSError, ValueError, MemoryError) as e:
        raise _cold("tlserror").explain(TlsError, e, handshake)
    finally:
        if not done:
            sock.close()  # mbedTLS forgets it when a handshake fails
    return stream


def _cold(name):
    """A module that is forgotten at once: it lives as long as what is called of it runs."""
    module = __import__(name)  # by name: tlserror, tlshandshake, tlssetup
    sys.modules.pop(name)
    return module


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
    """As asyncio.Stream. It waits on the socket, since to poll a TLS object costs a look each tick."""

    def __init__(self, sock):
        self.wire = Wire()
        self.tls = None
        self.asked = False  # the server asked for a client certificate
        self._sock = sock
        self._rest = []  # what mbedTLS did not take yet; it must see the same bytes again
        self._more = False  # mbedTLS may hold bytes that the socket no longer shows

    def readinto(self, buf):
        """Bytes read, 0 at the end."""
        n = None
        if self._more:
            yield from core.sleep_ms(0)  # a flood must not stop everything else
            n = self.tls.readinto(buf)
        while n is None:
            yield core._io_queue.queue_read(self._sock)
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
            yield core._io_queue.queue_write(self._sock)
            n = self.tls.write(rest[0])
            if n == len(rest[0]):
                rest.pop(0)
            elif n:
                rest[0] = memoryview(rest[0])[n:]

    def close(self):
        pass

    async def wait_closed(self):
        self.tls.close()
        self._sock.close()
