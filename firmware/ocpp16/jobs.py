# Cold: long work beside OCPP, each job a coroutine of a cold module in a task of its own, and the tries of a transfer.
#
#   cold.call("ocpp16.jobs", "start", cp, "diagnostics", "ocpp16.diagnostics", "run", url)     awaits run(cp, url)
#
# cp.jobs has [task, status told last] of each job that runs. What one dies of is logged and takes nothing else down; what must
# outlive a reset is for the job to write down. One transfer at a time: there is RAM for one more TLS connection.
import asyncio
import gc

from ocpp16.rpc import Call
import cold

_BUFFER = 1024
_WAIT_S = 30  # for one step of a transfer (DIAG-03)
_TURN_S = 1
_RETRIES = 2  # where the central system gives none: three tries (FW-03)
_INTERVAL_S = 60
_MOST = 86400  # of either: ticks hold no more than six days


def start(cp, name, module, function, *args):
    """Run `function(cp, *args)` of a cold module as the job `name`, in the place of the one that has this name."""
    cancel(cp, name)
    cp.jobs[name] = entry = [None, "Idle"]
    entry[0] = asyncio.create_task(_run(cp, name, entry, module, function, args))


def cancel(cp, name):
    """End a job, if there is one; its statuses that have not left yet do so."""
    entry = cp.jobs.pop(name, None)
    if entry:
        entry[0].cancel()


async def _run(cp, name, entry, module, function, args):
    try:
        await cold.run(module, function, cp, *args)  # by name: the callers' strings
    except Exception as e:  # MemoryError as well
        cp.log.exception(name, e)
    finally:
        if cp.jobs.get(name) is entry:  # else another has taken its place
            del cp.jobs[name]


def tell(cp, name, status, action, request=None):
    """Send a status of the job, "Uploading" or the like, with the requestId of the messages that have one."""
    if name in cp.jobs:
        cp.jobs[name][1] = status
    payload = {"status": status}
    if request is not None:
        payload["requestId"] = request
    cp.send(Call(action, payload, cp.informed))


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
        return await cold.call("ocpp16.opening", "over", self._cp, self._cp.link, stream, host)
