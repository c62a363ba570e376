# Cold: SignCertificate: a new key and a request signed with it (SEC-CERT-01, SEC-CERT-08). The key waits in a file of its own until
# CertificateSigned brings the certificate.
from ocpp16.certificate_files import CSR
from ocpp16.rpc import Call
import cold

_MODULES = ("p256", "p256key", "x509csr")


def start(cp):
    """Begin a request; False, with the reason in the log, where there can be none."""
    if not cp.settings.get("CpoName"):
        cp.log.warning("security", "no request for a certificate: CpoName is not set")
        return False
    cp.work.append(_request(cp))
    return True


def serial_number(cp):
    """The name of this charger in its certificate."""
    return cp.settings.get("ChargePointSerialNumber") or cp.settings.get("ChargePointId")


def _request(cp):
    import p256key
    import x509csr

    try:
        key = yield from p256key.generate()
        der = yield from x509csr.create(key, serial_number(cp), cp.settings.get("CpoName"))
        cp.store.write(CSR, key.der())
    finally:
        for name in _MODULES:
            cold.drop(name)
    text = cold.call("pem", "encode", der, "CERTIFICATE REQUEST")
    cp.send(Call("SignCertificate", {"csr": text}, _answered, cp))


def _answered(call, answer, error):
    cp = call.ref if call else None
    if answer and answer["status"] != "Accepted":
        cp.store.remove(CSR)
        cp.log.warning("security", "SignCertificate: Rejected")
