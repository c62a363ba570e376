# Cold: what certificates have to be like before their signatures are looked at, and how they are kept. ValueError says what is
# wrong with one.
import os

from ocpp16 import certificate_files as files
import cold


def _note(cp, name, text):
    cold.call("ocpp16.security_events", "note", cp, name, text)


def examine_root(cp, kind):
    """(Certificate, the one that has to have signed it or None) of a root that is offered."""
    certificate = vouching = next(files.offered(cp, 1))
    same = certificate.issuer == certificate.subject
    if kind == files.ROOT and cp.settings.get("AdditionalRootCertificateCheck"):
        known = next(iter(files.Trusted(cp, kind)), None)
        if known and known.der != certificate.der:  # SEC-CERT-05
            vouching, same = known, True
    certificate.der = vouching.der = None
    return certificate, vouching if same else None


def keep_root(cp, kind):
    """Write the root down that is offered; the status for the answer."""
    der = cp.store.read(files.OFFERED % 1)
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
    _note(cp, "ReconfigurationOfSecurityParameters", "installed " + name)
    return "Accepted"


def examine_own(cp):
    """ValueError says why the first of what is offered is no certificate of ours (SEC-CERT-02)."""
    leaf = next(files.offered(cp, 1))
    if leaf.kind != "p256" or leaf.key != (cp.store.read(files.CSR) or b"")[-65:]:
        raise ValueError("not for the key that was asked for")
    if leaf.serial == "0" or not leaf.o:
        raise ValueError("no serial number, or no O")
    if leaf.cn != files.serial_number(cp):
        raise ValueError("CN is not our serial number")
    if leaf.o != cp.settings.get("CpoName"):
        cp.log.warning("security", "O of the new certificate is not CpoName")


def keep_own(cp, count):
    """Write our certificate, and those up to a root, down with the key of the request; the status for the answer.

    Whatever is cut short leaves the pair that is in use, and the key of the request until its certificate is there.
    """
    now = cp.clock.utc()
    name = files.spare(cp, now)
    cp.store.remove(name + ".der")
    cp.store.write(name + ".key", cp.store.read(files.CSR))
    if count == 1:
        cp.store.write(name + ".der", cp.store.read(files.OFFERED % 1))
    else:
        _write_chain(cp, name + ".der", count)
    cp.store.remove(files.CSR)
    _note(cp, "ReconfigurationOfSecurityParameters", "new " + name + ".der")
    if cp.settings.get("SecurityProfile") == 3 and files.own(cp, now)[0] == name:
        cp.reconnect = True
    return "Accepted"


def _write_chain(cp, name, count):
    """What was offered as one PEM, the only form in which TLS takes a chain."""
    path = cp.store.path(name)
    temporary = path + "~"
    try:
        with open(temporary, "wb") as f:
            for n in range(1, count + 1):
                for line in cold.call("pem", "lines", cp.store.read(files.OFFERED % n)):
                    f.write(line.encode())
        os.rename(temporary, path)
    finally:
        try:
            os.remove(temporary)
        except OSError:
            pass  # it has the name that it was made for
