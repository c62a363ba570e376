# Cold: what the central system asks and has deleted of the roots that are installed (SEC-CERT rows): jobs that answer a CALL,
# since certificates are read best when what has read that is gone.
from binascii import crc32

from hashids import hash_ids
from ocpp16 import certificate_files as files
import cold

_HERE = "ocpp16.installed_certificates"


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_installed_certificate_ids(self, payload):
        self._begin("tell", files.kind(payload))

    def delete_certificate(self, payload):
        self._begin("delete", _folded(payload["certificateHashData"]))

    def _begin(self, function, what):
        unique = self._cp.rpc.unique
        cold.call("ocpp16.jobs", "start", self._cp, unique, _HERE, function, unique, what)  # by name: tell, delete


async def tell(cp, unique, kind):
    """Answer GetInstalledCertificateIds."""
    found = [_ids(certificate) for certificate in files.trusted(cp, kind)]
    cp.rpc.answer(unique, {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"})


async def delete(cp, unique, wanted):
    """Answer DeleteCertificate."""
    cp.rpc.answer(unique, {"status": _deleted(cp, wanted)})


def _deleted(cp, wanted):
    for kind in (files.ROOT, files.MAKER):
        for name, der in files.roots(cp, kind):
            try:
                same = _folded(_ids(cold.call("x509", "parse", der))) == wanted
            except ValueError:
                continue
            if same:
                return _delete(cp, kind, name, der)
    return "NotFound"


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
