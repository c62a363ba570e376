# Cold: the upload of a file that is made while it is sent. A job, see jobs.
import asyncio

import cold

_ACTION = "DiagnosticsStatusNotification"
_WORDS = ("Uploading", "Uploaded", {"": "UploadFailed"})
_SPARE = 512  # what the file may grow by between the pass that counts and the one that sends
_TURN = 8  # lines counted between two looks at the rest of the world


def diagnostics(cp, url, file, start, stop, interval, left):
    """Coroutine: what GetDiagnostics asked for; interval, left: its retryInterval, and how often it may be tried again."""
    return upload(
        cp,
        "diagnostics",
        url,
        file,
        lambda: cp.diagnose(start, stop),
        _WORDS,
        lambda status: cold.call("ocpp16.jobs", "tell", cp, "diagnostics", status, _ACTION),
        interval,
        left,
        "ocpp16.upload",
        "diagnostics",
        url,
        file,
        start,
        stop,
        interval,
    )


def upload(cp, job, url, file, lines, words, told, *again):
    """Coroutine: send what lines() yields, an iterator of bytes each time, with the statuses and what else is of ocpp16.tries."""
    from transfer import TransferError, put

    async def attempt(connect, secure, buf):
        size = await _counted(lines())
        try:
            # Object stores want to know the size; those of Azure what it is to be.
            await put(url, Source(lines, size), connect, secure, buf, size, headers=("x-ms-blob-type: BlockBlob",))
        except TransferError as e:
            if url[:4].lower() != "http" or not (e.kind in ("refused", "missing") or " answers 501 " in e.text):
                raise
            cp.log.info(job, e.text + "; with POST then")
            await put(url, Source(lines, size), connect, secure, buf, size, "POST", ("file", file))

    # Handed on, not awaited: one frame less while the file travels.
    return cold.call("ocpp16.tries", "transfer", cp, job, url, attempt, words, told, *again)


async def _counted(lines):
    """Bytes that they will take at most."""
    size = _SPARE
    turn = 0
    for line in lines:
        size += len(line)
        turn += 1
        if turn % _TURN == 0:
            await asyncio.sleep_ms(0)
    return size


class Source:
    """`size` bytes of what lines() yields, an iterator of bytes, blank lines at the end where that is less."""

    def __init__(self, lines, size):
        self._begin = lines  # only when the first bytes are asked for: a handshake needs the room
        self._lines = None
        self._rest = b""
        self._left = size

    def readinto(self, view):
        n = min(len(view), self._left)
        at = 0
        self._lines = self._lines or self._begin()
        while at < n:
            if not self._rest:
                try:
                    self._rest = next(self._lines)
                except StopIteration:
                    self._lines = iter(())  # what made them may go: the answer needs the room
                    self._rest = b"\n"
            part = self._rest[: n - at]
            view[at : at + len(part)] = part
            at += len(part)
            self._rest = self._rest[len(part) :]
        self._left -= n
        return n
