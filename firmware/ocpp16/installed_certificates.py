# Cold: what the central system asks and has deleted of the roots that are installed (SEC-CERT rows).
from binascii import crc32

from hashids import hash_ids
from ocpp16 import certificate_files as files
import cold


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_installed_certificate_ids(self, payload):
        found = [_ids(certificate) for certificate in files.trusted(self._cp, files.kind(payload))]
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


def _ids(certificate):
    name, key, serial = hash_ids(certificate)
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
