# Cold: asks for a certificate of our own (SignCertificate). The key of the request waits in a file of its own until
# CertificateSigned brings the certificate.
from ocpp16 import certificate_files as files
from ocpp16.rpc import Call
import cold
import steps

_MODULES = ("p256key", "x509csr", "p256")


def sign(cp):
    """Begin a SignCertificate (SEC-CERT-01, SEC-CERT-08); False, with the reason in the log, where there can be none."""
    if not cp.settings.get("CpoName"):
        cp.log.warning("security", "no request for a certificate: CpoName is not set")
        return False
    cold.call("ocpp16.jobs", "start", cp, "SignCertificate", "ocpp16.certificate_request", "request")
    return True


async def request(cp):
    """The job: a new key and a request signed with it; some seconds, in steps."""
    import p256key
    import x509csr

    key = await steps.finish(p256key.generate())
    der = await steps.finish(x509csr.create(key, files.serial_number(cp), cp.settings.get("CpoName")))
    cp.store.write(files.CSR, key.der())
    key = p256key = x509csr = None
    for name in _MODULES:
        cold.drop(name)  # by name: those of _MODULES
    text = cold.call("pem", "encode", der, "CERTIFICATE REQUEST")
    cp.send(Call("SignCertificate", {"csr": text}, _answered, cp))


def _answered(call, answer, error):
    if answer and answer["status"] != "Accepted":
        call.ref.store.remove(files.CSR)
        call.ref.log.warning("security", "SignCertificate: Rejected")
