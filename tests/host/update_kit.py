"""What tests of updates share: two versions of the firmware, bundles of them, a key, and a flash that has an older one.

    kit.flash(path)                          OLD in /a, most of NEW in /b already; kit.PUBLIC on it
    kit.bundle(kit.NEW, changes={"app.mpy": source})
"""

import functools
import json
from pathlib import Path

from pilotwire import build, bundle, image, keys

OLD, NEW = "0.1.0", "0.1.1"
# Of the idle slot these are missing, so that an update has something to write; all others are there from the version before.
MISSING = ("report.mpy", "ocpp16/vendor.mpy", "settings.txt", "evse/wake.mpy")


@functools.cache
def key(which: str):
    """A signing key; "theirs" is another one."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=keys.BITS)


@functools.cache
def _built() -> dict[str, bytes]:
    return build.files()


def files(version: str = NEW, slot: str = "a", changes: dict[str, str | bytes | None] | None = None) -> dict[str, bytes]:
    """The firmware as `version` in a slot; changes: a module's source, a file's bytes, or None to leave it out."""
    found = dict(bundle.relabelled(_built(), version))
    for name, new in (changes or {}).items():
        if new is None:
            del found[f"/a/{name}"]
        elif isinstance(new, str):
            source = build.ROOT / "firmware" / name.replace(".mpy", ".py")
            found[f"/a/{name}"] = build.compile_module(source, source.name, ("-O3",), new.encode())
        else:
            found[f"/a/{name}"] = new
    return {name.replace("/a/", f"/{slot}/", 1): data for name, data in found.items()}


def source(name: str) -> str:
    """Source of a module of the firmware."""
    return (build.ROOT / "firmware" / name).read_text()


def made(version: str = NEW, changes=None, *, signer: str | None = "ours", about: dict | None = None, **more) -> bytes:
    """A bundle; `about` is laid over its build.json."""
    content = files(version, changes=changes)
    if about:
        content["/a/build.json"] = json.dumps(json.loads(content["/a/build.json"]) | about).encode()
    return bundle.make(content, key=key(signer) if signer else None, **more)


def flash(path: Path, idle: str | None = NEW, partitions=image.BOARD_4MB, app: bytes = b"", **more: bytes) -> Path:
    """A flash with OLD in /a and, if `idle` names a version, most of that in /b; returns the path."""
    content = files(OLD) | {"/board.json": (build.ROOT / "boards/virtual/board.json").read_bytes()}
    content |= {"/slot": b"a", keys.ON_BOARD: keys.public(key("ours"))} | more
    if idle:
        content |= {n: d for n, d in files(idle, "b").items() if n.startswith("/b/") and n[3:] not in (*MISSING, "build.json")}
    path.write_bytes(image.make_flash(content, partitions, app))
    return path
