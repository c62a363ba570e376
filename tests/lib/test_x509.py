# Certificates made by `cryptography`: what they say, whose they are, and who vouches for whom.
import tls
from hashlib import sha256

import certificates
import der
import hashids
import iso8601
import isoformat
import p256
import p256key
import pem
import steps
import x509
import x509chain
import x509csr

NOW = iso8601.parse("2026-11-22T10:00:00Z")


def der_of(name):
    return next(pem.decode(getattr(certificates, name)))


def load(name):
    return x509.parse(der_of(name))


def check(names, roots, now=NOW, early=False):
    """The cn of the root that vouches for the chain, or the word that says why not."""
    try:
        steps_ = x509chain.check([load(n) for n in names.split()], [load(n) for n in roots.split()], now, early)
        return steps.run(steps_).cn
    except x509chain.ChainError as error:
        return error.args[0]


def test_what_a_certificate_says():
    leaf = load("LEAF")
    assert (leaf.cn, leaf.o, leaf.serial) == ("CP-0001", "Pilotwire Test", "102030405060708090a")
    assert isoformat.format(leaf.not_before) == "2024-02-29T12:30:45Z"
    assert isoformat.format(leaf.not_after) == "9999-12-31T23:59:59Z"
    assert (leaf.kind, leaf.bits, leaf.algorithm) == ("p256", 256, "ecdsa")
    assert (leaf.ca, leaf.path_len, leaf.usage, leaf.critical) == (False, None, None, False)
    assert leaf.names == [(2, b"csms.example"), (2, b"b.example")]
    assert leaf.key == steps.run(p256key.public(certificates.LEAF_KEY))
    root = load("ROOT")
    assert (root.ca, root.path_len, root.usage) == (True, 1, 6)
    assert root.subject == root.issuer == load("SUB").issuer
    signer = load("RSA_LEAF")
    assert (signer.kind, signer.bits, signer.algorithm) == ("rsa", 3072, "rsa")
    assert signer.key == (int(certificates.RSA_3072, 16), 65537)
    assert (load("PSS_LEAF").algorithm, load("PSS_LEAF").salt) == ("pss", 32)
    other = load("P384_ROOT")
    assert (other.kind, other.bits, other.algorithm, other.key) == ("ec", 384, "", None)


# A file is read as far as it is asked for, and says the same.
def test_a_certificate_on_disk():
    for name in ("ROOT", "SUB", "LEAF"):
        with open("certificate", "wb") as f:
            f.write(der_of(name))
        with open("certificate", "rb") as f:
            found = x509.parse(f)
        assert found.__dict__ == load(name).__dict__


# req: SEC-CERT-06
# Hashes over the issuer's name and the bits of the issuer's key; the serial number without leading zeros.
def test_hash_ids():
    assert hashids.hash_ids(load("ROOT")) == certificates.IDS_ROOT
    assert hashids.hash_ids(load("LEAF"), load("SUB")) == certificates.IDS_LEAF


CASES_CHAIN = [
    ("LEAF SUB", "ROOT", "EC Root"),
    ("LEAF SUB ROOT", "ROOT", "EC Root"),
    ("LEAF SUB ROOT", "RSA_ROOT", "untrusted"),
    ("LEAF", "SUB", "EC Sub"),
    ("LEAF SUB", "SUB ROOT", "EC Sub"),
    ("LEAF SUB", "OTHER_ROOT ROOT", "EC Root"),  # two of the same name
    ("LEAF SUB", "OTHER_ROOT", "signature"),
    ("LEAF", "ROOT", "untrusted"),
    ("LEAF ROOT", "ROOT", "order"),
    ("LEAF_OLD SUB", "ROOT", "expired"),
    ("SUB LEAF", "RSA_ROOT", "order"),
    ("RSA_LEAF", "ROOT RSA_ROOT", "RSA Root"),
    ("PSS_LEAF", "RSA_ROOT", "RSA Root"),
    ("WEAK_LEAF", "RSA_ROOT", "weak"),
    ("P384_ROOT", "P384_ROOT", "unsupported"),
    ("", "ROOT", "order"),
]


