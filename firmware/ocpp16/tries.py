# Cold: the tries of a transfer, and how it connects. One transfer at a time: there is RAM for one more TLS connection.
import asyncio
import gc

import cold

_BUFFER = 1024
_WAIT_S = 30  # for one step of a transfer (DIAG-03)
_TURN_S = 1
_RETRIES = 2  # where the central system gives none: three tries (FW-03)
_INTERVAL_S = 60
_MOST = 86400  # of either: ticks hold no more than six days


async def transfer(cp, name, attempt, words, told, retries=None, interval=None):
    """Try until a transfer succeeds, and tell of each try (DIAG-02, FW-03); False if none did.

    attempt(connect, secure, buf) is one: what it returns is awaited, and fails with TransferError; anything else ends it all.
    words: (status when it begins, when it is done, {kind of TransferError: status}, "" for all others); told(status) tells.
    """
    from transfer import TransferError

    lines = _Lines(cp)
    for left in range(min(_RETRIES if retries is None else max(0, retries), _MOST), -1, -1):
        while cp.transferring:
            await asyncio.sleep(_TURN_S)
        cp.transferring = True
        cp.clock.hold(1)
        kind = "memory"
        try:
            told(words[0])
            gc.collect()
            await attempt(lines.connect, lines.secure, bytearray(_BUFFER))
            kind = None
        except TransferError as e:
            kind = e.kind
            cp.log.warning(name, "%s, %d tries left: %s" % (kind, left, e.text))
        except MemoryError:
            gc.collect()
            cp.log.warning(name, "out of memory, %d tries left" % left)
        finally:
            cp.transferring = False
            cp.clock.hold(-1)
        if not kind:
            told(words[1])
            return True
        told(words[2].get(kind) or words[2][""])
        if left:
            await asyncio.sleep(min(_INTERVAL_S if interval is None else max(0, interval), _MOST))
    return False


class _Lines:
    """How a transfer opens its connections."""

    def __init__(self, cp):
        self._cp = cp

    async def connect(self, host, port):
        """A stream; OSError."""
        cp = self._cp
        cp.link.busy = any([c.energised for c in cp.connectors])  # no name is looked up then, if it can be helped
        return await cp.link.connect(host, port)

    async def secure(self, stream, host):
        """TLS over a stream, verified with the roots on flash; OSError, ValueError."""
        import tlsstream  # noqa: F401  stays: else each connection would bring its own

        return await cold.call("ocpp16.opening", "over", self._cp, self._cp.link, stream.s, host)
