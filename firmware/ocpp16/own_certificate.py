# Cold: our own certificates on flash (see certificate_files): which is used, and which is to be renewed. How a new one is kept:
# certificate_keeping.
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
    """(certificate, key) as they are on flash, to be known by; None, None without. The certificate is an iterator over the DER of
    it and of those that vouch for it, which as a whole may be large."""
    read = cp.store.read
    name = own(cp, now) if read("client2.der") else ("client",)  # with one there is nothing to choose
    name = name and name[0] + ".der"
    head = name and read(name, len(files.PEM))
    return (_ders(cp.store.path(name), head), read(name[:-3] + "key")) if head else (None, None)


def _ders(path, head):
    with open(path, "rb") as f:
        if head == files.PEM:
            yield from cold.call("pem", "decode", f)
        else:
            yield f.read()


async def fit(cp, unique, name, value):
    """The first part of the job that changes the security profile, or the key: is there what a profile takes?"""
    now = cp.clock.utc()
    trusts = value in ("2", "3") and files.trusts(cp, now)
    return "ocpp16.security_profile", "change", unique, name, value, trusts, value == "3" and own(cp, now) is not None


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
