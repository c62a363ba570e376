"""lib/p256 against `cryptography`: keys, signatures and points."""

import random

import p256
import p256key
import pytest
import steps
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

_SHA256 = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
_SAME = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
# Scalars where a window, a carry or the end of the group comes out special, and any others.
_edges = [1, 2, 3, 15, 16, 17, 31, 32, 2**128 - 1, 2**128, 2**255, 2**256 - 2**224, p256.N // 2, p256.N - 1, p256.N - 2]
_edges += [p256.N - 16, p256.N - 17, int("f" * 31 + "0" * 32, 16), int("10" * 32, 16), int("01" * 32, 16)]
_scalars = st.one_of(st.integers(1, p256.N - 1), st.sampled_from(_edges))
_digests = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.sampled_from([n.to_bytes(32) for n in (0, 1, p256.N - 1, p256.N, p256.N + 1, 2**256 - 1)]),
)


def theirs(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def judge(key: ec.EllipticCurvePrivateKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.public_key().verify(signature, digest, _SHA256)
        return True
    except InvalidSignature:
        return False


@settings(max_examples=400, deadline=None)
@given(_scalars, _digests)
def test_sign_as_they_do(secret, digest):
    """Nonces of RFC 6979 leave one signature for each key and digest."""
    key = theirs(secret)
    assert steps.run(p256key.public(secret)) == point_of(key)
    signature = steps.run(p256key.sign(secret, digest))
    assert signature == key.sign(digest, _SAME)
    assert steps.run(p256.verify(point_of(key), digest, signature))


@settings(max_examples=600, deadline=None)
@given(_scalars, _digests, st.data())
def test_verify_as_they_do(secret, digest, data):
    key = theirs(secret)
    signature = bytearray(key.sign(digest, _SAME))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(signature) - 1))
        signature[at] ^= 1 << data.draw(st.integers(0, 7))
    signature = bytes(signature)
    assert steps.run(p256.verify(point_of(key), digest, signature)) == judge(key, signature, digest)


@settings(max_examples=400, deadline=None)
@given(_scalars, st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_any_numbers_for_a_signature(secret, r, s):
    key = theirs(secret)
    digest = bytes(32)
    signature = utils.encode_dss_signature(r, s)
    assert steps.run(p256.verify(point_of(key), digest, signature)) == judge(key, signature, digest)


def test_thousands_of_keys_and_signatures():
    rng = random.Random(256)
    for _ in range(500):
        key = ec.generate_private_key(ec.SECP256R1())
        digest = rng.randbytes(32)
        signature = key.sign(digest, _SHA256)
        assert steps.run(p256.verify(point_of(key), digest, signature))
        assert not steps.run(p256.verify(point_of(key), rng.randbytes(32), signature))


@settings(max_examples=300, deadline=None)
@given(_scalars, _scalars, _scalars)
def test_the_group(a, b, c):
    """a G + b (c G) = (a + b c) G, also where sums meet infinity or each other."""

    def affine(*pairs):
        total = steps.run(p256.multiply(*pairs))
        return steps.run(p256.affine(total)) if total[2] else None

    x, y = affine((c, None, None))
    total = (a + b * c) % p256.N
    assert affine((a, None, None), (b, x, y)) == affine((total, None, None))
    assert affine(((p256.N - b * c) % p256.N, None, None), (b, x, y)) is None


@settings(max_examples=1500)
@given(st.integers(0, p256.N + 2**200))
def test_every_digit_is_odd(scalar):
    scalar %= p256.N
    digits = p256._recode(scalar)
    value = 0
    for digit in reversed(digits):
        digit -= 8
        assert digit & 1 and -7 <= digit <= 7
        value = value * 8 + digit
    assert value in (scalar + p256.N, scalar + 2 * p256.N)


@settings(max_examples=500)
@given(st.integers(1, p256.P - 1))
def test_invert(a):
    for modulus in (p256.P, p256.N):
        assert steps.run(p256.invert(a % modulus or 1, modulus)) == pow(a % modulus or 1, -1, modulus)


@settings(max_examples=500)
@given(st.one_of(st.binary(max_size=70), st.binary(min_size=64, max_size=64).map(lambda b: b"\4" + b)))
def test_points(data):
    try:
        theirs_too = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        with pytest.raises(ValueError):
            p256.decode(data)
        return
    if len(data) == 65:
        assert p256.decode(data) == (theirs_too.public_numbers().x, theirs_too.public_numbers().y)


def test_new_keys():
    for _ in range(200):
        key = steps.run(p256key.generate())
        assert point_of(theirs(key.secret)) == key.point
        assert key.der() == theirs(key.secret).private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )


@settings(max_examples=150, deadline=None)
@given(_scalars, st.sampled_from((PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8)), st.data())
def test_private_keys(secret, form, data):
    der = theirs(secret).private_bytes(Encoding.DER, form, NoEncryption())
    key = steps.run(p256key.parse(der))
    assert (key.secret, key.point) == (secret, point_of(theirs(secret)))
    at = data.draw(st.integers(0, len(der) - 1))
    damaged = der[:at] + bytes((der[at] ^ 1 << data.draw(st.integers(0, 7)),)) + der[at + 1 :]
    with pytest.raises(ValueError):
        steps.run(p256key.parse(damaged))
