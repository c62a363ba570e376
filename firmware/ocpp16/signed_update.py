# Cold: SignedUpdateFirmware (SEC-FW rows): who signs is checked before anything is fetched; then it is an update as any other,
# see firmware_update, until firmware_signature looks at what has come.
from ocpp16 import firmware_request, jobs
from ocpp16.errors import OcppError
from ocpp16.rpc import Call
import cold

_JOB = "firmware"
_ACTION = "SignedFirmwareStatusNotification"


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def signed_update_firmware(self, payload):
        """The signer is judged first, by a job that then answers."""
        cp = self._cp
        signer = payload.pop("packed")  # see ocpp16.certificate_text
        if isinstance(signer, OcppError):
            raise signer
        why = signer if isinstance(signer, Exception) else None
        step = "ocpp16.signed_update", "judged", cp.rpc.unique, payload, signer
        if why or firmware_request.installing(cp):
            step += (why,)
        else:
            # For the room; what is on flash begins anew if this request is refused.
            jobs.cancel(cp, _JOB)
            step = "ocpp16.firmware_signature", "vouched", signer, step
        jobs.start(cp, cp.rpc.unique, *step)


async def judged(cp, unique, payload, der, why):
    """The end of that job; why: what the certificate `der` is refused for."""
    status = scheduled = None
    try:
        if why:
            raise why
        status, scheduled = _begin(cp, payload, der)
    except ValueError as e:
        status, why = "InvalidCertificate", str(e)
    except (OSError, MemoryError) as e:
        status, why = "Rejected", None
        cp.log.error(_JOB, repr(e))
    if _JOB not in cp.jobs:
        cp.update_at = firmware_request.due(cp)
    cp.rpc.answer(unique, {"status": status})
    if why:
        cold.call("ocpp16.security_events", "note", cp, "InvalidFirmwareSigningCertificate", why)
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
    cp.store.write("signer.der", der)
    firmware_request.begin(
        cp, firmware["location"], payload.get("retries"), payload.get("retryInterval"), date, variant
    )
    status = "AcceptedCanceled" if before and "told" not in before else "Accepted"
    return status, date > (cp.clock.utc() or 0)
