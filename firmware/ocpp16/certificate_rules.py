# Cold: what certificates have to be like before their signatures are looked at, and how roots are kept. ValueError says what is
# wrong with one.
from binascii import crc32

from ocpp16 import certificate_files as files
import cold


def vouching(cp, kind, certificate):
    """The one that has to have signed a root that is offered, None for one that stands below another."""
    if kind == files.ROOT and cp.settings.get("AdditionalRootCertificateCheck"):
        for known in files.trusted(cp, kind):
            if known.digest != certificate.digest:  # SEC-CERT-05
                return known
            break
    return certificate if certificate.issuer == certificate.subject else None


def keep_root(cp, kind):
    """Write the root down that is offered; the status for the answer."""
    with files.offered(cp, 1) as f:
        der = f.read()
    names = []
    for name, known in files.roots(cp, kind):
        if known == der:
            return "Accepted"
        names.append(name)
    others = files.roots(cp, files.MAKER if kind == files.ROOT else files.ROOT)
    if len(names) + len([1 for _ in others]) >= cp.settings.get("CertificateStoreMaxLength"):
        cp.log.warning("security", "no room for another root certificate")
        return "Rejected"
    n = 1
    while "%s%d.der" % (kind, n) in names:
        n += 1
    name = "%s%d.der" % (kind, n)
    cp.store.write(name, der)
    cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", "installed " + name)
    return "Accepted"


def examine_own(cp, leaf):
    """ValueError says why this is no certificate of ours (SEC-CERT-02)."""
    if leaf.kind != "p256" or leaf.key != (cp.store.read(files.CSR) or b"")[-65:]:
        raise ValueError("not for the key that was asked for")
    if leaf.serial == "0" or not leaf.o:
        raise ValueError("no serial number, or no O")
    if leaf.cn != files.serial_number(cp):
        raise ValueError("CN is not our serial number")
    if leaf.o != cp.settings.get("CpoName"):
        cp.log.warning("security", "O of the new certificate is not CpoName")


def settle(cp):
    """A connection came up where a root signs the next: one that vouched until its successor does is gone (SEC-CERT-05)."""
    names = [name for name, _ in files.roots(cp, files.ROOT)]
    der = cp.store.read(names[-1]) if len(names) > 1 else None
    if der and crc32(der) == cp.root:
        cp.store.write(names[0], der)
        for name in names[1:]:
            cp.store.remove(name)
