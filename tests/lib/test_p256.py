# P-256: keys, signatures with the nonces of RFC 6979, and what is no point.
import asyncio
from hashlib import sha256

import certificates
import p256
import p256key
import steps

# RFC 6979 A.2.5, with SHA-256
SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
POINT = bytes.fromhex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
CASES_RFC = [
    (
        b"sample",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ),
    (
        b"test",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ),
]


def test_rfc(message, r, s):
    signature = steps.run(p256key.sign(SECRET, sha256(message).digest()))
    assert p256.parse_signature(signature) == (int(r, 16), int(s, 16))
    assert steps.run(p256.verify(POINT, sha256(message).digest(), signature))
    assert not steps.run(p256.verify(POINT, sha256(message + b"x").digest(), signature))


def test_public_point():
    assert steps.run(p256key.public(SECRET)) == POINT
    for secret, x in ((1, p256._GX), (p256.N - 1, p256._GX)):
        assert int.from_bytes(steps.run(p256key.public(secret))[1:33], "big") == x


def test_multiples_of_the_generator():
    # every scalar goes the same way, also those whose sums meet points of the table or infinity
    for scalar in (0, 1, 2, 3, 7, 8, 15, 16, 17, p256.N - 1, p256.N - 2):
        x, y, z = steps.run(p256.multiply((scalar, None, None)))
        if scalar == 0:
            assert z == 0
            continue
        x, y = steps.run(p256.affine((x, y, z)))
        assert (y * y - x * x * x + 3 * x - p256._B) % p256.P == 0
        back = steps.run(p256.multiply((scalar, None, None), (p256.N - scalar, None, None)))
        assert back[2] == 0


def test_new_key():
    key = steps.run(p256key.generate())
    p256.decode(key.point)
    assert steps.run(p256key.generate()).secret != key.secret
    back = steps.run(p256key.parse(key.der()))
    assert (back.secret, back.point) == (key.secret, key.point)
    digest = sha256(b"x").digest()
    assert steps.run(p256.verify(key.point, digest, steps.run(p256key.sign(key.secret, digest))))


def test_signature_of_another_library():
    key = steps.run(p256key.public(certificates.LEAF_KEY))
    assert steps.run(
        p256.verify(key, sha256(certificates.SIGNED).digest(), bytes.fromhex(certificates.EC_SIGNATURE))
    )


def error(steps_or_call):
    try:
        steps.run(steps_or_call)
    except ValueError:
        return True
    return False


def test_no_point():
    bad = [b"", POINT[:64], POINT + b"\0", b"\x02" + POINT[1:33], b"\x05" + POINT[1:], POINT[:64] + b"\x98"]
    bad.append(b"\x04" + bytes(64))
    bad.append(b"\x04" + (p256.P + 5).to_bytes(32, "big") + POINT[33:])
    for point in bad:
        assert error(p256.verify(point, bytes(32), b""))


def test_no_signature():
    r = "02207f" + "11" * 31
    one = "020101"
    order = "022100" + "%x" % p256.N
    for hexed in (
        "",
        "30",
        "3000",
        "3003" + one,
        "3006" + one + "020100",
        "3006020100" + one,
        "3006" + one + "0201ff",
        "3007" + one + "02020001",
        "3007" + one + one + "00",
        "3006" + one + one + "00",
        "308106" + one + one,
        "30820006" + one + one,
        "3080" + one + one + "0000",
        "3105" + one + one,
        "3026" + order + one,
        "3026" + one + order,
        "3025" + r + "0203" + "01",
        "3048" + ("0222" + "01" * 34) * 2,
    ):
        try:
            p256.parse_signature(bytes.fromhex(hexed))
            raise AssertionError(hexed)
        except ValueError:
            pass
        assert not steps.run(p256.verify(POINT, bytes(32), bytes.fromhex(hexed)))


def test_no_key():
    good = steps.run(p256key.parse(steps.run(p256key.generate()).der())).der()
    for at in (0, 1, 2, 4, 6, 39, 45, 52, 60, 120):
        assert error(p256key.parse(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])), at
    for data in (b"", good[:-1], good + b"\0", b"\x30\x25\x02\x01\x01\x04\x20" + bytes(32)):
        assert error(p256key.parse(data))


async def test_others_run_between_the_steps():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await steps.finish(p256key.generate())
    task.cancel()
    assert turns > 65
