"""Makes tests/lib/certificates.py: keys, certificates and signatures by `cryptography`, for the tests on the device.

python tests/host/make_certificates.py

Keys are new in every run; the file is committed, so that the device's tests need no host beside them.
"""

import datetime as dt
import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID

OUT = Path(__file__).parents[1] / "lib" / "certificates.py"
START, END = dt.datetime(2024, 2, 29, 12, 30, 45), dt.datetime(9999, 12, 31, 23, 59, 59)
SIGNED = b"firmware"
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def name(cn: str, o: str = "Pilotwire Test") -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, o), x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def certificate(cn, key, issuer_cn, issuer_key, *, ca=None, end=END, start=START, pss=False, digest=None):
    """ca: None for a leaf, else its path length or -1 for none."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(cn))
        .issuer_name(name(issuer_cn))
        .public_key(key.public_key())
        .serial_number(0x0102030405060708090A if ca is None else 0x7F00 + len(cn))
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if ca is None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName("csms.example"), x509.DNSName("b.example")]), False
        )
    else:
        builder = builder.add_extension(x509.BasicConstraints(True, None if ca < 0 else ca), True)
        usage = dict.fromkeys(
            "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only".split(),
            False,
        )
        usage |= {"digital_signature": False, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage), True)
    return builder.sign(issuer_key, digest or hashes.SHA256(), rsa_padding=PSS if pss else None)


def ids(subject, issuer) -> tuple[str, str, str]:
    """CertificateHashData as the OCSP builder of `cryptography` computes it."""
    request = OCSPRequestBuilder().add_certificate(subject, issuer, hashes.SHA256()).build()
    return request.issuer_name_hash.hex(), request.issuer_key_hash.hex(), f"{request.serial_number:x}"


def main() -> None:
    curve = ec.SECP256R1()
    keys = {n: ec.generate_private_key(curve) for n in ("root", "sub", "leaf", "other")}
    rsas = {bits: rsa.generate_private_key(65537, bits) for bits in (2048, 3072, 4096)}
    weak = rsa.generate_private_key(65537, 1024)
    p384 = ec.generate_private_key(ec.SECP384R1())
    made = {
        "ROOT": certificate("EC Root", keys["root"], "EC Root", keys["root"], ca=1),
        "SUB": certificate("EC Sub", keys["sub"], "EC Root", keys["root"], ca=0),
        "LEAF": certificate("CP-0001", keys["leaf"], "EC Sub", keys["sub"]),
        "LEAF_OLD": certificate("CP-0001", keys["leaf"], "EC Sub", keys["sub"], end=START + dt.timedelta(days=1)),
        "OTHER_ROOT": certificate("EC Root", keys["other"], "EC Root", keys["other"], ca=-1),
        "RSA_ROOT": certificate("RSA Root", rsas[2048], "RSA Root", rsas[2048], ca=-1),
        "RSA_LEAF": certificate("Signer 3072", rsas[3072], "RSA Root", rsas[2048]),
        "PSS_LEAF": certificate("Signer PSS", rsas[3072], "RSA Root", rsas[2048], pss=True),
        "WEAK_LEAF": certificate("Weak", weak, "RSA Root", rsas[2048]),
        "P384_ROOT": certificate("P384 Root", p384, "P384 Root", p384, ca=-1, digest=hashes.SHA384()),
    }
    digest = hashlib.sha256(SIGNED).digest()
    prehashed = utils.Prehashed(hashes.SHA256())
    lines = [
        "# Certificates and signatures for the tests of lib/x509, lib/rsa and lib/p256; made by",
        "# tests/host/make_certificates.py. Keys are for these tests only.",
        f'SIGNED = b"{SIGNED.decode()}"',
    ]
    for label, issuer in (("ROOT", "ROOT"), ("LEAF", "SUB")):
        lines.append(f"IDS_{label} = (")
        lines += [f'    "{one}",' for one in ids(made[label], made[issuer])] + [")"]
    for label, one in made.items():
        text = one.public_bytes(serialization.Encoding.PEM).decode()
        lines.append(f'{label} = """{text}"""')
    lines.append(f"LEAF_KEY = 0x{keys['leaf'].private_numbers().private_value:064x}")
    lines.append("EC_SIGNATURE = (")
    lines += hexed(keys["leaf"].sign(digest, ec.ECDSA(prehashed)))
    for bits, key in rsas.items():
        public = key.public_key().public_numbers()
        lines.append(f"RSA_{bits} = (")
        lines += hexed(public.n.to_bytes(bits // 8))
        lines.append(f"PKCS1_{bits} = (")
        lines += hexed(key.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256()))
        lines.append(f"PSS_{bits} = (")
        lines += hexed(key.sign(SIGNED, PSS, hashes.SHA256()))
    OUT.write_text("\n".join(lines) + "\n")


def hexed(data: bytes) -> list[str]:
    text = data.hex()
    return [f'    "{text[at : at + 96]}"' for at in range(0, len(text), 96)] + [")"]


if __name__ == "__main__":
    main()
