"""A certificate signing request (PKCS#10, RFC 2986) for a P-256 key.

    key = yield from p256key.generate()
    der = yield from x509csr.create(key, "CP-0001", "Operator")         CN, O
"""

from hashlib import sha256

import p256key

_CN = b"\x06\x03\x55\x04\x03"
_O = b"\x06\x03\x55\x04\x0a"
_ECDSA_SHA256 = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
# AlgorithmIdentifier of a P-256 key, and the start of the bit string with its point
_KEY = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"


def _element(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    head = bytes((tag, size)) if size < 0x80 else bytes((tag, 0x82, size >> 8, size & 0xFF))
    if 0x80 <= size < 0x100:
        head = bytes((tag, 0x81, size))
    return head + body


def _name(oid, text):
    text = text.encode()
    if not 1 <= len(text) <= 64:  # ub-common-name and ub-organization-name of RFC 5280
        raise ValueError("a name has 1 to 64 bytes")
    return _element(0x31, _element(0x30, oid, _element(0x0C, text)))


def create(key, cn, o):
    """Steps: DER of the request, signed with ECDSA and SHA-256; o may be None. ValueError: a name is too long."""
    name = _element(0x30, _name(_O, o) if o is not None else b"", _name(_CN, cn))
    info = _element(0x30, b"\x02\x01\x00", name, _element(0x30, _KEY, key.point), b"\xa0\x00")
    signature = yield from p256key.sign(key.secret, sha256(info).digest())
    return _element(0x30, info, _ECDSA_SHA256, _element(3, b"\x00", signature))
