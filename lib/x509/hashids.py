"""What OCPP calls CertificateHashData, of what x509.parse has returned: the parser need not be there any more."""

from binascii import hexlify
from hashlib import sha256


def hash_ids(certificate, issuer=None):
    """(issuerNameHash, issuerKeyHash, serialNumber) with SHA-256, lower-case hex; without an issuer it is its own."""
    name = sha256(certificate.issuer).digest()
    key = (issuer or certificate).key_hash
    return hexlify(name).decode(), hexlify(key).decode(), certificate.serial
