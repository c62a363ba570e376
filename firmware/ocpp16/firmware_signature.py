# Cold: who signs an update, and did he? Parts of jobs, beside which nothing else is loaded.
from binascii import a2b_base64
from io import BytesIO

from ocpp16 import certificate_reading
import cold
import steps

_NEXT = "ocpp16.firmware_update"


async def vouched(cp, der, then):
    """Of a job, of which `then` comes next with one more argument: what the signer is refused for, or None."""
    why = None
    try:
        signer = certificate_reading.parse(BytesIO(der))
        await _checked("check", [signer], certificate_reading.issuers(cp, "maker", signer), cp.clock.utc())
    except (ValueError, OSError, MemoryError) as e:
        why = e
    return then + (why,)


async def check(cp, request, report, slot, image, digest):
    """Of the job "firmware" (see firmware_update): did the signer of the request, who was judged when it came, sign what was
    downloaded? digest: SHA-256 of all of it. RSA in both encodings, or ECDSA."""
    status = bad = "InvalidSignature"
    try:
        signer = certificate_reading.parse(open(cp.store.path("signer.der"), "rb"))
        signature = cold.call("ocpp16.firmware_request", "load", cp)["signature"]
        if await _checked("signed", signer, a2b_base64(signature), digest):
            report.tell("SignatureVerified")
            return _NEXT, "install", request, report, slot, image
    except ValueError:
        pass
    except (OSError, MemoryError) as e:
        status = "InstallationFailed"
        cp.log.error("firmware", repr(e))
    if status == bad:
        location = request["location"].split("?")[0].split("@")[-1]
        cold.call("ocpp16.security_events", "note", cp, "InvalidFirmwareSignature", location)
    return _NEXT, "end", request, report, status


async def _checked(function, *args):
    try:
        return await steps.finish(getattr(cold.load("x509chain"), function)(*args))  # by name: check, signed
    finally:
        cold.drop("x509chain")
        cold.drop("rsa")
        cold.drop("p256")
