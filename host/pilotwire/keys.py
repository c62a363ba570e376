"""The key that signs firmware: the private half stays with who builds, the public one goes into every flashed board.

    pair = keys.make(folder)              # update.key (PEM, mode 600), update.pub
    key = keys.private(path); key.sign(...); keys.public(key)

The public half, as it lies on a board as /update.pub: a byte 1 (the format), the exponent in 4 bytes, the modulus; big endian.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pilotwire.errors import PilotwireError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BITS = 3072
ON_BOARD = "/update.pub"
_PRIVATE, _PUBLIC = "update.key", "update.pub"
_FORMAT = b"\x01"


def folder() -> Path:
    """Where this user's keys are: PILOTWIRE_KEYS, or the configuration folder."""
    asked = os.environ.get("PILOTWIRE_KEYS")
    if asked:
        return Path(asked)
    import platformdirs

    return platformdirs.user_config_path("pilotwire", appauthor=False) / "keys"


def make(where: Path | None = None) -> tuple[Path, Path]:
    """A new pair in a folder (this user's if None); returns the paths of private and public half.

    Raises:
        PilotwireError: there is a key already, which is never overwritten; or the folder cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    where = where or folder()
    private_path, public_path = where / _PRIVATE, where / _PUBLIC
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(private_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
        public_path.write_bytes(public(key))
    except FileExistsError:
        raise PilotwireError(
            f"{private_path} is there already",
            "boards that were flashed with it take no update that another key has signed",
            "name another folder with --out, or move it away if no such board is left",
        )
    except OSError as error:
        raise PilotwireError(f"cannot write {where}", (error.strerror or str(error)).lower())
    return private_path, public_path


def private(path: Path | None = None) -> RSAPrivateKey:
    """The private key of a PEM file (this user's if None).

    Raises:
        PilotwireError: there is none, others may read it, or it is not RSA of 2048 to 4096 bits.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    path = path or folder() / _PRIVATE
    try:
        mode, text = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise PilotwireError(
            f"cannot read the signing key {path}",
            (error.strerror or str(error)).lower(),
            "make one with `pilotwire keys`, or name it with --key",
        )
    if stat.S_IMODE(mode) & 0o077:
        raise PilotwireError(f"{path} can be read by others", "", f"chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey) or not 2048 <= key.key_size <= 4096:
        raise PilotwireError(
            f"{path} is no signing key", "it is not a PEM file with an RSA key of 2048 to 4096 bits without password"
        )
    return key


def public(key: RSAPrivateKey) -> bytes:
    """The public half as it lies on a board."""
    numbers = key.public_key().public_numbers()
    return _FORMAT + numbers.e.to_bytes(4, "big") + numbers.n.to_bytes((key.key_size + 7) // 8, "big")


def for_boards() -> bytes | None:
    """The public half that goes into what is flashed, None if this user has no key.

    Raises:
        PilotwireError: the file is damaged.
    """
    path = folder() / _PUBLIC
    if not path.exists():
        return None
    data = path.read_bytes()
    if data[:1] != _FORMAT or len(data) < 261:
        raise PilotwireError(f"{path} is no public key of this program", "", "restore it, or make a pair elsewhere")
    return data


def fingerprint(public_half: bytes) -> str:
    """What two people compare: the first bytes of its SHA-256."""
    return hashlib.sha256(public_half).hexdigest()[:32]
