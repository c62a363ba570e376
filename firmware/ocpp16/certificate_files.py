# Cold: the certificates on flash, all of them DER but a chain of ours, which is PEM.
#
#   root1.der ... root9.der     roots of central systems             maker1.der ...     roots of who signs firmware
#   client.der, client.key      our certificate and its key; client2.der, client2.key the one before, or after
#   csr.key                     the key of a request that was not answered yet
#   offered1.der ...            of a message that is being read, or looked at by the job "certificates"
from binascii import crc32
import cold

MOST = 9
ROOT = "root"
MAKER = "maker"
CSR = "csr.key"
OFFERED = "offered%d.der"
JOB = "certificates"
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
    """The Certificates of a PEM or of one DER, in their order, one at a time; ValueError."""
    if not isinstance(text, str) and text[:10] != b"-----BEGIN":
        yield cold.call("x509", "parse", text)
        return
    for der in cold.call("pem", "decode", text):
        yield cold.call("x509", "parse", der)


def trusts(cp, now):
    """Is there a valid root of a central system?"""
    return any(_is_valid(root, now) for root in Trusted(cp, ROOT))


class Trusted:
    """The Certificates of the roots of a kind that can be read, one at a time, as often as somebody goes through them."""

    def __init__(self, cp, kind):
        self._cp = cp
        self._kind = kind

    def __iter__(self):
        for _, der in roots(self._cp, self._kind):
            try:
                yield next(parse(der))
            except ValueError:
                pass  # mbedTLS says so when it is to be used


def offered(cp, count):
    """The Certificates of a message, one at a time; ValueError."""
    for n in range(1, count + 1):
        yield next(parse(cp.store.read(OFFERED % n)))


def forget(cp):
    """Remove what a message has offered."""
    for n in range(1, MOST + 2):
        cp.store.remove(OFFERED % n)


def _is_valid(certificate, now):
    return now is None or certificate.not_before <= now <= certificate.not_after


def pairs(cp):
    """(name, Certificate) of ours that have a key."""
    for name in _OWN:
        der = cp.store.read(name + ".der")
        if der and cp.store.read(name + ".key"):
            try:
                yield name, next(parse(der))
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
    names = [name for name, _ in roots(cp, ROOT)]
    der = cp.store.read(names[-1]) if len(names) > 1 else None
    if der and crc32(der) == cp.root:
        cp.store.write(names[0], der)
        for name in names[1:]:
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
