# Cold: SignCertificate: a new key and a request signed with it (SEC-CERT-01, SEC-CERT-08). The key waits in a file of its own
# until CertificateSigned brings the certificate.
from ocpp16.certificate_files import CSR
from ocpp16.rpc import Call
import cold
import steps


def start(cp):
    """Begin a request; False, with the reason in the log, where there can be none."""
    if not cp.settings.get("CpoName"):
        cp.log.warning("security", "no request for a certificate: CpoName is not set")
        return False
    cold.call("ocpp16.jobs", "start", cp, "SignCertificate", "ocpp16.signing", "request")
    return True


def serial_number(cp):
    """The name of this charger in its certificate."""
    return cp.settings.get("ChargePointSerialNumber") or cp.settings.get("ChargePointId")


async def request(cp):
    """The job: some seconds, in steps."""
    import p256key
    import x509csr

    key = await steps.finish(p256key.generate())
    der = await steps.finish(x509csr.create(key, serial_number(cp), cp.settings.get("CpoName")))
    cp.store.write(CSR, key.der())
    text = cold.call("pem", "encode", der, "CERTIFICATE REQUEST")
    cp.send(Call("SignCertificate", {"csr": text}, _answered, cp))


def _answered(call, answer, error):
    if answer and answer["status"] != "Accepted":
        call.ref.store.remove(CSR)
        call.ref.log.warning("security", "SignCertificate: Rejected")
