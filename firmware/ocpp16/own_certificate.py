# Cold: our own certificates on flash (see certificate_files): which is used, which is to be renewed, and how a new one is kept.
import os

from ocpp16 import certificate_files as files
import cold

_OWN = ("client", "client2")
_MONTH_S = 2592000


def pairs(cp):
    """(name, Certificate) of ours that have a key."""
    for name in _OWN:
        try:
            certificate = files.certificate(cp, name + ".der")
        except ValueError:
            continue
        if certificate and cp.store.read(name + ".key"):
            yield name, certificate


def own(cp, now):
    """(name, Certificate) of the newest of ours that is valid (SEC-CERT-03), or None."""
    best = None
    for name, certificate in pairs(cp):
        if files.is_valid(certificate, now) and not (best and best[1].not_before >= certificate.not_before):
            best = name, certificate
    return best


def identity(cp, now):
    """(certificate, key) as they are on flash, to be known by; None, None without."""
    read = cp.store.read
    best = own(cp, now) if read("client2.der") else ("client",)  # with one there is nothing to choose
    return (read(best[0] + ".der"), read(best[0] + ".key")) if best else (None, None)


def spare(cp, now):
    """The name of the pair that a new one may take the place of."""
    best = own(cp, now)
    return _OWN[1] if best and best[0] == _OWN[0] else _OWN[0]


def daily(cp):
    """What a day may change of ours: asked for anew within its last month, the one before it forgotten (SEC-CERT-03)."""
    now = cp.clock.utc()
    best = own(cp, now)
    if not best:
        return
    for name, certificate in pairs(cp):
        if name != best[0] and certificate.not_before < best[1].not_before < now - _MONTH_S:
            cp.store.remove(name + ".der")
            cp.store.remove(name + ".key")
    if not [1 for _, certificate in pairs(cp) if certificate.not_after > now + _MONTH_S]:
        cold.call("ocpp16.certificate_request", "sign", cp)


def keep(cp, point, count):
    """Write down what was offered, the certificate of a key and those up to a root, with the key; the status for the answer.

    ValueError when another request was made meanwhile. Whatever is cut short leaves the pair that is in use, and the key of the
    request until its certificate is there.
    """
    now = cp.clock.utc()
    name = spare(cp, now)
    key = cp.store.read(files.CSR) or b""
    if key[-65:] != point:
        raise ValueError("not for the key that was asked for last")
    cp.store.remove(name + ".der")
    cp.store.write(name + ".key", key)
    if count == 1:
        with files.offered(cp, 1) as f:
            cp.store.write(name + ".der", f.read())
    else:
        _write_chain(cp, name + ".der", count)
    cp.store.remove(files.CSR)
    cold.call("ocpp16.security_events", "note", cp, "ReconfigurationOfSecurityParameters", "new " + name + ".der")
    if cp.settings.get("SecurityProfile") == 3 and own(cp, now)[0] == name:
        cp.reconnect = True
    return "Accepted"


def _write_chain(cp, name, count):
    """What was offered as one PEM, the only form in which TLS takes a chain."""
    path = cp.store.path(name)
    temporary = path + "~"
    try:
        with open(temporary, "wb") as f:
            for n in range(1, count + 1):
                with files.offered(cp, n) as der:
                    for line in cold.call("pem", "lines", der):
                        f.write(line.encode())
        os.rename(temporary, path)
    finally:
        try:
            os.remove(temporary)
        except OSError:
            pass  # it has the name that it was made for
