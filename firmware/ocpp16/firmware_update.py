# Cold: an update, from the download to the restart, or what became of it after the restart; the job "firmware" (see jobs).
#
# The bundle is taken in two parts. First its list, which is checked with its signature before anything is touched; then its
# files, straight into the idle slot. An erase stalls the chip: while a contactor is closed the download waits, and goes on later.
import asyncio
import gc

from bundle import BundleError, Complete
from ocpp16 import firmware_request
from transfer import Place, TransferError
import cold
import steps
import transfer

_JOB = "firmware"
_LIST = "update.list"
_KEY = "/update.pub"
_TURN_MS = 500
_FAILED = "InstallationFailed"


class _Charging(Exception):
    """A contactor has closed: no erase until it opens."""


async def run(cp):
    """Do what the request on flash says, to the end that the central system is told."""
    request = firmware_request.load(cp)
    if request is None:
        return
    # Not the module's name on flash: another build, which goes on with the request, has another one.
    module = "ocpp16.signed_update" if "request" in request else "ocpp16.update_report"
    report = cold.load(module).Report(cp, request)  # by name: update_report, signed_update
    cold.drop(module)  # by name: as above
    try:
        if "told" not in request:
            if "slot" in request:
                request["told"] = "Installed" if request["slot"] == cp.slot else _FAILED
                if request["slot"] == cp.slot:
                    cold.call("ocpp16.security_events", "note", cp, "FirmwareUpdated", cp.version)
            else:
                request["told"] = await _update(cp, request, report)
            firmware_request.save(cp, request)
        cp.closing = False
        if cp.jobs[_JOB][1] != request["told"]:
            report.tell(request["told"])
        await report.told(True)
        firmware_request.over(cp)
    finally:
        cp.closing = False


async def _update(cp, request, report):
    """The status that it ends with; does not return if that is a restart."""
    download = _Download(cp, request["location"], report)
    words = "Downloading", "Downloaded", {"": "DownloadFailed"}
    try:
        again = request["retries"], request["interval"]
        if not await cold.call("ocpp16.tries", "transfer", cp, _JOB, download.attempt, words, report.tell, *again):
            return words[2][""]
        if not await report.downloaded():
            return cp.jobs[_JOB][1]
        await _idle(cp)
        await report.install()
        report.tell("Installing")
        await report.told()
        # From here on a start knows how it ends by the slot that it finds itself in.
        request["slot"] = download.slot
        firmware_request.save(cp, request)
        await report.restart()
        cold.call(cp.slots, "switch", download.slot, download.image)  # by name: port.slots
        cp.restart = "update"
        while True:
            await asyncio.sleep_ms(_TURN_MS)
    except (BundleError, OSError) as e:
        cp.log.error(_JOB, e.text if isinstance(e, BundleError) else "flash: %s" % e)
        if cp.jobs[_JOB][1] == "Downloading":
            report.tell(words[1])
            report.tell("Installing")
    finally:
        download.close()
        cp.store.remove(_LIST)
    request.pop("slot", None)
    return _FAILED


async def _idle(cp):
    """Wait for the end of all transactions; who is free meanwhile is Unavailable (FW-05)."""
    cp.closing = True
    await asyncio.sleep_ms(_TURN_MS)
    while cp.auth or any([c.transaction or c.tag or c.energised for c in cp.connectors]):
        await asyncio.sleep_ms(_TURN_MS)


class _Download:
    def __init__(self, cp, location, report):
        self._cp = cp
        self._location = location
        self._report = report
        self._place = Place()
        self._end = None  # size of the bundle, once its list was checked
        self._install = None
        self.image = None  # partition for the image of MicroPython, if the bundle has one
        self.slot, self._mpy, self._board, self._pair = cold.call(cp.slots, "target", cp.slot)  # by name: port.slots

    def close(self):
        if self._install:
            self._install.close()

    async def attempt(self, connect, secure, buf):
        """One try; what came before goes on."""
        lines = connect, secure, buf
        while True:
            await self._quiet()
            try:
                if not self._end:
                    await self._list(lines)
                if self._place.offset < self._end:
                    await transfer.get(self._location, self, lines[0], lines[1], lines[2], self._place)
                break
            except _Charging:
                self._cp.log.info(_JOB, "waits at %d bytes: a car charges" % self._place.offset)
            except TransferError as e:
                if e.kind != "changed":
                    raise
                self._begin_again()
        await steps.finish(self._install.finish())

    async def _quiet(self):
        """Wait until no contactor is closed."""
        self._cp.clock.hold(-1)
        try:
            while any([c.energised for c in self._cp.connectors]):
                await asyncio.sleep_ms(_TURN_MS)
        finally:
            self._cp.clock.hold(1)

    def _begin_again(self):
        self.close()
        self._end = self._install = None
        self._place = Place()

    async def _list(self, lines):
        """Get the list and judge it; BundleError leaves everything as it was."""
        self._report.begin()
        cp = self._cp
        path = cp.store.path(_LIST)
        place = Place()
        with open(path, "wb") as out:
            wanted = cold.call("bundlelist", "List", out, self._report.whole)
            try:
                await transfer.get(self._location, wanted, lines[0], lines[1], lines[2], place)
                raise BundleError("size", "it ends before its files")
            except Complete:
                pass
        gc.collect()
        least = (cp.store.read("minimum") or b"").decode()
        cold.call("bundlecheck", "check", wanted, self._board, self._mpy, least, self._pair is not None, place.size)
        await self._signed(wanted)
        gc.collect()
        self.image = self._pair if wanted.head.get("image") else None
        self._install = cold.call("bundleinstall", "Install", path, "/" + self.slot, self.image, self._report.whole)
        self._place = Place(wanted.end + await steps.finish(self._install.begin()), place.mark, place.size)
        self._end = wanted.end + wanted.head["bytes"]

    async def _signed(self, wanted):
        try:
            with open(_KEY, "rb") as f:
                key = f.read()
        except OSError:
            key = b""
        module = cold.load("bundlecheck")
        try:
            await steps.finish(module.verify(wanted, key, self._cp.settings.get("UnsignedFirmware")))
        finally:
            cold.drop("bundlecheck")
            cold.drop("rsa")

    def write(self, piece):
        """Take a piece of the files; before anything of it is stored, a contactor may stop it."""
        if any([c.energised for c in self._cp.connectors]):
            raise _Charging
        self._install.write(piece)
