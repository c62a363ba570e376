"""Connections of one transfer: each step has a deadline, each failure becomes a TransferError.

No wait_for around reads: a watchdog ends the whole transfer when a step takes too long. What has been
read by then has been handed on, so that nothing is lost for the next try.
"""

import asyncio
from errno import ENOSPC

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_TICK_MS = const(250)
_TLS_ERRORS = const(-4096)  # mbedTLS counts down from here; a failed name lookup is negative as well


class Wire:
    """`view`: the caller's buffer. `connect(host, port, tls_host)`, `secure(stream, tls_host)`."""

    def __init__(self, connect, secure, buf, wait_s):
        self.view = memoryview(buf)
        self._connect = connect
        self._secure = secure
        self._wait_ms = wait_s * 1000
        self._left_ms = 0
        self._doing = ""
        self._expired = False

    async def run(self, job):
        """Await `job`, which calls step(); TransferError "stall" when a step does not end."""
        self.step("beginning")
        watch = asyncio.create_task(self._watch(asyncio.current_task()))
        try:
            return await job
        except asyncio.CancelledError:
            if not self._expired:
                raise
        finally:
            watch.cancel()
        raise TransferError("stall", "no end of %s for %d s" % (self._doing, self._wait_ms // 1000))

    async def _watch(self, task):
        while self._left_ms > 0:
            await asyncio.sleep_ms(_TICK_MS)
            self._left_ms -= _TICK_MS
        self._expired = True
        task.cancel()

    def step(self, doing, times=1):
        """A step begins, and may take `times` the time that is allowed."""
        self._doing = doing
        self._left_ms = self._wait_ms * times

    async def open(self, host, port, tls=False):
        """A stream to host:port, with TLS if wanted."""
        self.step("connecting to %s:%d" % (host, port))
        try:
            return await self._connect(host, port, host if tls else None)
        except (OSError, ValueError) as e:
            raise self._failed(e, "connect")

    async def secure(self, stream, host):
        """TLS over a connection that is open."""
        if not self._secure:
            raise TransferError("tls", "no TLS for ftps here")
        self.step("TLS with " + host)
        try:
            return await self._secure(stream, host)
        except (OSError, ValueError) as e:
            raise self._failed(e, "tls")

    async def read(self, stream, view):
        """Bytes read into `view`; 0 at the end."""
        try:
            while True:
                n = await stream.readinto(view)
                if n is not None:  # a TLS stream may have none yet
                    return n
        except (OSError, ValueError) as e:
            raise self._failed(e, "short")

    async def feed(self, stream, parser):
        """Feed parser.received() until parser.complete: bounds of what is left over in `view`."""
        view = self.view[:256]  # the parser copies it
        while True:
            n = await self.read(stream, view)
            if not n:
                raise TransferError("short", "connection closed in place of an answer")
            used = parser.received(view[:n])
            if parser.complete:
                return used, n

    async def write(self, stream, data):
        """All of `data` is on its way."""
        try:
            stream.write(data)
            await stream.drain()
        except (OSError, ValueError) as e:
            raise self._failed(e, "short")

    async def close(self, stream):
        """Never fails."""
        if stream:
            try:
                stream.close()
                await stream.wait_closed()
            except (OSError, ValueError):
                pass

    def _failed(self, e, kind):
        code = e.args[0] if e.args else 0
        if isinstance(code, tuple):
            code = code[0]
        if isinstance(e, ValueError) or isinstance(code, int) and code < _TLS_ERRORS:
            kind = "tls"
        return TransferError(kind, "%s: %s" % (self._doing, e))


def store(sink, piece, place):
    """Hand a piece to the sink."""
    try:
        sink.write(piece)
    except OSError as e:
        raise _local(e)
    place.offset += len(piece)


def restart(sink, place):
    """Begin again: the file is not the one that was begun."""
    if not hasattr(sink, "restart"):
        raise TransferError("changed", "the file has changed since it was begun")
    try:
        sink.restart()
    except OSError as e:
        raise _local(e)
    place.offset = 0
    place.mark = ""
    place.size = None


def fill(source, view, place):
    """Bytes that the source has put into `view`, no more than place.size asks for."""
    if place.size is not None:
        view = view[: max(0, place.size - place.offset)]
        if not len(view):
            return 0
    try:
        n = source.readinto(view) or 0
    except OSError as e:
        raise _local(e)
    if not n and place.size is not None:
        raise TransferError("store", "source ends at %d of %d bytes" % (place.offset, place.size))
    place.offset += n
    return n


def _local(e):
    return TransferError("full" if e.args and e.args[0] == ENOSPC else "store", "local file: %s" % e)
