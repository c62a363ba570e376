# Certificates of the security extension (SEC-CERT rows). Cold: loaded for one message (see rpc), so it keeps nothing.
#
# What a signature has to be checked for is a job, in steps, and its CALL is answered when it is through.
from binascii import crc32

from ocpp16 import certificate_files as files
from ocpp16.security_events import note
import cold
import steps

_KINDS = {"CentralSystemRootCertificate": files.ROOT, "ManufacturerRootCertificate": files.MAKER}


class Profile:
    def __init__(self, charge_point):
        self._cp = charge_point

    def get_installed_certificate_ids(self, payload):
        found = [_ids(certificate) for certificate in files.parsed(self._cp, _KINDS[payload["certificateType"]])]
        return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}

    def delete_certificate(self, payload):
        cp, wanted = self._cp, _folded(payload["certificateHashData"])
        for kind in (files.ROOT, files.MAKER):
            for name, der in files.roots(cp, kind):
                try:
                    same = _folded(_ids(files.parse(der)[0])) == wanted
                except ValueError:
                    continue
                if same:
                    return {"status": _delete(cp, kind, name, der)}
        return {"status": "NotFound"}

    def install_certificate(self, payload):
        self._begin("install", _KINDS[payload["certificateType"]], payload["certificate"])

    def certificate_signed(self, payload):
        self._begin("signed", payload["certificateChain"])

    def _begin(self, *job):
        unique = self._cp.rpc.unique
        cold.call("ocpp16.jobs", "start", self._cp, unique, "ocpp16.certificates", "answer", unique, *job)


def _ids(certificate):
    name, key, serial = cold.call("x509", "hash_ids", certificate)
    return {"hashAlgorithm": "SHA256", "issuerNameHash": name, "issuerKeyHash": key, "serialNumber": serial}


def _folded(ids):
    return [ids[name].lower().lstrip("0") for name in sorted(ids)]


def _delete(cp, kind, name, der):
    if kind == files.ROOT and (
        crc32(der) == cp.root or (cp.settings.get("SecurityProfile") > 1 and len(list(files.roots(cp, kind))) == 1)
    ):
        return "Failed"  # it vouches for this connection, or no other could
    try:
        cp.store.remove(name)
    except OSError:
        return "Failed"
    note(cp, "ReconfigurationOfSecurityParameters", "deleted " + name)
    return "Accepted"


async def answer(cp, unique, kind, *job):
    """The job: what the CALL `unique` asks for, and its answer."""
    status = "Failed"
    try:
        status = await (_install if kind == "install" else _signed)(cp, *job)
    except OSError as e:  # disk full
        cp.log.error("security", repr(e))
    finally:
        cp.rpc.answer(unique, {"status": status})


async def _install(cp, kind, text):
    why = ""
    try:
        certificate = files.parse(text)[0]
        why = await _flaw_of_root(cp, kind, certificate)
    except ValueError as e:
        why = str(e)
    if why:
        if kind == files.ROOT:
            note(cp, "InvalidCentralSystemCertificate", why)
        return "Rejected"
    found = list(files.roots(cp, kind))
    if [1 for _, der in found if der == certificate.der]:
        return "Accepted"
    count = len(found) + len(list(files.roots(cp, files.MAKER if kind == files.ROOT else files.ROOT)))
    if count >= cp.settings.get("CertificateStoreMaxLength"):
        cp.log.warning("security", "no room for another root certificate")
        return "Rejected"
    names = [name for name, _ in found]
    for n in range(1, files.MOST + 1):
        name = "%s%d.der" % (kind, n)
        if name not in names:
            break
    cp.store.write(name, certificate.der)
    note(cp, "ReconfigurationOfSecurityParameters", "installed " + name)
    return "Accepted"


async def _flaw_of_root(cp, kind, certificate):
    """What is wrong with a root that is offered; "" for nothing."""
    import x509chain

    x509chain.usable(certificate, cp.clock.utc(), 0)
    vouching = None
    if certificate.issuer == certificate.subject:
        vouching = certificate
    if kind == files.ROOT and cp.settings.get("AdditionalRootCertificateCheck"):
        known = files.parsed(cp, kind)
        if known and known[0].der != certificate.der:  # SEC-CERT-05
            vouching = known[0]
    if vouching:
        try:
            if not await steps.finish(x509chain.verify(certificate, vouching)):
                return "not signed by its issuer"
        except x509chain.ChainError as e:
            if e.args[0] != "unsupported" or vouching.der != certificate.der:
                raise
            # a curve that only TLS knows: a root that signs itself proves nothing by that
    return ""


async def _signed(cp, text):
    key = cp.store.read(files.CSR)
    why = ""
    try:
        if not key or len(text) > cp.settings.get("CertificateSignedMaxChainSize"):
            return "Rejected"
        chain = files.parse(text)
        why = await _flaw_of_own(cp, chain, key)
    except ValueError as e:
        why = str(e)
    if why:
        note(cp, "InvalidChargePointCertificate", why)
        return "Rejected"
    # Whatever is cut short leaves the pair that is in use, and the key of the request until its certificate is there.
    now = cp.clock.utc()
    name = files.spare(cp, now)
    cp.store.remove(name + ".der")
    cp.store.write(name + ".key", key)
    data = chain[0].der if len(chain) == 1 else "".join([cold.call("pem", "encode", c.der) for c in chain]).encode()
    cp.store.write(name + ".der", data)
    cp.store.remove(files.CSR)
    note(cp, "ReconfigurationOfSecurityParameters", "new " + name + ".der")
    if cp.settings.get("SecurityProfile") == 3 and files.own(cp, now)[0] == name:
        cp.reconnect = True
    return "Accepted"


async def _flaw_of_own(cp, chain, key):
    """What is wrong with a chain that is to be ours (SEC-CERT-02); "" for nothing."""
    import x509chain

    leaf = chain[0]
    if leaf.kind != "p256" or leaf.key != key[-65:]:
        return "not for the key that was asked for"
    if leaf.serial == "0" or not leaf.o:
        return "no serial number, or no O"
    if leaf.cn != cold.call("ocpp16.signing", "serial_number", cp):
        return "CN is not our serial number"
    if leaf.o != cp.settings.get("CpoName"):
        cp.log.warning("security", "O of the new certificate is not CpoName")
    await steps.finish(x509chain.check(chain, files.parsed(cp, files.ROOT), cp.clock.utc(), True))
    return ""
