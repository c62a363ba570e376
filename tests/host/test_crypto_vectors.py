"""Published test vectors (NIST CAVP, NIST PKITS, RFC 6979), as the package `cryptography_vectors` carries them."""

import datetime as dt
import functools
import hashlib
import importlib.resources
import re
from collections.abc import Iterator

import der
import p256
import p256key
import pem
import pytest
import rsa
import steps
import x509
import x509chain
from certificate import Certificate
from cryptography.hazmat.primitives.asymmetric import utils

_FILES = importlib.resources.files("cryptography_vectors")


def text(name: str) -> str:
    return (_FILES / name).read_text("utf-8")


def records(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(section, fields) of a NIST response file; n of a section is in all of its records."""
    section, common, fields = "", {}, {}
    for line in [*text(name).splitlines(), ""]:
        if line.startswith("["):
            section, common = line.strip("[]"), {}
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            fields[key.strip()] = value.strip()
        elif not line.strip() and fields:
            if "Result" in fields or "Qx" in fields or "Msg" in fields:
                yield section, common | fields
            else:
                common |= fields
            fields = {}


def point(fields: dict[str, str]) -> bytes:
    return b"\4" + bytes.fromhex(fields["Qx"].zfill(64)[-64:]) + bytes.fromhex(fields["Qy"].zfill(64)[-64:])


def test_ecdsa_verify():
    seen = []
    for edition in ("2", "3"):
        for section, fields in records(f"asymmetric/ECDSA/FIPS_186-{edition}/SigVer.rsp"):
            if section != "P-256,SHA-256":
                continue
            signature = utils.encode_dss_signature(int(fields["R"], 16), int(fields["S"], 16))
            digest = hashlib.sha256(bytes.fromhex(fields["Msg"])).digest()
            try:
                good = steps.run(p256.verify(point(fields), digest, signature))
            except ValueError:
                good = False
            assert good == fields["Result"].startswith("P"), fields
            seen.append(good)
    assert len(seen) >= 15 and {True, False} == set(seen)


def test_ecdsa_points():
    seen = []
    for section, fields in records("asymmetric/ECDSA/FIPS_186-3/PKV.rsp"):
        if section != "P-256":
            continue
        good = len(fields["Qx"].lstrip("0")) <= 64 and len(fields["Qy"].lstrip("0")) <= 64
        try:
            p256.decode(point(fields))
        except ValueError:
            good = False
        assert good == fields["Result"].startswith("P"), fields
        seen.append(good)
    assert len(seen) == 12 and {True, False} == set(seen)


def test_ecdsa_key_pairs():
    part = text("asymmetric/ECDSA/FIPS_186-3/KeyPair.rsp").partition("[P-256]")[2].partition("[P-384]")[0]
    pairs = re.findall(r"d = (\w+)\s+Qx = (\w+)\s+Qy = (\w+)", part)
    assert len(pairs) == 10
    for secret, x, y in pairs:
        assert steps.run(p256key.public(int(secret, 16))).hex() == "04" + x + y


def test_ecdsa_known_signatures():
    seen = 0
    for section, fields in records("asymmetric/ECDSA/FIPS_186-3/SigGen.txt"):
        if section != "P-256,SHA-256":
            continue
        digest = hashlib.sha256(bytes.fromhex(fields["Msg"])).digest()
        signature = utils.encode_dss_signature(int(fields["R"], 16), int(fields["S"], 16))
        assert steps.run(p256.verify(point(fields), digest, signature))
        assert not steps.run(p256.verify(point(fields), digest[::-1], signature))
        seen += 1
    assert seen == 15


def test_rfc_6979():
    whole = text("asymmetric/ECDSA/RFC6979/evppkey_ecdsa_rfc6979.txt")
    key = re.search(r"PrivateKey=P-256_PRIV\n(-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n)", whole, re.S)
    assert key
    secret = steps.run(p256key.parse(next(pem.decode(key[1], "PRIVATE KEY")))).secret
    found = re.findall(
        r"DigestSign = SHA256\nKey = P-256_PRIV\nNonceType = deterministic\nInput = \"(\w+)\"\nOutput = (\w+)", whole
    )
    assert {message for message, _ in found} == {"sample", "test"}
    for message, output in found:
        assert steps.run(p256key.sign(secret, hashlib.sha256(message.encode()).digest())).hex() == output.lower()


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp", 30),
        ("asymmetric/RSA/FIPS_186-2/SigVerPSS_186-3.rsp", 30),
        ("asymmetric/RSA/SigVer15EMTest.txt", 6),
    ],
)
def test_rsa_verify(name, least):
    pss = "PSS" in name
    seen = []
    for _, fields in records(name):
        n, e = int(fields["n"], 16), int(fields["e"], 16)
        if fields["SHAAlg"] != "SHA256":
            continue
        signature = bytes.fromhex(fields["S"])
        size = (n.bit_length() + 7) // 8
        signature = signature[-size:].rjust(size, b"\0")
        digest = hashlib.sha256(bytes.fromhex(fields["Msg"])).digest()
        if n.bit_length() < 2048 or e > 1 << 32:
            with pytest.raises(ValueError):
                steps.run(rsa.verify(n, e, signature, digest))
            continue
        encoded = steps.run(rsa.recover(n, e, signature))
        salt = len(bytes.fromhex(fields["SaltVal"])) if pss else None
        good = encoded is not None and (
            rsa.is_pss(encoded, n, digest, salt) if pss else rsa.is_pkcs1(encoded, digest)
        )
        assert good == fields["Result"].startswith("P"), fields
        seen.append(good)
    assert len(seen) >= least, len(seen)
    assert False in seen


# What the vectors mean and this library does not do, and so refuses. Never the other way round.
_REFUSED = {
    # names that are the same but for case, spaces or the type of string
    "ValidNameChainingWhitespaceTest3",
    "ValidNameChainingWhitespaceTest4",
    "ValidNameChainingCapitalizationTest5",
    "ValidRolloverfromPrintableStringtoUTF8StringTest10",
    "ValidUTF8StringCaseInsensitiveMatchTest11",
    # DSA
    "ValidDSASignaturesTest4",
    "ValidDSAParameterInheritanceTest5",
}
# Name constraints and mappings of policies are critical extensions that are not known here.
_REFUSED_AREAS = re.compile("nameConstraints|olicy|inhibit|requireExplicit")
# Nor are policies and revocation looked into; what is wrong with these is only that.
_NOT_LOOKED_AT = re.compile(
    "CRL|Revoked|IDP|onlyContains|onlySome|distributionPoint|cRLIssuer|CRLKeys|olicy|olicies|inhibit|requireExplicit"
    "|SerialNumberTest|BasicSelfIssued|RequireExplicit|cRLSignFalse"
)


@functools.cache
def pkits() -> dict[str, Certificate]:
    found = {}
    for path in (_FILES / "x509/PKITS_data/certs").iterdir():
        try:
            found[path.name.removesuffix(".crt")] = x509.parse(path.read_bytes())
        except der.DerError as error:
            # two are signed wrongly on purpose, with one bit of the last byte unused
            assert path.name in ("BadSignedCACert.crt", "InvalidDSASignatureTest6EE.crt"), (path, error)
    return found


def paths(chain: list, authorities: list) -> Iterator[list]:
    """Every chain that names lead to, shortest first."""
    yield chain
    if len(chain) < 6:
        for one in authorities:
            if one.subject == chain[-1].issuer and one not in chain:
                yield from paths([*chain, one], authorities)


def accepted(leaf: Certificate, authorities: list, root: Certificate, now: int) -> bool:
    for chain in paths([leaf], authorities):
        try:
            steps.run(x509chain.check(chain, [root], now))
            return True
        except x509chain.ChainError:
            pass
    return False


def test_pkits():
    every = pkits()
    root = every["TrustAnchorRootCertificate"]
    authorities = [c for name, c in every.items() if not name.endswith("EE") and c is not root]
    now = (dt.datetime(2020, 6, 1) - dt.datetime(2000, 1, 1)) // dt.timedelta(seconds=1)
    counts = {"accepted": 0, "refused": 0, "stricter": 0}
    for name, leaf in sorted(every.items()):
        if not name.endswith("EE"):
            continue
        name = name.removesuffix("EE")
        good = accepted(leaf, authorities, root, now)
        if name.startswith("Invalid"):
            if good:
                assert _NOT_LOOKED_AT.search(name), f"{name} was accepted"
            counts["refused"] += not good
        elif good:
            counts["accepted"] += 1
        else:
            assert name in _REFUSED or _REFUSED_AREAS.search(name), f"{name} was refused"
            counts["stricter"] += 1
    assert counts["accepted"] >= 60 and counts["refused"] >= 60, counts
    print(counts)


def contents(folder) -> Iterator[bytes]:
    for path in folder.iterdir():
        if path.is_dir():
            yield from contents(path)
        elif path.name.endswith((".pem", ".der", ".crt")):
            yield path.read_bytes()


def test_certificates_of_the_package():
    """All certificates in the package: parsed, or refused with the one error."""
    good = bad = 0
    for data in sorted(contents(_FILES / "x509")):
        try:
            found = list(pem.decode(data)) if b"-----" in data else [data]
        except pem.PemError:
            found = []
        for one in found:
            try:
                x509.parse(one)
                good += 1
            except der.DerError:
                bad += 1
    assert good > 500 and bad > 20
