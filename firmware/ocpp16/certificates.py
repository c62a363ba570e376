# Certificates of the security extension (SEC-CERT rows). Cold: loaded for one message (see rpc), so it keeps nothing.
from binascii import crc32

from ocpp16 import certificate_files as files
from ocpp16.errors import OcppError
import cold

_KINDS = {"CentralSystemRootCertificate": files.ROOT, "ManufacturerRootCertificate": files.MAKER}


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_installed_certificate_ids(self, payload):
        found = [_ids(certificate) for certificate in files.trusted(self._cp, _KINDS[payload["certificateType"]])]
        return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}

    def delete_certificate(self, payload):
        cp, wanted = self._cp, _folded(payload["certificateHashData"])
        for kind in (files.ROOT, files.MAKER):
            for name, der in files.roots(cp, kind):
                try:
                    same = _folded(_ids(cold.call("x509", "parse", der))) == wanted
                except ValueError:
                    continue
                if same:
                    return {"status": _delete(cp, kind, name, der)}
        return {"status": "NotFound"}

    def install_certificate(self, payload):
        return self._begin(_KINDS[payload["certificateType"]], payload["packed"])

    def certificate_signed(self, payload):
        return self._begin(None, payload["packed"])

    def _begin(self, kind, packed):
        """What signatures have to be checked for is a job; its CALL is answered when it is through."""
        if isinstance(packed, OcppError):  # see ocpp16.certificate_text
            raise packed
        if not packed:
            return {"status": "Rejected"}
        cp, unique = self._cp, self._cp.rpc.unique
        cold.call("ocpp16.jobs", "start", cp, files.JOB, "ocpp16.certificate_jobs", "answer", unique, kind, packed)


def _ids(certificate):
    name, key, serial = cold.call("x509", "hash_ids", certificate)
    return {"hashAlgorithm": "SHA256", "issuerNameHash": name, "issuerKeyHash": key, "serialNumber": serial}


def _folded(ids):
    return [ids[name].lower().lstrip("0") for name in sorted(ids)]


def _delete(cp, kind, name, der):
    if kind == files.ROOT and (
        crc32(der) == cp.root or (cp.settings.get("SecurityProfile") > 1 and len([1 for _ in files.roots(cp, kind)]) == 1)
    ):
        return "Failed"  # it vouches for this connection, or no other could
    try:
        cp.store.remove(name)
    except OSError:
        return "Failed"
    cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", "deleted " + name)
    return "Accepted"