# req: SEC-CERT-02, SEC-FW-01
# A chain is good when each certificate is signed by the next, all are valid now, and the last leads to a trusted root.
def test_chain(names, roots, result):
    assert check(names, roots) == result


# req: SEC-CERT-02
def test_dates():
    start = load("LEAF").not_before
    assert check("LEAF SUB", "ROOT", start) == "EC Root"
    assert check("LEAF SUB", "ROOT", start - 1) == "early"
    assert check("LEAF_OLD SUB", "ROOT", start - 1, True) == "early"  # the sub's: only the leaf may be early
    assert check("LEAF_OLD SUB", "ROOT", start + 86400) == "EC Root"
    assert check("LEAF_OLD SUB", "ROOT", start + 86401) == "expired"
    assert check("LEAF_OLD SUB", "ROOT", None) == "EC Root"


# req: SEC-CERT-04, SEC-CERT-05
def test_a_ca_to_install():
    x509chain.usable(load("ROOT"), NOW, 0)
    x509chain.usable(load("P384_ROOT"), NOW, 0)
    for name, word in (("LEAF", "not ca"), ("WEAK_LEAF", "weak"), ("LEAF_OLD", "expired")):
        try:
            x509chain.usable(load(name), NOW, 0)
            raise AssertionError("no error")
        except x509chain.ChainError as error:
            assert error.args[0] == word
    assert steps.run(x509chain.verify(load("SUB"), load("ROOT")))
    assert not steps.run(x509chain.verify(load("OTHER_ROOT"), load("ROOT")))


# req: SEC-FW-02
def test_signature_of_a_file():
    digest = sha256(certificates.SIGNED).digest()
    signer = load("RSA_LEAF")
    for name in ("PKCS1_3072", "PSS_3072"):
        signature = bytes.fromhex(getattr(certificates, name))
        assert steps.run(x509chain.signed(signer, signature, digest))
        assert not steps.run(x509chain.signed(signer, signature, sha256(b"").digest()))
    assert steps.run(x509chain.signed(load("LEAF"), bytes.fromhex(certificates.EC_SIGNATURE), digest))
    try:
        steps.run(x509chain.signed(load("WEAK_LEAF"), bytes(128), digest))
        raise AssertionError("no error")
    except x509chain.ChainError as error:
        assert error.args[0] == "weak"


def test_a_flipped_bit_is_no_signature():
    data = next(pem.decode(certificates.LEAF))
    sub = load("SUB")
    refused = 0
    for at in range(4, len(data), 41):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        try:
            assert not steps.run(x509chain.verify(x509.parse(changed), sub))
        except der.DerError:
            refused += 1
        except x509chain.ChainError:
            refused += 1
    assert refused


# req: SEC-CERT-01, SEC-CERT-08
def test_request():
    key = steps.run(p256key.generate())
    data = steps.run(x509csr.create(key, "CP-0001", "Operator é"))
    outer = der.Reader(data)
    request = outer.enter(der.SEQUENCE)
    outer.end()
    at = request.at
    request.span(der.SEQUENCE)
    digest = sha256(data[at : request.at]).digest()
    request.span(der.SEQUENCE)
    at, stop, _ = request.bits()
    assert steps.run(p256.verify(key.point, digest, data[at:stop]))
    for cn, o in (("", "O"), ("x" * 65, "O"), ("CP", "é" * 33)):
        try:
            steps.run(x509csr.create(key, cn, o))
            raise AssertionError("no error")
        except ValueError:
            pass


# req: SEC-CERT-02
def test_tls_takes_our_key():
    key = p256key.Key(certificates.LEAF_KEY, steps.run(p256key.public(certificates.LEAF_KEY)))
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(der_of("LEAF"), key.der())
    try:
        other = steps.run(p256key.generate())
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_cert_chain(der_of("LEAF"), b"\x30" + other.der())
        raise AssertionError("no error")
    except (ValueError, OSError):
        pass
