"""lib/rsa against `cryptography`: what one signs the other takes, and only that."""

import functools
import hashlib
import math
import random

import pytest
import rsa
import steps
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric import rsa as reference
from hypothesis import given, settings
from hypothesis import strategies as st

_SHA256 = hashes.SHA256()
_PREHASHED = utils.Prehashed(_SHA256)
# Lengths that are no multiple of 8 make PSS encode into one byte less, or with free bits in its first one.
_BITS = (2048, 2049, 2050, 2055, 3072, 4096)


@functools.cache
def key(bits: int, e: int = 65537) -> reference.RSAPrivateKey:
    """A key of exactly so many bits with any exponent, of which `cryptography` makes only a few itself."""
    if e == 65537 and bits % 1024 == 0:
        return reference.generate_private_key(e, bits)
    while True:
        # primes are half as long as the key that they come from
        p = reference.generate_private_key(65537, 2080).private_numbers().p
        q = reference.generate_private_key(65537, 2 * (bits - 1040)).private_numbers().p
        if (p * q).bit_length() == bits and math.gcd(e, (p - 1) * (q - 1)) == 1:
            d = pow(e, -1, (p - 1) * (q - 1))
            public = reference.RSAPublicNumbers(e, p * q)
            numbers = (p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p))
            return reference.RSAPrivateNumbers(*numbers, public).private_key()


def numbers(private: reference.RSAPrivateKey) -> tuple[int, int]:
    public = private.public_key().public_numbers()
    return public.n, public.e


def pss(salt: int) -> padding.PSS:
    return padding.PSS(padding.MGF1(_SHA256), salt)


def theirs(private, signature, digest, scheme) -> bool:
    try:
        private.public_key().verify(signature, digest, scheme, _PREHASHED)
        return True
    except InvalidSignature:
        return False


@pytest.mark.parametrize("bits", _BITS)
@pytest.mark.parametrize("scheme", ["pkcs1", "pss"])
def test_what_they_sign_is_good(bits, scheme):
    private = key(bits)
    n, e = numbers(private)
    assert rsa.bits(n) == n.bit_length() == bits
    rng = random.Random(bits)
    for _ in range(60):
        digest = rng.randbytes(32)
        salt = rng.choice((0, 20, 32, rng.randrange((bits - 1 + 7) // 8 - 34)))
        padded = padding.PKCS1v15() if scheme == "pkcs1" else pss(salt)
        signature = private.sign(digest, padded, _PREHASHED)
        encoded = steps.run(rsa.recover(n, e, signature))
        assert rsa.is_pkcs1(encoded, digest) == (scheme == "pkcs1")
        if scheme == "pss":
            assert rsa.is_pss(encoded, n, digest)
            assert rsa.is_pss(encoded, n, digest, salt)
            assert not rsa.is_pss(encoded, n, digest, salt + 1)
        assert not steps.run(rsa.verify(n, e, signature, rng.randbytes(32)))
        at = rng.randrange(len(signature))
        damaged = bytearray(signature)
        damaged[at] ^= 1 << rng.randrange(8)
        assert not steps.run(rsa.verify(n, e, bytes(damaged), digest))


@pytest.mark.parametrize("e", [3, 5, 17, 257, 65539, (1 << 32) - 5])
def test_other_exponents(e):
    private = key(2048, e)
    n, e = numbers(private)
    digest = hashlib.sha256(b"x").digest()
    for padded in (padding.PKCS1v15(), pss(32)):
        assert steps.run(rsa.verify(n, e, private.sign(digest, padded, _PREHASHED), digest))


def _forged(private: reference.RSAPrivateKey, encoded: bytes) -> bytes:
    """What the private key makes of any encoding, good or bad."""
    own = private.private_numbers()
    value, n = int.from_bytes(encoded), own.public_numbers.n
    at_q = pow(value, own.dmq1, own.q)
    at_p = pow(value, own.dmp1, own.p)
    return (at_q + (at_p - at_q) * own.iqmp % own.p * own.q).to_bytes((n.bit_length() + 7) // 8)


@pytest.mark.parametrize("bits", [2048, 2049])
def test_encodings_that_are_nearly_right(bits):
    """Signed by the right key, but not as the standard says: only an exact comparison finds these (Bleichenbacher)."""
    private = key(bits)
    n, e = numbers(private)
    size = (bits + 7) // 8
    digest = hashlib.sha256(b"x").digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    no_null = bytes.fromhex("302f300b0609608648016503040201 0420".replace(" ", "")) + digest
    long_length = bytes.fromhex("308131300d060960864801650304020105000420") + digest
    variants = {
        "good": b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info,
        "garbage behind": b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(size - len(info) - 11),
        "no null": b"\0\1" + b"\xff" * (size - len(no_null) - 3) + b"\0" + no_null,
        "long length": b"\0\1" + b"\xff" * (size - len(long_length) - 3) + b"\0" + long_length,
        "type 2": b"\0\2" + b"\xff" * (size - len(info) - 3) + b"\0" + info,
        "type 0": b"\0\0" + bytes(size - len(info) - 3) + b"\0" + info,
        "hole": b"\0\1\xff\0" + b"\xff" * (size - len(info) - 5) + b"\0" + info,
        "digest alone": b"\0\1" + b"\xff" * (size - 35) + b"\0" + digest,
    }
    for name, encoded in variants.items():
        assert len(encoded) == size
        signature = _forged(private, encoded)
        assert steps.run(rsa.verify(n, e, signature, digest)) == (name == "good"), name


@settings(max_examples=300, deadline=None)
@given(st.sampled_from((2048, 2049, 2055)), st.integers(0), st.data())
def test_pss_encodings_as_they_judge_them(bits, seed, data):
    """A good encoding with some bits changed, signed anew: the verdict is OpenSSL's, whatever was changed."""
    private = key(bits)
    n, e = numbers(private)
    rng = random.Random(seed)
    digest = rng.randbytes(32)
    signature = private.sign(digest, pss(32), _PREHASHED)
    encoded = bytearray(steps.run(rsa.recover(n, e, signature)))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.one_of(st.integers(0, 2), st.integers(0, len(encoded) - 1)))
        encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    if int.from_bytes(encoded) >= n:
        return
    forged = _forged(private, bytes(encoded))
    mine = rsa.is_pss(steps.run(rsa.recover(n, e, forged)), n, digest, 32)
    assert mine == theirs(private, forged, digest, pss(32))
