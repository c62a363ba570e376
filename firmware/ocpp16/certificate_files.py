# Cold: the certificates on flash, all of them DER but a chain of ours, which is PEM.
#
#   root1.der ... root9.der     roots of central systems             maker1.der ...     roots of who signs firmware
#   client.der, client.key      our certificate and its key; client2.der, client2.key the one before, or after
#   csr.key                     the key of a request that was not answered yet
from binascii import crc32
import cold

MOST = 9
ROOT = "root"
MAKER = "maker"
CSR = "csr.key"
_OWN = ("client", "client2")
_MONTH_S = 2592000


def roots(cp, kind):
    """(name, DER) of each root of a kind."""
    for n in range(1, MOST + 1):
        name = "%s%d.der" % (kind, n)
        der = cp.store.read(name)
        if der:
            yield name, der


def parse(text):
    """The Certificates of a PEM or of one DER, in their order; ValueError."""
    ders = (text,)
    if isinstance(text, str) or text[:10] == b"-----BEGIN":
        ders = cold.call("pem", "decode", text)
    return [cold.call("x509", "parse", der) for der in ders]


def trusts(cp, now):
    """Is there a valid root of a central system?"""
    for _, der in roots(cp, ROOT):
        try:
            if _is_valid(parse(der)[0], now):
                return True
        except ValueError:
            pass
    return False


def parsed(cp, kind):
    """The Certificates of the roots of a kind that can be read."""
    found = []
    for _, der in roots(cp, kind):
        try:
            found += parse(der)
        except ValueError:
            pass  # mbedTLS says so when it is to be used
    return found


def _is_valid(certificate, now):
    return now is None or certificate.not_before <= now <= certificate.not_after


def pairs(cp):
    """(name, Certificate) of ours that have a key."""
    for name in _OWN:
        der = cp.store.read(name + ".der")
        if der and cp.store.read(name + ".key"):
            try:
                yield name, parse(der)[0]
            except ValueError:
                pass


def own(cp, now):
    """(name, Certificate) of the newest of ours that is valid (SEC-CERT-03), or None."""
    best = None
    for name, certificate in pairs(cp):
        if _is_valid(certificate, now) and not (best and best[1].not_before >= certificate.not_before):
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


def serial_number(cp):
    """The name of this charger in its certificate."""
    return cp.settings.get("ChargePointSerialNumber") or cp.settings.get("ChargePointId")


def settle(cp):
    """A connection came up where a root signs the next: one that vouched until its successor does is gone (SEC-CERT-05)."""
    found = list(roots(cp, ROOT))
    if len(found) > 1 and crc32(found[-1][1]) == cp.root:
        cp.store.write(found[0][0], found[-1][1])
        for name, _ in found[1:]:
            cp.store.remove(name)


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
        cold.call("ocpp16.certificates", "sign", cp)
