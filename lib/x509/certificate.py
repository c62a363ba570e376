"""What x509.parse finds in a certificate: plain data, so that the parser can be forgotten before a signature is checked."""


class Certificate:
    """Annotations only: they cost nothing on the device."""

    digest: bytes  # SHA-256 of what is signed
    signature: bytes
    algorithm: str  # "rsa", "pss", "ecdsa", "" for any other
    salt: "int | None"  # its length, with "pss"
    serial: str  # lower-case hex digits without leading zeros
    issuer: bytes  # Name in DER
    subject: bytes
    cn: "str | None"  # the subject's first commonName
    o: "str | None"  # and organizationName
    not_before: int  # seconds since 2000-01-01T00:00:00Z
    not_after: int
    kind: str  # of the key: "rsa", "p256", "ec" (another curve), "other"
    bits: int  # its length; of other curves in whole bytes, of "other" 0
    key: "tuple | bytes | None"  # (n, e), or 65 bytes of a point
    key_hash: bytes  # SHA-256 of the key's bit string
    ca: bool
    path_len: "int | None"
    usage: "int | None"  # first byte of keyUsage: 0x80 digitalSignature, 0x04 keyCertSign
    names: list  # [(kind of subjectAltName: 2 DNS, 7 IP, ..., bytes)]
    critical: bool  # has a critical extension that is not known here
