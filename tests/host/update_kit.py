"""What tests of updates share: two versions of the firmware, bundles of them, a key, and a flash that has the older one.

    path.write_bytes(kit.flash())            OLD in /a, most of NEW in /b already, the key's public half
    kit.made(changes={"app.py": text})       a bundle of NEW with another app.py
"""

import functools
import json
import tempfile
from pathlib import Path

import transfer_peers

from pilotwire import build, bundle, image, keys

OLD, NEW = "0.1.0", "0.1.1"
# Of the idle slot these are missing, so that an update has something to write; the others are there from an update that was cut.
MISSING = ("cold.mpy", "profiles.txt", "settings.txt")
GOOD = ["Downloading", "Downloaded", "Installing", "Installed"]
REFUSED = [*GOOD[:3], "InstallationFailed"]
T0 = "2026-01-01T00:00:00Z"
BOARD = (build.ROOT / "boards/virtual/board.json").read_bytes()


@functools.cache
def key(which: str):
    """A signing key, by a name for it."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=keys.BITS)


@functools.cache
def _built(*changes: tuple[str, str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        extra = {}
        for name, text in changes:
            extra[name] = Path(folder) / name.replace("/", "_")
            extra[name].write_text(text)
        return build.files(extra=extra)


def files(version: str = NEW, slot: str = "a", changes: dict[str, str] | None = None) -> dict[str, bytes]:
    """The firmware as `version` in a slot, some of its modules with other sources."""
    found = bundle.relabelled(_built(*(changes or {}).items()), version)
    return {name.replace("/a/", f"/{slot}/", 1): data for name, data in found.items()}


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """`changes` that put `new` in the place of `old` in one module."""
    text = (build.ROOT / "firmware" / name).read_text()
    assert text.count(old) == 1
    return {name: text.replace(old, new)}


def made(version: str = NEW, changes=None, *, signer: str | None = "ours", about: dict | None = None, **more) -> bytes:
    """A bundle; `about` is laid over its build.json, the rest is for bundle.make."""
    content = files(version, changes=changes)
    if about:
        content["/a/build.json"] = json.dumps(json.loads(content["/a/build.json"]) | about).encode()
    return bundle.make(content, key=key(signer) if signer else None, **more)


@functools.cache
def flash(idle: bool = True, partitions=image.BOARD_4MB, app: bytes = b"", filler: int = 0) -> bytes:
    """A flash with OLD in /a and, if `idle`, most of NEW in /b; filler: bytes of a file that takes room."""
    content = files(OLD) | {"/board.json": BOARD, "/slot": b"a", keys.ON_BOARD: keys.public(key("ours"))}
    if idle:
        content |= {n: d for n, d in files(NEW, "b").items() if n.startswith("/b/") and n[3:] not in (*MISSING, "build.json")}
    if filler:
        content["/filler"] = b"\xa5" * filler
    return image.make_flash(content, partitions, app)


# -- with the bench of tests/e2e

def web(data):
    """A server that has the bundle as /file."""
    return transfer_peers.web(type("Bundle", (transfer_peers.Files,), {"data": data}))


async def start(bench, content: bytes | None = None, **options):
    """The box with OLD on its flash, known to the central system."""
    image = bench.path.parent / "flash.bin"
    image.write_bytes(content or flash())
    return await bench.start(**{"image": image, "speed": 0} | options)


async def update(charger, server, **fields):
    payload = {"location": server.url + "/file", "retrieveDate": T0, **fields}
    assert await charger.call("UpdateFirmware", payload) == {}


def opened(path):
    """Files of a flash.bin, to be read and written."""
    return image.FlashFile(path)


async def charges(bench, version, slot=None):
    """It runs `version`, and a car can charge: Start and Stop are told."""
    slot = slot or {OLD: "a", NEW: "b"}[version]
    await bench.do("wait", until={"slot": slot, "version": version, "registered": "Accepted"}, timeout_s=60)
    await bench.charge()
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions and all(t.stops == 1 for t in c.transactions.values()))
