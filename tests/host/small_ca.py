"""A certificate authority of a few lines, with every flaw that a test may want; dates are days from a given moment."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NO_DAY_IS_TOO_LATE = (-1, 99)


def utc(seconds: int) -> dt.datetime:
    """Seconds since 2000 as a date."""
    return dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


def name(cn: str | None, o: str | None = None) -> x509.Name:
    """A Name of O and CN."""
    pairs = ((NameOID.ORGANIZATION_NAME, o), (NameOID.COMMON_NAME, cn))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs if text])


def make_key(kind: str = "p256"):
    """A private key: "p256", "p384", "p192", or RSA by its bits: "rsa2048"."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p192": ec.SECP192R1()}[kind])


def pem(der: bytes) -> str:
    """A certificate as OCPP carries it."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


class Ca:
    """A root, self-signed or below `parent`: `der`, `pem`; `leaf` and `sign` make certificates below it."""

    def __init__(self, cn, now, *, days=NO_DAY_IS_TOO_LATE, kind="p256", key=None, ca=True, parent=None):
        self.now, self.subject, self.key = now, name(cn, "Pilotwire"), key or make_key(kind)
        parent = parent or self
        basic = x509.BasicConstraints(ca, None)
        self.der = parent._certify(self.subject, self.key.public_key(), days, [(basic, True)])
        self.pem = pem(self.der)

    def _certify(self, subject, public, days, extensions=(), serial=None, issuer=None):
        start, end = (self.now + dt.timedelta(days=d) for d in days)
        builder = x509.CertificateBuilder(
            issuer or self.subject, subject, public, serial or x509.random_serial_number(), start, end
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def sign(self, public, cn, o="Operator", days=NO_DAY_IS_TOO_LATE):
        """DER of a certificate for this public key."""
        return self._certify(name(cn, o), public, days)

    def leaf(self, cn, o="Operator", days=NO_DAY_IS_TOO_LATE, kind="p256"):
        """(key, certificate), both DER; the key as the charger keeps it."""
        key = make_key(kind)
        der = key.private_bytes(
            Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return der, self.sign(key.public_key(), cn, o, days)


def sign_file(key, data: bytes, pss: bool = False) -> bytes:
    """The signature of a file: PKCS#1 v1.5 or PSS with RSA, ECDSA otherwise; SHA-256."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
    return key.sign(data, scheme, hashes.SHA256())
