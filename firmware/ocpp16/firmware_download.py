# Cold: the two downloads of an update, parts of the job "firmware" (see firmware_update): the bundle's list, and then its files,
# straight into the idle slot. An erase stalls the chip: while a contactor is closed a download waits, and goes on later.
import asyncio
from hashlib import sha256

from bundle import BundleError, Complete
from transfer import Place, TransferError
import cold
import transfer

_JOB = "firmware"
_NEXT = "ocpp16.firmware_update"
_TURN_MS = 500


class _Charging(Exception):
    """A contactor has closed: no erase until it opens."""


class _Changed(Exception):
    """It is another bundle than the one whose list was checked."""


async def contents(cp, request, report, retries):
    """Get the list of the bundle."""
    url = request["location"]
    download = _Contents(cp, url, "request" in request)
    try:
        left = await _tries(cp, url, download.attempt, None, report, retries, request)
    except (BundleError, OSError) as e:
        return _NEXT, "refused", request, report, e.args[-1]
    if left is None:
        return _NEXT, "end", request, report, "DownloadFailed"
    # Nothing of a class whose module may go.
    wanted, place = download.wanted, download.place
    wanted = wanted.head, wanted.digest, wanted.signature, wanted.end
    return _NEXT, "check", request, report, left, wanted, download.whole, place.mark, place.size


async def files(cp, request, report, retries, install, offset, mark, end, whole, slot, image):
    """Get what comes after it."""
    url = request["location"]
    download = _Files(cp, url, install, Place(offset, mark, end), end)
    try:
        left = await _tries(cp, url, download.attempt, "Downloaded", report, retries, request)
        if left is None:
            return _NEXT, "end", request, report, "DownloadFailed"
        for _ in install.finish():
            pass
    except (install.error, OSError) as e:
        return _NEXT, "refused", request, report, e.args[-1]
    except _Changed:
        return "ocpp16.firmware_download", "contents", request, report, retries
    finally:
        install.close()
    return _NEXT, "install", request, report, slot, image, whole and whole.digest()


def _tries(cp, url, attempt, done, report, retries, request):
    words = "Downloading", done, {"": "DownloadFailed"}
    return cold.call("ocpp16.tries", "transfer", cp, _JOB, url, attempt, words, report.tell, retries, request["interval"])


async def _quiet(cp):
    """Wait until no contactor is closed."""
    cp.clock.hold(-1)
    try:
        while any([c.energised for c in cp.connectors]):
            await asyncio.sleep_ms(_TURN_MS)
    finally:
        cp.clock.hold(1)


class _Contents:
    """The list, from its first byte on at each try; BundleError leaves everything as it was."""

    def __init__(self, cp, url, signed):
        self._cp = cp
        self._url = url
        self._signed = signed  # as a whole, by whom the request says
        self.whole = None  # hash of all of it, if that is what was signed
        self.place = None
        self.wanted = None
        self._out = None  # file for it
        self._sink = None

    async def attempt(self, connect, secure, buf):
        await _quiet(self._cp)
        self.whole = sha256() if self._signed else None
        self.place = Place()
        self._sink = None
        with open(self._cp.store.path("update.list"), "wb") as self._out:
            try:
                await transfer.get(self._url, self, connect, secure, buf, self.place)
                raise BundleError("size", "it ends before its files")
            except Complete as e:
                self.wanted = e
            finally:
                self._sink = None

    def write(self, piece):
        if not self._sink:  # only now: a handshake needs the room
            self._sink = cold.call("bundlelist", "List", self._out, self.whole)
        self._sink.write(piece)


class _Files:
    """The rest; what one try got stays for the next."""

    def __init__(self, cp, url, install, place, end):
        self._cp = cp
        self._url = url
        self._install = install
        self._place = place
        self._end = end  # size of the bundle

    async def attempt(self, connect, secure, buf):
        while self._place.offset < self._end:
            await _quiet(self._cp)
            try:
                await transfer.get(self._url, self, connect, secure, buf, self._place)
                return
            except _Charging:
                self._cp.log.info(_JOB, "waits at %d bytes: a car charges" % self._place.offset)
            except TransferError as e:
                if e.kind != "changed":
                    raise
                raise _Changed

    def write(self, piece):
        """Before anything of it is stored, a contactor may stop it."""
        if any([c.energised for c in self._cp.connectors]):
            raise _Charging
        self._install.write(piece)
