"""Connections of one transfer: each step has a deadline, each failure becomes a TransferError.

No wait_for around reads: a watchdog ends the whole transfer when a step takes too long. What has been
read by then has been handed on, so that nothing is lost for the next try.
"""

import asyncio
import gc
from errno import ECONNREFUSED

from micropython import const
from transfer import TransferError, forget

_TICK_MS = const(250)
_ENOSPC = const(28)
_TLS_EOF = const(-0x7280)  # the connection ended without close_notify: whoever reads knows how much is to come
_TLS_ERRORS = const(-4096)  # mbedTLS counts down from here; a failed name lookup is negative as well


class Wire:
    """`view`: the caller's buffer; `where` and `secrets`: what errors may and may not show."""

    def __init__(self, connect, secure, buf, wait_s):
        self.view = memoryview(buf)
        self.host = self.where = ""
        self.secrets = []
        self._connect = connect
        self._secure = secure
        self._wait_ms = wait_s * 1000
        self._left_ms = 0
        self._doing = ""
        self._expired = False

    async def run(self, job):
        """Await `job`, which calls step(); TransferError "stall" when a step does not end."""
        self.step("begin")
        watch = asyncio.create_task(self._watch(asyncio.current_task()))
        try:
            return await job
        except asyncio.CancelledError:
            if not self._expired:
                raise
        finally:
            watch.cancel()
        raise TransferError("stall", "%s: nothing for %d s" % (self._doing, self._wait_ms // 1000))

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

    def url(self, text):
        """The Url of a text, of which errors may show the host only from now on."""
        url = self.part("transferurl").parse(text)
        self.host = url.host
        self.where = "%s:%d" % (url.host, url.port)
        self.secrets += url.secrets()
        return url

    def part(self, name=None):
        """A module for the part of the transfer that begins, in the place of those for the last one."""
        forget()
        gc.collect()
        return __import__(name) if name else None  # by name: those of _PARTS

    async def open(self, port, tls=False):
        """A stream to the URL's host."""
        self.part()  # TLS needs the room
        self.step("connecting to %s:%d" % (self.host, port))
        try:
            stream = await self._connect(self.host, port)
        except OSError as e:
            raise self._failed(e, "connect")
        return await self.secure(stream) if tls else stream

    async def secure(self, stream):
        """TLS over a stream to the URL's host; closes it if that fails."""
        self.step("TLS with " + self.host)
        done = False
        try:
            if not self._secure:
                raise TransferError("tls", "there is no TLS here")
            secured = await self._secure(stream, self.host)
            done = True
            return secured
        except (OSError, ValueError) as e:
            raise self._failed(e, "tls")
        finally:
            if not done:
                await self.close(stream)

    async def read(self, stream, view):
        """Bytes read into `view`; 0 at the end."""
        try:
            while True:
                n = await stream.readinto(view)
                if n is not None:  # a TLS stream may have none yet
                    return n
        except (OSError, ValueError) as e:
            if e.args and e.args[0] == _TLS_EOF:
                return 0
            raise self._failed(e, "short")

    async def write(self, stream, data):
        """All of `data` is on its way."""
        try:
            stream.write(data)
            await stream.drain()
        except (OSError, ValueError) as e:
            raise self._failed(e, "short")

    async def close(self, stream):
        """Never fails."""
        self._left_ms = self._wait_ms  # what is done already is not to be called a stall
        if stream:
            try:
                stream.close()
                await stream.wait_closed()
            except (OSError, ValueError):
                pass

    async def head(self, stream):
        """(head of an HTTP answer, bounds in `view` of what came after it)."""
        head = self.part("httphead").Head()
        view = self.view[:256]  # the parser copies it
        while True:
            n = await self.read(stream, view)
            if not n:
                raise TransferError("short", "%s: connection closed" % self._doing)
            used = head.received(view[:n])
            if head.complete:
                return head, used, n

    async def refused(self, stream, head, at, end):
        """The error that the head of an HTTP answer means."""
        view = self.view[:256]
        if at == end and head.length != 0:
            try:
                at = 0
                end = await self.read(stream, view)
            except TransferError:
                end = 0
        body = bytes(view[at:end])
        return self.part("httprefusal").refusal(self, head.status, head.reason, body)

    def _failed(self, e, kind):
        code = e.args[0] if e.args else 0
        if isinstance(e, ValueError) or isinstance(code, str) or code < _TLS_ERRORS:
            kind = "tls"  # the strings are from tlsclient
        elif code == ECONNREFUSED:
            kind = "connect"  # asyncio.open_connection leaves that to the first write
        if len(e.args) > 1:
            e = e.args[1]
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


def seek(source, offset):
    """Go to a place in the source."""
    try:
        source.seek(offset)
    except OSError as e:
        raise _local(e)


def _local(e):
    return TransferError("full" if e.args and e.args[0] == _ENOSPC else "store", "local file: %s" % e)
