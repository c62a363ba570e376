# Cold: SignedUpdateFirmware (SEC-FW rows): who signs is checked before anything is fetched; then it is an update as any other,
# see firmware_update, with a Report of its own.
from binascii import a2b_base64
from hashlib import sha256
import asyncio

from ocpp16 import firmware_request, update_report
from ocpp16.rpc import Call
import cold
import steps

_JOB = "firmware"
_ACTION = "SignedFirmwareStatusNotification"
_SIGNER = "signer.der"  # file: the certificate of the request on flash
_EVENTS = "ocpp16.security_events"
_TURN_S = 1


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
        makers = cold.call("ocpp16.certificate_files", "issuers", cp, "maker", signer)
        await cold.run("ocpp16.certificate_jobs", "vouched", cp, signer, makers)
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


async def _is_signed(cp, signature, digest):
    """Did the signer of the request sign a file of this SHA-256? RSA in both encodings, or ECDSA."""
    try:
        signature = a2b_base64(signature)
        signer = cold.call("x509", "parse", cp.store.read(_SIGNER) or b"")
        return await steps.finish(cold.load("x509chain").signed(signer, signature, digest))
    except ValueError:
        return False
    finally:
        cold.drop("x509chain")
        cold.drop("rsa")
        cold.drop("p256")


class Report(update_report.Report):
    """What firmware_update tells, and asks, while it does what SignedUpdateFirmware wanted.

    No private names: those of the class below would be renamed apart from these.
    """

    action = _ACTION

    def __init__(self, cp, request):
        super().__init__(cp, request)
        self.cp = cp
        cp.jobs[_JOB][2:] = [request["request"]]  # for who asks meanwhile

    def begin(self):
        """The bundle comes from its first byte on."""
        self.whole = sha256()

    def payload(self, status):
        return {"status": status, "requestId": self.request["request"]}

    async def downloaded(self):
        if await _is_signed(self.cp, self.request["signature"], self.whole.digest()):
            self.tell("SignatureVerified")
            return True
        self.tell("InvalidSignature")
        cold.call(_EVENTS, "note", self.cp, "InvalidFirmwareSignature", self.request["location"].split("?")[0].split("@")[-1])
        return False

    async def install(self):
        at = self.request.get("at")
        if at and (self.cp.clock.utc() or 0) < at:
            self.tell("InstallScheduled")
            while (self.cp.clock.utc() or 0) < at:
                await asyncio.sleep(_TURN_S)

    async def restart(self):
        self.tell("InstallRebooting")
        await self.told()
