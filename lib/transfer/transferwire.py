"""Connections of one transfer: each step has a deadline, each failure becomes a TransferError.

No wait_for around reads: a watchdog ends the whole transfer when a step takes too long. What has been
read by then has been handed on, so that nothing is lost for the next try.
"""

import asyncio
import gc
import sys

from micropython import const
from transfer import TransferError

_TICK_MS = const(250)
_TLS_EOF = const(-0x7280)  # the connection ended without close_notify: whoever reads knows how much is to come


class Wire:
    """`view`: the caller's buffer; `where` and `secrets`: what errors may and may not show."""

    def __init__(self, connect, secure, buf, wait_s):
        self.view = memoryview(buf)
        self.host = self.where = ""
        self.secrets = []
        self.connect = connect
        self.shield = secure
        self._wait_ms = wait_s * 1000
        self._left_ms = 0
        self.doing = ""
        self._expired = False
        self._part = ""

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
        raise TransferError("stall", "%s: nothing for %d s" % (self.doing, self._wait_ms // 1000))

    async def _watch(self, task):
        while self._left_ms > 0:
            await asyncio.sleep_ms(_TICK_MS)
            self._left_ms -= _TICK_MS
        self._expired = True
        task.cancel()

    def step(self, doing, times=1):
        """A step begins, and may take `times` the time that is allowed."""
        self.doing = doing
        self._left_ms = self._wait_ms * times

    def url(self, text):
        """The Url of a text, of which errors may show the host only from now on."""
        url = self.part("transferparse").parse(text)
        self.host = url.host
        self.where = "%s:%d" % (url.host, url.port)
        self.secrets += url.secrets()
        return url

    def part(self, name=""):
        """A module for the part of the transfer that begins, in the place of those for the last one."""
        sys.modules.pop(self._part, None)
        sys.modules.pop("transferurl", None)  # an Url keeps it as long as there is one
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
