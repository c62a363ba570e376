# Cold: SignedUpdateFirmware (SEC-FW rows): who signs is checked before anything is fetched; then it is an update as any other,
# see firmware_update.
from binascii import a2b_base64

from ocpp16 import firmware_request
from ocpp16.rpc import Call
import cold
import steps

_JOB = "firmware"
_ACTION = "SignedFirmwareStatusNotification"
_SIGNER = "signer.der"  # file: the certificate of the request on flash
_EVENTS = "ocpp16.security_events"


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def signed_update_firmware(self, payload):
        unique = self._cp.rpc.unique
        cold.call("ocpp16.jobs", "start", self._cp, unique, "ocpp16.signed_update", "answer", unique, [payload])


async def answer(cp, unique, payload):
    """The job: judge the signer, and answer the CALL `unique`; payload: a list of one, to be emptied."""
    payload = payload.pop()
    firmware = payload["firmware"]
    why = scheduled = None
    try:
        der = next(cold.call("pem", "decode", firmware.pop("signingCertificate")))
        signer = cold.call("x509", "parse", der)
        await cold.run("ocpp16.certificate_jobs", "vouched", cp, signer, "maker")
        status, scheduled = _begin(cp, payload, der)
    except ValueError as e:
        status, why = "InvalidCertificate", str(e)
    except (OSError, MemoryError) as e:
        status = "Rejected"
        cp.log.error(_JOB, repr(e))
    cp.rpc.answer(unique, {"status": status})
    if why:
        cold.call(_EVENTS, "note", cp, "InvalidFirmwareSigningCertificate", why)
    if scheduled:
        cp.send(Call(_ACTION, {"status": "DownloadScheduled", "requestId": payload["requestId"]}, cp.informed))


def _begin(cp, payload, der):
    """(status, is it for later?): write the request down; the one before goes, if that is possible (SEC-FW-04)."""
    if firmware_request.installing(cp):
        return "Rejected", False
    firmware = payload["firmware"]
    before = firmware_request.load(cp)
    variant = {"request": payload["requestId"], "signature": firmware["signature"]}
    if "installDateTime" in firmware:
        variant["at"] = cold.call("iso8601", "parse", firmware["installDateTime"])
    date = cold.call("iso8601", "parse", firmware["retrieveDateTime"])
    cp.store.write(_SIGNER, der)
    firmware_request.begin(
        cp, firmware["location"], payload.get("retries"), payload.get("retryInterval"), date, variant
    )
    status = "AcceptedCanceled" if before and "told" not in before else "Accepted"
    return status, date > (cp.clock.utc() or 0)


async def verified(cp, location, signature, digest):
    """Did the signer of the request sign a file of this SHA-256? RSA in both encodings, or ECDSA."""
    try:
        signature = a2b_base64(signature)
        signer = cold.call("x509", "parse", cp.store.read(_SIGNER) or b"")
        if await steps.finish(cold.load("x509chain").signed(signer, signature, digest)):
            return True
    except ValueError:
        pass
    finally:
        cold.drop("x509chain")
        cold.drop("rsa")
        cold.drop("p256")
    cold.call(_EVENTS, "note", cp, "InvalidFirmwareSignature", location.split("?")[0].split("@")[-1])
    return False
