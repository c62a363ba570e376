"""The curve P-256 (secp256r1) in integers: points, and ECDSA signatures checked.

    good = yield from p256.verify(point, digest, signature)        bytes: 65 (uncompressed), 32, DER

Keys and signing: p256key.py. Points are added by the complete formulas of Renes, Costello and Batina (2016, algorithm
4), which know no special case, and scalars are read in windows whose digits are odd and never zero, so that the
sequence of operations is the same for all of them. What that leaves to an onlooker: README.md.
Generators: a step takes up to about 20 ms on an ESP32.
"""

import os

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


P = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
_GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
_POINTS = const(4)  # 1, 3, 5, 7 times a point: twice as many would save a tenth of the time, for 0.9 KB
_DIGITS = const(86)  # of 3 bits: a scalar below 3 * N


def _add(x1, y1, z1, x2, y2, z2):
    # homogeneous (X : Y : Z), x = X / Z
    a = x1 * x2 % P
    b = y1 * y2 % P
    c = z1 * z2 % P
    d = ((x1 + y1) * (x2 + y2) - a - b) % P
    e = ((y1 + z1) * (y2 + z2) - b - c) % P
    f = ((x1 + z1) * (x2 + z2) - a - c) % P
    g = 3 * (f - _B * c) % P
    h = 3 * (_B * f - 3 * c - a) % P
    i = 3 * (a - c)
    x = b + g
    z = b - g
    return (d * x - e * h) % P, (x * z + i * h) % P, (e * z + d * i) % P


def _recode(scalar):
    # digits, each odd and within +-7, as bytes with 8 added; the scalar is made odd by adding N or 2 N
    scalar += N << (scalar & 1)
    digits = bytearray(_DIGITS)
    for i in range(_DIGITS - 1):
        digit = scalar & 15
        digits[i] = digit
        scalar = (scalar - digit + 8) >> 3
    digits[_DIGITS - 1] = scalar + 8
    return digits


def multiply(*pairs):
    """Steps: (X, Y, Z) of the sum of scalar * point, for pairs (scalar, x, y); None, None is the generator."""
    terms = []
    for scalar, x, y in pairs:
        if x is None:
            x = _GX
            y = _GY
        # A random Z: the numbers that are handled tell nothing about the scalar, even to one who can time them.
        z = int.from_bytes(os.urandom(32), "big") % P or 1
        point = (x * z % P, y * z % P, z)
        # as bytes: the remainder of a division keeps the room of what was divided, twice as much
        odd = []
        digits = _recode(scalar)
        yield
        double = _add(*(point + point))
        for i in range(_POINTS):
            odd.append(b"".join([part.to_bytes(32, "big") for part in point]))
            if i < _POINTS - 1:
                point = _add(*(point + double))
            if i & 1:
                yield
        terms.append((digits, odd))
    total = (0, 1, 0)
    for at in range(_DIGITS - 1, -1, -1):
        if at < _DIGITS - 1:
            for _ in range(3):
                total = _add(*(total + total))
        for digits, odd in terms:
            digit = digits[at] - 8
            sign = digit >> 31  # 0 or -1
            point = odd[((digit ^ sign) - sign) // 2]
            x = int.from_bytes(point[:32], "big")
            y = int.from_bytes(point[32:64], "big")
            z = int.from_bytes(point[64:], "big")
            total = _add(*(total + (x, (y, P - y)[-sign], z)))
        yield
    return total


def invert(a, modulus):
    """Steps: 1 / a for a prime modulus (Fermat); the exponent is public, 32 bits of it a step."""
    power = 1
    for shift in range(224, -1, -32):
        power = pow(power, 1 << 32, modulus)
        yield
        power = power * pow(a, (modulus - 2) >> shift & 0xFFFFFFFF, modulus) % modulus
        yield
    return power


def affine(total):
    """Steps: (x, y) of (X, Y, Z)."""
    x, y, z = total
    z = yield from invert(z, P)
    return x * z % P, y * z % P


def decode(point):
    """(x, y) of 65 bytes; ValueError unless it is a point of the curve."""
    if len(point) == 65 and point[0] == 4:
        x = int.from_bytes(point[1:33], "big")
        y = int.from_bytes(point[33:], "big")
        if x < P and y < P and (y * y - x * x * x + 3 * x - _B) % P == 0:
            return x, y
    raise ValueError("not a point of P-256")


def element(data, at, tag):
    """(start, stop) of the content of a DER element below 256 bytes; ValueError, IndexError."""
    size = data[at + 1]
    start = at + 2
    if size == 0x81:
        size = data[start]
        start += 1
        if size < 0x80:
            raise ValueError
    elif size & 0x80:
        raise ValueError
    if data[at] != tag or start + size > len(data):
        raise ValueError
    return start, start + size


def _integer(data, at):
    at, stop = element(data, at, 2)
    size = stop - at
    if not 1 <= size <= 33 or data[at] & 0x80 or (size > 1 and not data[at] and not data[at + 1] & 0x80):
        raise ValueError
    number = int.from_bytes(data[at:stop], "big")
    if not 0 < number < N:
        raise ValueError
    return number, stop


def parse_signature(data):
    """(r, s), both within 1..N-1, of a DER ECDSA-Sig-Value; ValueError."""
    try:
        at, stop = element(data, 0, 0x30)
        r, at = _integer(data, at)
        s, at = _integer(data, at)
        if at == stop == len(data):
            return r, s
    except (IndexError, ValueError):
        pass
    raise ValueError("not an ECDSA signature")


def verify(point, digest, signature):
    """Steps: is this the signature of a SHA-256 digest by the owner of the point? ValueError: not a point."""
    x, y = decode(point)
    try:
        r, s = parse_signature(signature)
    except ValueError:
        return False
    s = yield from invert(s, N)
    digest = int.from_bytes(digest[:32], "big")
    x, y, z = yield from multiply((digest * s % N, None, None), (r * s % N, x, y))
    # r is x mod N; x = X / Z without a division
    return z != 0 and ((r * z - x) % P == 0 or (r + N < P and ((r + N) * z - x) % P == 0))
