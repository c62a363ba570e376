# Cold: one try of a transfer, and how it connects. One transfer at a time: there is RAM for one more TLS connection.
import asyncio
import gc
import sys

import cold
import tlsstream

_BUFFER = 256  # two pages of the cache of LittleFS
_WAIT_S = 30  # for one step of a transfer (DIAG-03)
_TURN_S = 1
_TURN_MS = 100
_PATIENCE = 50  # such turns
_RETRIES = 2  # where the central system gives none: three tries (FW-03)
_INTERVAL_S = 60
_MOST = 86400  # of either: ticks hold no more than six days


async def transfer(cp, name, url, attempt, words, told, interval, left, *again):
    """Try to transfer, and tell of it (DIAG-02, FW-03): how many tries are left, None if it has failed and none is, else what
    comes after a while (see jobs): `again` and how many are left then.

    url: is there TLS? attempt(connect, secure, buf) is the try: what it returns is awaited, and fails with TransferError,
    anything else ends it all; words: (status when it begins, when it is done or None, {kind of TransferError: status}, "" for all
    others); told(status) tells; interval, left: of the central system, None where it says nothing.
    """
    from transfer import TransferError

    sys.modules[tlsstream.__name__] = tlsstream  # forgotten when this was called; else each connection would bring its own
    left = min(_RETRIES if left is None else max(0, left), _MOST)
    while cp.transferring:
        await asyncio.sleep(_TURN_S)
    cp.transferring = True
    cp.clock.hold(1)
    kind = "memory"
    try:
        told(words[0])
        for _ in range(_PATIENCE):  # its answer is not judged beside a handshake, which needs the room
            await asyncio.sleep_ms(_TURN_MS)
            if not cp.rpc.outstanding:
                break
        gc.collect()
        lines = _Lines(cp)
        if url.partition(":")[0][-1:].lower() == "s":
            try:
                lines.prepare(name)
            except (OSError, ValueError):
                pass  # secure() says so
        await attempt(lines.connect, lines.secure, bytearray(_BUFFER))
        kind = None
    except TransferError as e:
        kind = e.kind
        cp.log.warning(name, "%s, %d tries left: %s" % (kind, left, e.text))
    except MemoryError:
        gc.collect()
        cp.log.warning(name, "out of memory, %d tries left" % left)
    finally:
        lines = None
        cp.transferring = False
        cp.clock.hold(-1)
    if not kind:
        if words[1]:
            told(words[1])
        return left
    told(words[2].get(kind) or words[2][""])
    return (min(_INTERVAL_S if interval is None else max(0, interval), _MOST),) + again + (left - 1,) if left else None


class _Lines:
    """How one try opens its connections."""

    def __init__(self, cp):
        self._cp = cp
        self._context = None  # for all that speak TLS

    def prepare(self, host):
        """Take what a context needs, 2 KB in one piece, while there is room; OSError, ValueError."""
        if not self._context:
            self._context = cold.call("ocpp16.opening", "context", self._cp, self._cp.link, host)

    async def connect(self, host, port):
        """A stream; OSError."""
        cp = self._cp
        cp.link.busy = any([c.energised for c in cp.connectors])  # no name is looked up then, if it can be helped
        sock = await cp.link.socket(host, port)
        return tlsstream.TlsStream(sock, sock)

    def secure(self, stream, host):
        """Coroutine: TLS over a stream, verified with the roots on flash; OSError, ValueError."""
        self.prepare(host)
        connect = cold.load("tlsclient").connect
        cold.drop("tlsclient")
        return connect(stream.s, host, hook=self._cp.link.hook, context=self._context)
