# Cold: the first download of an update, a part of the job "firmware" (see firmware_update): the list of the bundle.
from hashlib import sha256

from bundle import BundleError, Complete
from transfer import Place
import cold
import transfer

_JOB = "firmware"
_NEXT = "ocpp16.firmware_update"


async def contents(cp, request, report, retries):
    """Get the list of the bundle."""
    if any([c.energised for c in cp.connectors]):
        report.tell("Downloading")
        return -1, "ocpp16.firmware_contents", "contents", request, report, retries
    url = request["location"]
    download = _Contents(cp, url, "request" in request)
    try:
        words = "Downloading", None, {"": "DownloadFailed"}
        again = request["interval"], retries, "ocpp16.firmware_contents", "contents", request, report
        left = await cold.call("ocpp16.tries", "transfer", cp, _JOB, url, download.attempt, words, report.tell, *again)
    except (BundleError, OSError) as e:
        return _NEXT, "refused", request, report, e.args[-1]
    if not isinstance(left, int):
        return left or (_NEXT, "end", request, report, "DownloadFailed")
    # Nothing of a class whose module may go.
    wanted, place = download.wanted, download.place
    wanted = wanted.head, wanted.digest, wanted.signature, wanted.end
    return _NEXT, "check", request, report, left, wanted, download.whole, place.mark, place.size


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
