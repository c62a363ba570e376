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


class _Refused(Exception):
    """It is not what its list says."""


async def files(cp, request, report, retries, state, offset, mark, end, whole, slot, image):
    """Get what comes after it; state: how far its installation is."""
    url = request["location"]
    place = Place(offset, mark, end)
    download = _Files(cp, url, place, end, state, slot, image, whole)
    try:
        words = "Downloading", "Downloaded", {"": "DownloadFailed"}
        again = request["interval"], retries
        left = await cold.call("ocpp16.tries", "transfer", cp, _JOB, url, download.attempt, words, report.tell, *again)
        if left is None:
            return _NEXT, "end", request, report, "DownloadFailed"
        if isinstance(left, int):
            if whole:
                return "ocpp16.firmware_signature", "check", request, report, slot, image, whole.digest()
            return _NEXT, "install", request, report, slot, image
    except (_Refused, OSError) as e:
        return _NEXT, "refused", request, report, e.args[-1]
    except _Changed:
        return "ocpp16.firmware_contents", "contents", request, report, retries
    except _Charging:
        cp.log.info(_JOB, "waits at %d bytes: a car charges" % place.offset)
        left = -1, retries
    finally:
        if download.state[0] not in (None, True):  # True: a try that got nothing has not opened it again
            download.state[0].close()
    # What is there stays for the next try.
    state = (download.state[0] and True,) + download.state[1:]
    args = request, report, left[1], state, place.offset, place.mark, end, whole, slot, image
    return (left[0], "ocpp16.firmware_files", "files") + args


class _Files:
    """The rest; what one try got stays for the next."""

    def __init__(self, cp, url, place, end, state, slot, image, whole):
        self._cp = cp
        self._url = url
        self._place = place
        self._end = end  # size of the bundle
        self._target = cp.store.path("update.list"), "/" + slot, image, whole
        self.state = state
        self._install = None

    async def attempt(self, connect, secure, buf):
        if self._place.offset >= self._end:
            return
        self._look()
        try:
            await transfer.get(self._url, self, connect, secure, buf, self._place)
            self._use("finish")
        except TransferError as e:
            if e.kind != "changed":
                raise
            raise _Changed
        finally:
            if self._install:
                self.state = self._install.state()
                self._install = None

    def _look(self):
        if any([c.energised for c in self._cp.connectors]):
            raise _Charging

    def write(self, piece):
        """Before anything of it is stored, a contactor may stop it."""
        self._look()
        self._use("write", piece)

    def _use(self, word, *args):
        """A word of the installation, which is loaded now: a handshake needs the room."""
        if not self._install:
            self._install = cold.call("bundleinstall", "Install", *self._target, self.state)
        try:
            getattr(self._install, word)(*args)  # by name: finish, write
        except self._install.error as e:
            raise _Refused(e.text)
