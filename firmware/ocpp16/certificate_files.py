# Cold: the certificates on flash, all of them DER but a chain of ours, which is PEM. Of ours more is in own_certificate.
#
#   root1.der ... root9.der     roots of central systems             maker1.der ...     roots of who signs firmware
#   client.der, client.key      our certificate and its key; client2.der, client2.key the one before, or after
#   csr.key                     the key of a request that was not answered yet
#   offered1.der ...            of a message that is being read, or looked at by the job "certificates"
import cold

MOST = 9
ROOT = "root"
MAKER = "maker"
CSR = "csr.key"
OFFERED = "offered%d.der"
PEM = b"-----BEGIN"  # how a chain begins
JOB = "certificates"


def kind(payload):
    """What kind of root a message is about."""
    return MAKER if payload["certificateType"] == "ManufacturerRootCertificate" else ROOT


def roots(cp, kind):
    """(name, DER) of each root of a kind."""
    for n in range(1, MOST + 1):
        name = "%s%d.der" % (kind, n)
        der = cp.store.read(name)
        if der:
            yield name, der


def certificate(cp, name):
    """The Certificate in a file, the first one of a chain; None without, ValueError."""
    head = cp.store.read(name, len(PEM))
    if not head:
        return None
    with open(cp.store.path(name), "rb") as f:  # as a whole it is large
        return cold.call("x509", "parse", next(cold.call("pem", "decode", f)) if head == PEM else f)


def trusted(cp, kind):
    """The Certificates of the roots of a kind that can be read, one at a time."""
    for n in range(1, MOST + 1):
        try:
            found = certificate(cp, "%s%d.der" % (kind, n))
        except ValueError:
            continue  # mbedTLS says so when it is to be used
        if found:
            yield found
        found = None  # not beside the next one


def naming(cp, kind, issuer):
    """Paths of those that have this Name in them: who signed a certificate that says so, or what is that certificate itself."""
    return [cp.store.path(name) for name, der in roots(cp, kind) if issuer in der]


def offered(cp, n):
    """The open file of the nth certificate of a message, which may be large."""
    return open(cp.store.path(OFFERED % n), "rb")


def forget(cp):
    """Remove what a message has offered."""
    for n in range(1, MOST + 2):
        cp.store.remove(OFFERED % n)


def is_valid(parsed, now):
    """Is it in date? Without a clock it is."""
    return now is None or parsed.not_before <= now <= parsed.not_after


def trusts(cp, now):
    """Is there a valid root of a central system?"""
    return any(is_valid(root, now) for root in trusted(cp, ROOT))


def serial_number(cp):
    """The name of this charger in its certificate."""
    return cp.settings.get("ChargePointSerialNumber") or cp.settings.get("ChargePointId")
