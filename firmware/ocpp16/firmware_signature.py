# Cold: who signs an update, and did he? Parts of jobs, beside which nothing else is loaded.
from binascii import a2b_base64
from io import BytesIO

from ocpp16.certificate_reading import checked, issuers, parse
import cold
import steps

_NEXT = "ocpp16.firmware_update"


async def vouched(cp, der, then):
    """Of a job, of which `then` comes next with one more argument: what the signer is refused for, or None."""
    why = None
    try:
        signer = parse(BytesIO(der))
        await checked(_below, signer, issuers(cp, "maker", signer), cp.clock.utc())
    except (ValueError, OSError, MemoryError) as e:
        why = e
    return then + (why,)


async def check(cp, request, report, slot, image, digest):
    """Of the job "firmware" (see firmware_update): did the signer of the request, who was judged when it came, sign what was
    downloaded? digest: SHA-256 of all of it. RSA in both encodings, or ECDSA."""
    try:
        signer = parse(open(cp.store.path("signer.der"), "rb"))
        signature = cold.call("ocpp16.firmware_request", "load", cp)["signature"]
        if await checked(_signed, signer, a2b_base64(signature), digest):
            report.tell("SignatureVerified")
            return _NEXT, "install", request, report, slot, image
    except ValueError:
        pass
    except (OSError, MemoryError) as e:
        cp.log.error("firmware", repr(e))
        return _NEXT, "end", request, report, "InstallationFailed"
    location = request["location"].split("?")[0].split("@")[-1]
    cold.call("ocpp16.security_events", "note", cp, "InvalidFirmwareSignature", location)
    return _NEXT, "end", request, report, "InvalidSignature"


def _below(x509chain, signer, roots, now):
    return steps.finish(x509chain.check([signer], roots, now))


def _signed(x509chain, signer, signature, digest):
    return steps.finish(x509chain.signed(signer, signature, digest))
