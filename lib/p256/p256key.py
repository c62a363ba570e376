"""Keys of P-256: made, written down, and signed with (ECDSA with SHA-256).

    key = yield from p256key.generate()                   Key: .secret (int), .point (65 bytes)
    der = key.der()                                       SEC1, as TLS libraries load it
    signature = yield from p256key.sign(key.secret, digest)        DER

A nonce is derived from key and digest (RFC 6979): a bad source of random numbers cannot give the key away.
"""

import os
from hashlib import sha256

import p256

# SEC1 (RFC 5915) in a SEQUENCE: version 1 and OCTET STRING (32), [0] prime256v1, [1] BIT STRING (65)
_SEC1_VERSION = b"\x02\x01\x01\x04\x20"
_SEC1_CURVE = b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
_SEC1_POINT = b"\xa1\x44\x03\x42\x00"
# PKCS#8 (RFC 5958) around it: version 0, AlgorithmIdentifier, OCTET STRING
_PKCS8_START = b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"


class Key:
    """A secret scalar and its public point."""

    def __init__(self, secret, point):
        self.secret = secret
        self.point = point

    def der(self):
        """ECPrivateKey of SEC1."""
        secret = self.secret.to_bytes(32, "big")
        return b"\x30\x77" + _SEC1_VERSION + secret + _SEC1_CURVE + _SEC1_POINT + self.point


def generate():
    """Steps: a new Key."""
    secret = 0
    while not 0 < secret < p256.N:  # thrown again, not reduced: every scalar is as likely
        secret = int.from_bytes(os.urandom(32), "big")
    point = yield from public(secret)
    return Key(secret, point)


def public(secret):
    """Steps: the 65 bytes of the public point."""
    total = yield from p256.multiply((secret, None, None))
    x, y = yield from p256.affine(total)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _secret(der):
    # (secret, what follows it in SEC1); ValueError, IndexError
    at, stop = p256.element(der, 0, 0x30)
    if stop != len(der):
        raise ValueError
    if der[at : at + len(_PKCS8_START)] == _PKCS8_START:
        at, stop = p256.element(der, at + len(_PKCS8_START), 4)
        return _secret(der[at:stop])
    if der[at : at + len(_SEC1_VERSION)] != _SEC1_VERSION:
        raise ValueError
    at += len(_SEC1_VERSION)
    return int.from_bytes(der[at : at + 32], "big"), der[at + 32 :]


def parse(der):
    """Steps: the Key of SEC1 or PKCS#8 bytes (P-256, not encrypted); ValueError."""
    try:
        secret, rest = _secret(der)
        if not 0 < secret < p256.N:
            raise ValueError
    except (IndexError, ValueError):
        raise ValueError("not a P-256 key")
    point = yield from public(secret)
    # Curve and point are optional there. A point that is not the key's would be a damaged or a planted one.
    if rest not in (b"", _SEC1_CURVE, _SEC1_CURVE + _SEC1_POINT + point, _SEC1_POINT + point):
        raise ValueError("damaged P-256 key")
    return Key(secret, point)


def _hmac(key, *parts):
    inner = sha256(bytes(b ^ 0x36 for b in key) + b"\x36" * 32)
    for part in parts:
        inner.update(part)
    outer = sha256(bytes(b ^ 0x5C for b in key) + b"\x5c" * 32)
    outer.update(inner.digest())
    return outer.digest()


def _nonce(secret, digest):
    # RFC 6979 section 3.2; hash and order have 256 bits, so one round gives a candidate
    start = secret.to_bytes(32, "big") + (int.from_bytes(digest, "big") % p256.N).to_bytes(32, "big")
    value = b"\x01" * 32
    key = bytes(32)
    for mark in (b"\x00", b"\x01"):
        key = _hmac(key, value, mark, start)
        value = _hmac(key, value)
    while True:
        value = _hmac(key, value)
        nonce = int.from_bytes(value, "big")
        if 0 < nonce < p256.N:
            return nonce
        key = _hmac(key, value, b"\x00")
        value = _hmac(key, value)


def _integer(number):
    body = number.to_bytes(33, "big").lstrip(b"\x00")
    if body[0] & 0x80:
        body = b"\x00" + body
    return bytes((2, len(body))) + body


def sign(secret, digest):
    """Steps: DER signature of a SHA-256 digest."""
    nonce = _nonce(secret, digest)
    yield
    total = yield from p256.multiply((nonce, None, None))
    r, _ = yield from p256.affine(total)
    r %= p256.N
    # Blinded: neither the inversion nor the product with the secret sees a value that an onlooker could guess.
    blind = int.from_bytes(os.urandom(32), "big") % p256.N or 1
    inverse = yield from p256.invert(nonce * blind % p256.N, p256.N)
    s = (int.from_bytes(digest, "big") * blind + r * blind % p256.N * secret) % p256.N * inverse % p256.N
    # r = 0 or s = 0 would need a digest made for it, in about 2**256 tries
    body = _integer(r) + _integer(s)
    return bytes((0x30, len(body))) + body
