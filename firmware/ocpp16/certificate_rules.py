# Cold: what certificates have to be like before their signatures are looked at, and how they are kept. ValueError says what is
# wrong with one.
from ocpp16 import certificate_files as files
import cold


def _note(cp, name, text):
    cold.call("ocpp16.security_events", "note", cp, name, text)


def examine_root(cp, kind, text):
    """(Certificate, the one that has to have signed it or None) of a root that is offered."""
    certificate = files.parse(text)[0]
    vouching = None
    if certificate.issuer == certificate.subject:
        vouching = certificate
    if kind == files.ROOT and cp.settings.get("AdditionalRootCertificateCheck"):
        known = files.parsed(cp, kind)
        if known and known[0].der != certificate.der:  # SEC-CERT-05
            vouching = known[0]
    return certificate, vouching


def keep_root(cp, kind, der):
    """Write a root down; the status for the answer."""
    found = list(files.roots(cp, kind))
    if [1 for _, known in found if known == der]:
        return "Accepted"
    count = len(found) + len(list(files.roots(cp, files.MAKER if kind == files.ROOT else files.ROOT)))
    if count >= cp.settings.get("CertificateStoreMaxLength"):
        cp.log.warning("security", "no room for another root certificate")
        return "Rejected"
    names = [name for name, _ in found]
    n = 1
    while "%s%d.der" % (kind, n) in names:
        n += 1
    name = "%s%d.der" % (kind, n)
    cp.store.write(name, der)
    _note(cp, "ReconfigurationOfSecurityParameters", "installed " + name)
    return "Accepted"


def examine_own(cp, text):
    """(chain, trusted roots) of what is to be our certificate (SEC-CERT-02); None when nothing was asked for."""
    key = cp.store.read(files.CSR)
    if not key or len(text) > cp.settings.get("CertificateSignedMaxChainSize"):
        cp.log.warning("security", "CertificateSigned: nothing was asked for, or it is too long")
        return None
    chain = files.parse(text)
    leaf = chain[0]
    if leaf.kind != "p256" or leaf.key != key[-65:]:
        raise ValueError("not for the key that was asked for")
    if leaf.serial == "0" or not leaf.o:
        raise ValueError("no serial number, or no O")
    if leaf.cn != files.serial_number(cp):
        raise ValueError("CN is not our serial number")
    if leaf.o != cp.settings.get("CpoName"):
        cp.log.warning("security", "O of the new certificate is not CpoName")
    return chain, files.parsed(cp, files.ROOT)


def keep_own(cp, chain):
    """Write our certificate (DER, and those up to a root) down, with the key of the request; the status for the answer.

    Whatever is cut short leaves the pair that is in use, and the key of the request until its certificate is there.
    """
    now = cp.clock.utc()
    name = files.spare(cp, now)
    cp.store.remove(name + ".der")
    cp.store.write(name + ".key", cp.store.read(files.CSR))
    data = chain[0]
    if len(chain) > 1:
        data = "".join([cold.call("pem", "encode", der) for der in chain]).encode()
    cp.store.write(name + ".der", data)
    cp.store.remove(files.CSR)
    _note(cp, "ReconfigurationOfSecurityParameters", "new " + name + ".der")
    if cp.settings.get("SecurityProfile") == 3 and files.own(cp, now)[0] == name:
        cp.reconnect = True
    return "Accepted"
