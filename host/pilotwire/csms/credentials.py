"""What a central system is known by, and asks of its chargers: certificate, root of client certificates, password.

    ssl = server_tls(Path("server.pem"), Path("server.key"), Path("clients.pem"), demand=True)
    password = authorization_key("00112233445566778899aabbccddeeff")
"""

from __future__ import annotations

import ssl
from pathlib import Path

from pilotwire.arguments import UsageError
from pilotwire.errors import PilotwireError


def server_tls(certificate: Path | None, key: Path | None, client_ca: Path | None, *, demand: bool) -> ssl.SSLContext | None:
    """The TLS context of a server; None without a certificate.

    Args:
        certificate: PEM with its chain, and with its key if `key` is None.
        key: PEM.
        client_ca: PEM of the roots that vouch for chargers, who are asked for a certificate then.
        demand: whether a charger without one is turned away.

    Raises:
        UsageError: something is given that is of no use without a certificate.
        PilotwireError: a file cannot be read, or is not what it should be.
    """
    if certificate is None:
        for name, given in (("--key", key), ("--client-ca", client_ca)):
            if given is not None:
                raise UsageError(f"{name} is of no use without TLS", "", "give the server's certificate with --certificate")
        return None
    for path in (certificate, key, client_ca):
        if path is not None:
            _readable(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without the callback OpenSSL would ask for the password on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        raise _wrong(error, certificate, key) from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError:
            do = "give the root of the chargers' certificates in PEM"
            raise PilotwireError(f"{client_ca} holds no certificate", "", do) from None
        context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    return context


def _readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise PilotwireError(f"cannot read {path}", (error.strerror or str(error)).lower()) from None


def _wrong(error: ssl.SSLError, certificate: Path, key: Path | None) -> PilotwireError:
    """What of the two files it is."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return PilotwireError(f"{key or certificate} is not the key of {certificate}", "", "give the two that belong together")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
    except ssl.SSLError:
        return PilotwireError(f"{certificate} holds no certificate", "", "give the server's in PEM, its chain behind it")
    if b"ENCRYPTED" in (key or certificate).read_bytes():
        return PilotwireError(f"{key or certificate} is encrypted", "", "take its password away first (`openssl pkey`)")
    do = "give the PEM file with it as --key" if key is None else "give it in PEM"
    return PilotwireError(f"{key or certificate} holds no private key", "", do)


def authorization_key(text: str) -> bytes:
    """The password that an AuthorizationKey stands for: 32 to 40 hex digits, or 16 to 20 characters as they are; UsageError."""
    if 32 <= len(text) <= 40 and len(text) % 2 == 0:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    if 16 <= len(text) <= 20 and all("!" <= c <= "~" for c in text):
        return text.encode()
    do = "give 32 to 40 hex digits, or 16 to 20 characters"
    raise UsageError("the password is no AuthorizationKey", f"it has {len(text)} characters", do)
