# Cold: an update, from the request on flash to the restart, and what became of it after that; the job "firmware" (see jobs).
#
# In parts, each of which returns the next, since an update is short of RAM:
#
#   begin -> firmware_contents -> check -> firmware_files -> (firmware_signature ->) install; refused or end where it fails
#
# First comes the list of the bundle, which is checked with its signature before anything is touched, then its files.
import asyncio

from bundle import BundleError, Complete
import cold
import steps

_JOB = "firmware"
_REQUEST = "ocpp16.firmware_request"
_CONTENTS = "ocpp16.firmware_contents"
_KEY = "/update.pub"
_TURN_MS = 500
_DELIVERY = 120  # such turns for what is queued
_FAILED = "InstallationFailed"


async def begin(cp):
    """Do what the request on flash says."""
    request = cold.call(_REQUEST, "load", cp)
    if request is None:
        return None
    report = cold.call("ocpp16.update_report", "Report", cp, request)
    if "signature" in request:
        request["signature"] = ""  # it is on flash
    if "told" in request:
        status = request["told"]
    elif "slot" in request:
        status = "Installed" if request["slot"] == cp.slot else _FAILED
        if request["slot"] == cp.slot:
            cold.call("ocpp16.security_events", "note", cp, "FirmwareUpdated", cp.version)
    else:
        return _CONTENTS, "contents", request, report, request["retries"]
    return await end(cp, request, report, status)


async def check(cp, request, report, retries, wanted, whole, mark, size):
    """The list is there: is it for this board, and of whom? Then make room for the files."""
    wanted = Complete(*wanted)
    total = wanted.end + wanted.head["bytes"]
    try:
        slot, mpy, board, pair = cold.call(cp.slots, "target", cp.slot)  # by name: port.slots
        least = (cp.store.read("minimum") or b"").decode()
        cold.call("bundlecheck", "check", wanted, board, mpy, least, pair is not None, size)
        await _verify(cp, wanted)
        image = pair if wanted.head.get("image") else None
        install = cold.call("bundleinstall", "Install", cp.store.path("update.list"), "/" + slot, image, whole)
        offset = wanted.end + await steps.finish(install.begin())
        state = install.state()
    except (BundleError, OSError) as e:
        return await refused(cp, request, report, e.args[-1])
    except MemoryError:  # as a try that failed
        cp.log.warning(_JOB, "out of memory, %d tries left" % retries)
        if retries:
            return _CONTENTS, "contents", request, report, retries - 1
        return await end(cp, request, report, "DownloadFailed")
    return "ocpp16.firmware_files", "files", request, report, retries, state, offset, mark, total, whole, slot, image


async def _verify(cp, wanted):
    try:
        with open(_KEY, "rb") as f:
            key = f.read()
    except OSError:
        key = b""
    unsigned = cp.settings.get("UnsignedFirmware")
    try:
        await steps.finish(cold.load("bundlecheck").verify(wanted, key, unsigned))
    finally:
        cold.drop("bundlecheck")
        cold.drop("rsa")


async def install(cp, request, report, slot, image):
    """All of it is there: restart into it, when the time that the request may name has come and nobody charges.

    image: partition with an image of MicroPython, or None.
    """
    try:
        at = request.get("at", 0)
        if (cp.clock.utc() or 0) < at:
            report.tell("InstallScheduled")
            while (cp.clock.utc() or 0) < at:
                await asyncio.sleep_ms(_TURN_MS)
        await _idle(cp)
        report.tell("Installing")
        await report.told()
        # From here on a start knows how it ends by the slot that it finds itself in.
        request["slot"] = slot
        cold.call(_REQUEST, "save", cp, request)
        if "signature" in request:
            report.tell("InstallRebooting")
            await report.told()
        cold.call(cp.slots, "switch", slot, image)  # by name: port.slots
        cp.restart = "update"
        while True:
            await asyncio.sleep_ms(_TURN_MS)
    except OSError as e:
        cp.log.error(_JOB, "flash: %s" % e)
    finally:
        cp.closing = False
    request.pop("slot", None)
    return await end(cp, request, report, _FAILED)


async def _idle(cp):
    """Wait for the end of all transactions; who is free meanwhile is Unavailable (FW-05)."""
    cp.closing = True
    await asyncio.sleep_ms(_TURN_MS)
    while cp.auth or any(cp.transactions.open) or any([c.transaction or c.tag or c.energised for c in cp.connectors]):
        await asyncio.sleep_ms(_TURN_MS)
    for _ in range(_DELIVERY):  # else a StopTransaction that is on its way would be told twice
        if not (cp.accepted and cp.transactions.queued):
            return
        await asyncio.sleep_ms(_TURN_MS)


def refused(cp, request, report, why):
    """Coroutine: the bundle is not for us, or the flash fails; the standard has no status for that before Installing.

    why: in words, or an error number of the flash.
    """
    cp.log.error(_JOB, why if isinstance(why, str) else "flash: %d" % why)
    report.tell("Downloaded")
    report.tell("Installing")
    return end(cp, request, report, _FAILED)


async def end(cp, request, report, status):
    """It is over: tell it until the central system knows."""
    request["told"] = status
    cold.call(_REQUEST, "save", cp, request)
    report.tell(status)
    await report.told(True)
    cold.call(_REQUEST, "over", cp)
