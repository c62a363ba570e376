"""Files over http, https, ftp and ftps, in the memory of one small buffer. README.md has the whole story.

    await get("https://h/f.bin", sink, connect, secure, bytearray(1024), place)     sink.write(piece)
    await put("ftp://u:p@h/d/f", source, connect, secure, bytearray(1024))          source.readinto(piece) -> n

What fails is a TransferError. The other modules are imported for the part of a transfer that needs them.

No wait_for around reads: a watchdog ends the whole transfer when a step takes too long. What has been read by then
has been handed on, so that nothing is lost for the next try.
"""

import asyncio
import gc
import sys

_TICK_MS = 250
_TLS_EOF = -0x7280  # the connection ended without close_notify: whoever reads knows how much is to come


class TransferError(Exception):
    """`kind`, one word of the table in README.md, and `text` in words, without any secret."""

    def __init__(self, kind, text):
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Place:
    """How far a transfer is: hand it in again to go on; `mark` is the server's version of the file."""

    def __init__(self, offset=0, mark="", size=None):
        self.offset = offset
        self.mark = mark
        self.size = size  # of the whole file; None: not known (yet)


async def get(url, sink, connect, secure, buf, place=None, wait_s=30):
    """The file into sink.write(), from place.offset on; returns the Place. TransferError."""
    place = place or Place()
    await _run("get", url, connect, secure, buf, wait_s, sink, place)
    return place


def put(
    url, source, connect, secure, buf, size=None, method="PUT", form=None, headers=(), place=None, wait_s=30
):
    """Coroutine: `size` bytes of source.readinto() (None: to its end) to the URL; form: (field, file name)."""
    place = place or Place()
    place.size = size
    return _run("put", url, connect, secure, buf, wait_s, source, place, method, form, headers)


async def _run(job, url, connect, secure, buf, wait_s, *arguments):
    if len(buf) < 256:
        raise ValueError("buffer under 256 bytes")
    wire = _Wire(connect, secure, buf, wait_s)
    wire.step("begin")
    watch = asyncio.create_task(wire.watch(asyncio.current_task()))
    kind = "ftp" if url[:3].lower() == "ftp" else "http"
    try:
        client = __import__(kind + job)  # by name: httpget, httpput, ftpget, ftpput
        return await getattr(client, job)(url, wire, *arguments)  # by name: get, put
    except asyncio.CancelledError:
        if not wire.expired:
            raise
    finally:
        watch.cancel()
        wire.part()
        for name in ("transferagain", "transferfailure", "transferparse", "transferwords", "ftpsession", kind + job):
            sys.modules.pop(name, None)
    raise TransferError("stall", "%s: nothing for %d s" % (wire.doing, wait_s))


class _Wire:
    """Connections of one transfer: each step has a deadline, each failure becomes a TransferError.

    `view`: the caller's buffer; `where` and `secrets`: what errors may and may not show."""

    def __init__(self, connect, secure, buf, wait_s):
        self.view = memoryview(buf)
        self.host = self.where = ""
        self.secrets = []
        self.connect = connect
        self.shield = secure
        self.expired = False
        self._wait_ms = wait_s * 1000
        self._left_ms = 0
        self.doing = ""
        self._part = ""

    async def watch(self, task):
        """Cancel the task when a step, see step(), does not end."""
        while self._left_ms > 0:
            await asyncio.sleep_ms(_TICK_MS)  # type: ignore
            self._left_ms -= _TICK_MS
        self.expired = True
        task.cancel()

    def step(self, doing, times=1):
        """A step begins, and may take `times` the time that is allowed."""
        self.doing = doing
        self._left_ms = self._wait_ms * times

    def part(self, name=""):
        """A module for the part of the transfer that begins, in the place of those for the last one."""
        for last in (self._part, "transferurl", "ftpreply"):
            sys.modules.pop(last, None)
        gc.collect()
        self._part = name
        return __import__(name) if name else None  # by name: the callers' strings

    def open(self, port, tls=False):
        """Coroutine: a stream to the URL's host."""
        return self.part("transferopen").open(self, port, tls)

    def secure(self, stream):
        """Coroutine: TLS over a stream to the URL's host; closes it if that fails."""
        return self.part("transferopen").secure(self, stream)

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
            raise self.failed(e, "short")

    async def write(self, stream, data):
        """All of `data` is on its way."""
        try:
            stream.write(data)
            await stream.drain()
        except (OSError, ValueError) as e:
            raise self.failed(e, "short")

    def store(self, sink, piece, place):
        """Hand a piece to the sink."""
        try:
            sink.write(piece)
        except OSError as e:
            raise self.part("transferfailure").local(e)
        place.offset += len(piece)

    def fill(self, source, view, place):
        """Bytes that the source has put into `view`, no more than place.size asks for."""
        if place.size is not None:
            view = view[: max(0, place.size - place.offset)]
            if not len(view):
                return 0
        try:
            n = source.readinto(view) or 0
        except OSError as e:
            raise self.part("transferfailure").local(e)
        if not n and place.size is not None:
            raise TransferError("store", "source ends at %d of %d bytes" % (place.offset, place.size))
        place.offset += n
        return n

    async def close(self, stream):
        """Never fails."""
        self._left_ms = self._wait_ms  # what is done already is not to be called a stall
        if stream:
            try:
                stream.close()
                await stream.wait_closed()
            except (OSError, ValueError):
                pass

    def failed(self, e, kind):
        """The TransferError that an OSError or ValueError means; of `kind`, unless it says more itself."""
        return self.part("transferfailure").failed(self, e, kind)
