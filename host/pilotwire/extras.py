"""What a charger is given besides its settings: certificates, known tags, pulses of its meter.

    extras = Extras(roots=[Path("ca.pem")], tags=Path("tags.txt"), pulses=1000)
    files(extras)                 {"/data/root1.der": ...}, checked; PilotwireError says what is wrong with a file
    with_pulses(text, 1000)       a board.json whose meters give so many pulses

The names on the flash are those that firmware/ocpp16/opening.py and local_list.py read.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pilotwire.arguments import UsageError
from pilotwire.errors import PilotwireError

_MOST_ROOTS = 9
_TAG = 20  # characters of an idTag (CiString20Type)
_ENTRY = struct.Struct("<20sBIB20s")  # tag, status 0 = Accepted, expiryDate 0 = none, length of parentIdTag, parentIdTag


@dataclass
class Extras:
    """See the module. `client_cert` and `client_key` belong together; `tags` is a file of one tag a line, `tag` more."""

    roots: list[Path] = field(default_factory=list)
    client_cert: Path | None = None
    client_key: Path | None = None
    tags: Path | None = None
    pulses: int | None = None
    tag: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.roots or self.client_cert or self.client_key or self.tags or self.pulses or self.tag)


def files(extras: Extras) -> dict[str, bytes]:
    """Content by absolute path on the device.

    Raises:
        UsageError: a certificate without its key, or the other way round.
        PilotwireError: a file cannot be read, or is not what it should be.
    """
    found: dict[str, bytes] = {}
    roots = [der for path in extras.roots for der in _roots(path)]
    if len(roots) > _MOST_ROOTS:
        raise PilotwireError("too many root certificates", f"{len(roots)}, and a charger holds {_MOST_ROOTS}")
    found |= {f"/data/root{n}.der": der for n, der in enumerate(roots, 1)}
    if (extras.client_cert is None) != (extras.client_key is None):
        raise UsageError("a client certificate and its key belong together", "", "give --client-cert and --client-key")
    if extras.client_cert is not None and extras.client_key is not None:
        found |= _client(extras.client_cert, extras.client_key)
    if extras.tags is not None or extras.tag:
        listed = [] if extras.tags is None else _lines(extras.tags)
        found["/data/locallist"] = _local_list([*listed, *extras.tag], extras.tags or "what --tag gives")
    return found


def with_pulses(text: bytes, pulses: int) -> bytes:
    """A board.json whose S0 meters give so many pulses per kWh; PilotwireError if it has none, or cannot be read."""
    try:
        board = json.loads(text)
        metered = [connector for connector in board["connectors"] if "s0" in connector]
    except (ValueError, KeyError, TypeError):
        raise PilotwireError("the board's board.json cannot be read", "", "flash the board with `pilotwire flash`")
    if not metered:
        raise PilotwireError("this board counts no pulses", "its meter is asked over a bus", "leave --pulses-per-kwh out")
    for connector in metered:
        connector["pulses_per_kwh"] = pulses
    return json.dumps(board, indent=1).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PilotwireError(f"cannot read {path}", (error.strerror or str(error)).lower())


def _roots(path: Path) -> list[bytes]:
    found = _certificates(path)
    for certificate in found:
        _valid(certificate, path)
        if not _is_authority(certificate):
            raise PilotwireError(
                f"{path} is no root certificate", "it may not sign others", "take the certificate of the authority itself"
            )
    return [_der(certificate) for certificate in found]


def _certificates(path: Path) -> list[Any]:
    from cryptography import x509

    data = _read(path)
    try:
        return x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]
    except ValueError:
        raise PilotwireError(f"{path} is no certificate", "", "it is a PEM or DER file, like those of openssl")


def _valid(certificate: Any, path: Path) -> None:
    end = certificate.not_valid_after_utc
    if end < datetime.now(UTC):
        raise PilotwireError(f"the certificate in {path} is of no use", f"it expired on {end.date()}", "renew it")


def _is_authority(certificate: Any) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return certificate.version is x509.Version.v1


def _der(thing: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return thing.public_bytes(Encoding.DER)


def _client(cert_path: Path, key_path: Path) -> dict[str, bytes]:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
        load_pem_private_key,
    )

    certificate = _certificates(cert_path)[0]
    _valid(certificate, cert_path)
    data = _read(key_path)
    try:
        load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
        key: Any = load(data, None)
    except TypeError:
        raise PilotwireError(f"{key_path} is encrypted", "the charger could not open it", "take its password away first")
    except ValueError:
        raise PilotwireError(f"{key_path} is no private key", "", "it is a PEM or DER file, like those of openssl")
    if key.public_key() != certificate.public_key():
        raise PilotwireError(f"{key_path} is not the key of {cert_path}", "", "give the two that belong together")
    secret = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return {"/data/client.der": _der(certificate), "/data/client.key": secret}


def _lines(path: Path) -> list[str]:
    try:
        lines = _read(path).decode().splitlines()
    except UnicodeDecodeError:
        raise PilotwireError(f"{path} is no list of tags", "it is not UTF-8 text", "write one tag a line")
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _local_list(tags: list[str], path: Path | str) -> bytes:
    """The local authorization list, version 1, in which these tags are accepted."""
    keys = {tag.lower().encode() for tag in tags}
    for key in keys:
        if len(key) > _TAG:
            raise PilotwireError(f"{path} is no list of tags", f"{key.decode()!r} has over {_TAG} characters", "")
    if not keys:
        raise PilotwireError(f"{path} is no list of tags", "it is empty", "write one tag a line")
    return b"\x01" + struct.pack("<q", 1) + b"".join(_ENTRY.pack(key, 0, 0, 0, b"") for key in sorted(keys))
