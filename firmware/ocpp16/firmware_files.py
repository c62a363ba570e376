# Cold: the second download of an update, a part of the job "firmware" (see firmware_update): its files, straight into the idle
# slot. An erase stalls the chip: while a contactor is closed a download waits, and goes on later.
from transfer import Place, TransferError
import cold
import transfer

_JOB = "firmware"
_NEXT = "ocpp16.firmware_update"


class _Charging(Exception):
    """A contactor has closed: no erase until it opens."""


class _Changed(Exception):
    """It is another bundle than the one whose list was checked."""


async def files(cp, request, report, retries, install, offset, mark, end, whole, slot, image):
    """Get what comes after it."""
    url = request["location"]
    download = _Files(cp, url, install, Place(offset, mark, end), end)
    try:
        words = "Downloading", "Downloaded", {"": "DownloadFailed"}
        again = retries, request["interval"]
        left = await cold.call("ocpp16.tries", "transfer", cp, _JOB, url, download.attempt, words, report.tell, *again)
        if left is None:
            return _NEXT, "end", request, report, "DownloadFailed"
        for _ in install.finish():
            pass
    except (install.error, OSError) as e:
        return _NEXT, "refused", request, report, e.args[-1]
    except _Changed:
        return "ocpp16.firmware_contents", "contents", request, report, retries
    finally:
        install.close()
    return _NEXT, "install", request, report, slot, image, whole and whole.digest()


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
            await cold.call("ocpp16.firmware_contents", "quiet", self._cp)
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
