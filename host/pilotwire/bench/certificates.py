"""Certificates made for one run, for tests and benchmarks: a root, and servers and clients below it.

    root = Authority(folder)
    server = root.issue("server", names=["localhost"], ips=["127.0.0.1"])
    server.certificate, server.key      PEM files, for ssl.SSLContext.load_cert_chain
    root.der                            bytes, what the charger trusts

Dates are relative to now: MicroPython's Unix port checks them against the desktop's clock. Needs `cryptography`.
"""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_UNKNOWN = x509.ObjectIdentifier("2.25.1")


@dataclass(frozen=True)
class Issued:
    """Files of one certificate with its chain, and the same as DER."""

    certificate: Path
    key: Path
    der: bytes
    key_der: bytes


def make_key(kind: str = "ec") -> Key:
    """A private key: "ec" is P-256, "rsa" has 2,048 bits."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _der(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


class Authority:
    """A root with files in `folder`, self-signed or below a `parent`; padding: bytes of an extension that nobody knows."""

    def __init__(
        self,
        folder: Path,
        name: str = "pilotwire test root",
        kind: str = "ec",
        parent: "Authority | None" = None,
        padding: int = 0,
    ):
        self.folder = folder
        self._key = make_key(kind)
        self._name = _name(name)
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        issuer = parent or self
        builder = issuer._builder(self._name, self._key.public_key(), now - 3000 * day, now + 3650 * day)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if padding:
            unknown = x509.UnrecognizedExtension(_UNKNOWN, bytes(padding))
            builder = builder.add_extension(unknown, critical=False)
        certificate = builder.sign(issuer._key, hashes.SHA256())
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self.pem)

    def _builder(self, subject: x509.Name, key, start: datetime.datetime, end: datetime.datetime):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )

    def sign(self, public_key: Any, name: str, organisation: str) -> str:
        """PEM of a certificate with this common name and organisation for a key that is not ours, one of `cryptography`."""
        now = datetime.datetime.now(datetime.UTC)
        year = datetime.timedelta(days=365)
        names = ((NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name))
        subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in names])
        builder = self._builder(subject, public_key, now - year, now + year)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self,
        label: str,
        names: Sequence[str] = ("localhost",),
        ips: Sequence[str] = (),
        days: tuple[float, float] = (-1, 365),
        kind: str = "ec",
        client: bool = False,
    ) -> Issued:
        """A certificate signed by this root.

        Args:
            label: names the files.
            names: DNS names; the first is the common name as well.
            ips: IP addresses.
            days: validity, in days from now.
            kind: of its key, see `make_key`.
            client: for a client, not for a server.
        """
        key = make_key(kind)
        now = datetime.datetime.now(datetime.UTC)
        start, end = (now + datetime.timedelta(days=d) for d in days)
        san = [x509.DNSName(n) for n in names] + [x509.IPAddress(ipaddress.ip_address(i)) for i in ips]
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            self._builder(_name(names[0] if names else label), key.public_key(), start, end)
            .add_extension(x509.SubjectAlternativeName(san), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = Issued(
            self.folder / f"{label}.pem",
            self.folder / f"{label}.key",
            certificate.public_bytes(serialization.Encoding.DER),
            _der(key),
        )
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + self.pem)
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return files
