"""RSA signatures checked with integers alone: PKCS#1 v1.5 and PSS with SHA-256, 2048 to 4096 bits.

    encoded = yield from rsa.recover(n, e, signature)      None: not a signature of this key
    rsa.is_pkcs1(encoded, digest) or rsa.is_pss(encoded, n, digest)

or both in one, verify(). Only public values are handled, so nothing here hides its timing. A key out of the range
above is a ValueError; whatever else is wrong is just no signature. Generators: a step takes at most about 8 ms on
an ESP32 with 4096 bits (see README.md).
"""

from hashlib import sha256

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_MIN_BITS = const(2048)
_MAX_BITS = const(4096)
_HASH = const(32)
# DigestInfo of SHA-256, RFC 8017 section 9.2
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def bits(number):
    """Length of a number without leading zeros."""
    size = 0
    while number >> size:
        size += 256
    while size and not number >> (size - 1):
        size -= 1
    return size


def recover(n, e, signature):
    """Steps: signature ** e % n as bytes of the modulus' length; None when the signature is out of range."""
    size = bits(n)
    if not _MIN_BITS <= size <= _MAX_BITS or not n & 1 or not e & 1 or not 3 <= e <= 1 << 32:
        raise ValueError("unsupported RSA key")
    length = (size + 7) // 8
    if len(signature) != length:
        return None
    base = int.from_bytes(signature, "big")
    if base >= n:
        return None
    # The product is never made as a whole: in parts, reduced one after the other, no number is longer than nine eighths of n.
    part = (size + 7) // 8
    mask = (1 << part) - 1
    power = base
    for bit in range(bits(e) - 2, -1, -1):
        for other in (None, base) if e >> bit & 1 else (None,):
            factor, power = power, 0
            other = other or factor
            for shift in range(7 * part, -1, -part):
                power <<= part  # one operation each: what it was made of may go
                power += (factor >> shift & mask) * other
                power %= n
                yield
    return power.to_bytes(length, "big")


def is_pkcs1(encoded, digest):
    """Is this the PKCS#1 v1.5 encoding of a SHA-256 digest? Compared whole, so that no padding is parsed."""
    info = _DIGEST_INFO + bytes(digest)
    filling = b"\xff" * (len(encoded) - len(info) - 3)
    return len(digest) == _HASH and encoded == b"\x00\x01" + filling + b"\x00" + info


def is_pss(encoded, n, digest, salt=None):
    """Is this a PSS encoding (SHA-256, MGF1 with it) of a digest? salt: its length, None for any."""
    size = bits(n) - 1  # RFC 8017 section 9.1.2, emBits
    if size % 8 == 0:
        if encoded[0]:
            return False
        encoded = encoded[1:]
    length = len(encoded)
    middle = length - _HASH - 1
    if len(digest) != _HASH or encoded[length - 1] != 0xBC:
        return False
    seed = encoded[middle : middle + _HASH]
    masked = int.from_bytes(encoded[:middle], "big")
    free = size - 8 * (length - middle)  # bits of the data block
    if masked >> free:
        return False
    mask = b""
    for counter in range((middle + _HASH - 1) // _HASH):
        mask += sha256(seed + counter.to_bytes(4, "big")).digest()
    block = (masked ^ int.from_bytes(mask[:middle], "big")) & ((1 << free) - 1)
    block = block.to_bytes(middle, "big")
    at = 0
    while at < middle and not block[at]:
        at += 1
    found = middle - at - 1
    if at == middle or block[at] != 1 or (salt is not None and found != salt):
        return False
    return sha256(bytes(8) + bytes(digest) + block[at + 1 :]).digest() == seed


def verify(n, e, signature, digest):
    """Steps: is this a signature of the digest, in either encoding (PSS with any salt)?"""
    encoded = yield from recover(n, e, signature)
    return encoded is not None and (is_pkcs1(encoded, digest) or is_pss(encoded, n, digest))
