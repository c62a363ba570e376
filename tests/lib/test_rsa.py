# RSA signatures of `cryptography` are checked as it does, in steps.
import asyncio
from hashlib import sha256

import certificates
import rsa
import steps

CASES = [2048, 3072, 4096]
DIGEST = sha256(certificates.SIGNED).digest()


def key(bits):
    return int(getattr(certificates, "RSA_%d" % bits), 16)


def signature(kind, bits):
    return bytes.fromhex(getattr(certificates, "%s_%d" % (kind, bits)))


def verify(n, e, data, digest=DIGEST):
    return steps.run(rsa.verify(n, e, data, digest))


def test_good(bits):
    n = key(bits)
    assert rsa.bits(n) == bits
    for kind in ("PKCS1", "PSS"):
        assert verify(n, 65537, signature(kind, bits))
        assert not verify(n, 65537, signature(kind, bits), sha256(b"x").digest())
        assert not verify(n, 65537, signature(kind, bits), DIGEST[:31])
    encoded = steps.run(rsa.recover(n, 65537, signature("PKCS1", bits)))
    assert rsa.is_pkcs1(encoded, DIGEST) and not rsa.is_pss(encoded, n, DIGEST)
    encoded = steps.run(rsa.recover(n, 65537, signature("PSS", bits)))
    assert not rsa.is_pkcs1(encoded, DIGEST)
    assert rsa.is_pss(encoded, n, DIGEST, 32) and not rsa.is_pss(encoded, n, DIGEST, 20)


def test_every_flipped_byte_counts():
    n = key(2048)
    good = signature("PKCS1", 2048)
    for at in range(0, 256, 17):
        assert not verify(n, 65537, good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])
    encoded = steps.run(rsa.recover(n, 65537, signature("PSS", 2048)))
    for at in range(256):
        assert not rsa.is_pss(encoded[:at] + bytes((encoded[at] ^ 1,)) + encoded[at + 1 :], n, DIGEST)


def test_lengths():
    n = key(2048)
    good = signature("PKCS1", 2048)
    for data in (b"", good[1:], b"\0" + good, good + b"\0", n.to_bytes(256, "big"), b"\xff" * 256, bytes(256)):
        assert not verify(n, 65537, data)


def test_keys_that_are_none():
    n = key(2048)
    for number, e in ((n, 65536), (n, 1), (n, (1 << 32) + 1), (n - 1, 65537), (n >> 1 | 1, 65537), (1 << 4097 | 1, 3)):
        try:
            verify(number, e, bytes((rsa.bits(number) + 7) // 8))
            raise AssertionError("no error")
        except ValueError:
            pass


async def test_others_run_between_the_steps():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    assert await steps.finish(rsa.verify(key(2048), 65537, signature("PSS", 2048), DIGEST))
    task.cancel()
    assert turns > 17
