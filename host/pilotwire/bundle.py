"""Firmware bundles (.pwb): one file with everything that an update needs; docs/bundle.md has the format.

    data = bundle.make(build.files(), key=keys.private())
    found = bundle.read(data)              # found.head, found.files; PilotwireError if it is damaged
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pilotwire import boards
from pilotwire.errors import PilotwireError
from pilotwire.flash.firmware_image import APP, FirmwareImage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

FORMAT = 1
LAST = "build.json"  # of the files: a slot without it is no app
IMAGE = "micropython.bin"


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read: `files` by their names below the slot, `signed` is what the signature is over."""

    head: dict[str, Any]
    files: dict[str, bytes]
    signature: bytes
    signed: bytes

    @property
    def version(self) -> str:
        return self.head["version"]


def make(
    files: dict[str, bytes],
    *,
    key: RSAPrivateKey | None,
    board_ids: Iterable[str] | None = None,
    image: FirmwareImage | None = None,
) -> bytes:
    """The bytes of a bundle.

    Args:
        files: as `build.files` gives them; what is not below /a is not part of an update.
        key: signs it; None leaves it unsigned, which only boxes set up for development take.
        board_ids: boards it is for, all that are known if None; with an image only those that it can be for.
        image: MicroPython to go with it.

    Raises:
        PilotwireError: no board could take it.
    """
    app = {name.removeprefix("/a/"): data for name, data in files.items() if name.startswith("/a/")}
    about = json.loads(app[LAST])
    fitting = [
        b.id
        for b in boards.known()
        if (board_ids is None or b.id in board_ids) and (image is None or (b.chip == _chip(image) and b.flash_mb >= 8))
    ]
    if not fitting:
        raise PilotwireError(
            "no board could take this bundle",
            "an image needs a board of its chip with two slots for it, from 8 MB of flash on",
            "leave the image out, or name another board",
        )
    parts = [(name, app[name]) for name in sorted(app, key=lambda name: (name == LAST, name))]
    head = {
        "pwb": FORMAT,
        "version": about["version"],
        "minimum": about["minimum"],
        "mpy": about["mpy"],
        "boards": fitting,
    }
    if image is not None:
        head["image"] = image.version
        parts.append((IMAGE, image.data[APP - image.chip.image_offset :]))
    head |= {"files": len(parts), "bytes": sum(len(data) for _, data in parts)}
    lines = [head, *([name, len(data), hashlib.sha256(data).hexdigest()] for name, data in parts)]
    signed = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    return signed + base64.b64encode(_sign(signed, key)) + b"\n" + b"".join(data for _, data in parts)


def relabelled(files: dict[str, bytes], version: str) -> dict[str, bytes]:
    """The same files under another version."""
    name = f"/a/{LAST}"
    return {**files, name: json.dumps(json.loads(files[name]) | {"version": version}).encode()}


def read(data: bytes) -> Bundle:
    """Take a bundle apart and check what it says of itself, apart from its signature; PilotwireError."""
    try:
        line, _, _ = data.partition(b"\n")
        head = json.loads(line)
        rows, at = [], len(line) + 1
        for _ in range(head["files"]):
            end = data.index(b"\n", at)
            rows.append(json.loads(data[at:end]))
            at = end + 1
        signed, end = data[:at], data.index(b"\n", at)
        signature = base64.b64decode(data[at:end], validate=True)
        at, files = end + 1, {}
        for name, size, digest in rows:
            files[name] = data[at : at + size]
            at += size
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise ValueError(f"{name} is damaged")
        if at != len(data) or head["pwb"] != FORMAT:
            raise ValueError("its size or format is wrong")
    except (ValueError, KeyError, TypeError) as error:
        raise PilotwireError("this is no whole bundle", str(error), "build it again")
    return Bundle(head, files, signature, signed)


def _chip(image: FirmwareImage) -> str:
    return next(name for name, chip in boards.CHIPS.items() if chip is image.chip)


def _sign(signed: bytes, key: RSAPrivateKey | None) -> bytes:
    if key is None:
        return b""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
