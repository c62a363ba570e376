"""Where a MicroPython image comes from: a file, the cache, or the official download; and its fingerprint.

The SHA-256 of every image is noted in the cache when it is used for the first time, and compared from then on. Nothing is
trusted that was not seen: there are no hashes in the program.

The cache is the user's cache folder (PILOTWIRE_CACHE overrides). PILOTWIRE_DOWNLOADS is the site to
load from in place of https://micropython.org/, for a mirror of its pages.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pilotwire.boards import Chip
from pilotwire.build import replace
from pilotwire.errors import PilotwireError
from pilotwire.flash.firmware_image import SUPPORTED, FirmwareImage

_LIMIT = 16 * 1024 * 1024  # no image is larger
_TIMEOUT_S = 30

Say = Callable[[str], None]
Progress = Callable[[str, int, int], None]


def cache() -> Path:
    """Folder of downloaded images and their fingerprints."""
    asked = os.environ.get("PILOTWIRE_CACHE")
    if asked:
        return Path(asked)
    import platformdirs

    return platformdirs.user_cache_path("pilotwire", appauthor=False) / "images"


def load(
    chip: Chip, path: Path | None, *, trust: bool, say: Say, progress: Progress
) -> FirmwareImage:
    """The image to write.

    Args:
        chip: of the board.
        path: a file; None takes the cached image of the supported version, or downloads it.
        trust: take an image whose fingerprint has changed, and note the new one.
        say: told what is used.
        progress: called with (what, bytes done, bytes in all) during a download.

    Raises:
        PilotwireError: there is none, it does not fit, or it is not the one that was used before.
    """
    if path is None:
        cached = sorted(cache().glob(f"{chip.download}-v{SUPPORTED}*.bin"))
        path = cached[-1] if cached else download(chip, say, progress)
    try:
        data = path.read_bytes()
    except OSError as error:
        why = "no such file" if not path.exists() else (error.strerror or str(error)).lower()
        raise PilotwireError(f"cannot read the image {path}", why)
    image = FirmwareImage.read(data, chip, path.name)
    known = note(path.name, hashlib.sha256(data).hexdigest(), trust=trust)
    say(f"image {path.name}: MicroPython {image.version} for {chip.name}, {known}")
    return image


def note(name: str, digest: str, *, trust: bool) -> str:
    """Note an image's SHA-256 under its file name, or compare it; returns what to say of it.

    Raises:
        PilotwireError: an image of that name was used before, with other content.
    """
    file = cache() / "images.json"
    try:
        seen = json.loads(file.read_text("utf-8"))
        assert isinstance(seen, dict)
    except (OSError, ValueError, AssertionError):
        seen = {}
    before = seen.get(name)
    if before and before["sha256"] == digest:
        return f"as used on {before['first_used']}"
    if before and not trust:
        raise PilotwireError(
            f"{name} is not the image that was used before",
            f"its SHA-256 was {before['sha256'][:16]}... on {before['first_used']} and is {digest[:16]}... now",
            "if you replaced it yourself, say so with --trust-image",
        )
    today = datetime.now(UTC).date().isoformat()
    seen[name] = {"sha256": digest, "first_used": today}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, json.dumps(seen, indent=2, sort_keys=True).encode())
    except OSError as error:
        raise PilotwireError(
            f"cannot write {file}",
            (error.strerror or str(error)).lower(),
            "set PILOTWIRE_CACHE to a folder that can be written",
        )
    return f"SHA-256 {digest[:16]}... noted"


def download(chip: Chip, say: Say, progress: Progress) -> Path:
    """Load the official image of the supported version into the cache; returns its file."""
    url, version = _official(chip)
    say(f"downloading {url}")
    data = _get(url, lambda done, total: progress("downloading", done, total))
    FirmwareImage.read(data, chip, url)  # nothing gets into the cache that could not be used
    path = cache() / f"{chip.download}-v{version}.bin"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, data)
    except OSError as error:
        raise PilotwireError(
            f"cannot write {path}",
            (error.strerror or str(error)).lower(),
            "set PILOTWIRE_CACHE to a folder that can be written",
        )
    return path


def _official(chip: Chip) -> tuple[str, str]:
    """(URL, version) of the newest supported release, from the download pages: mpflash reads them."""
    what = f"cannot download MicroPython for {chip.name}"
    by_hand = (
        f"download MicroPython {SUPPORTED} from micropython.org/download/{chip.download} "
        "and name the file with --image"
    )
    try:
        from mpflash.download import from_web
    except ImportError:
        raise PilotwireError(
            what,
            "mpflash, which knows where it is, is not installed",
            f"`pip install 'pilotwire[download]'`, or {by_hand}",
        )
    import requests

    from_web.MICROPYTHON_ORG_URL = os.environ.get("PILOTWIRE_DOWNLOADS", from_web.MICROPYTHON_ORG_URL)
    try:
        offered = from_web.get_boards(["esp32"], [chip.download], True)
    except (requests.RequestException, OSError) as error:
        raise PilotwireError(what, f"the site does not answer: {_short(error)}", by_hand)
    found = []
    for one in offered:
        version = str(one.version).removeprefix("v")
        # Variants (SPIRAM, OTA) have names of their own; a build number marks a preview.
        if one.board_id == chip.download and not one.build and (version + ".").startswith(SUPPORTED + "."):
            found.append((tuple(int(n) for n in version.split(".") if n.isdigit()), version, str(one.source)))
    if not found:
        raise PilotwireError(what, f"the site offers no release {SUPPORTED}", by_hand)
    _, version, url = max(found)
    return url, version


def _get(url: str, progress: Callable[[int, int], None]) -> bytes:
    what = f"cannot download {url}"
    do = "try again, or name a file with --image"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            if total > _LIMIT:
                raise PilotwireError(what, f"{total} bytes are no image", do)
            data = bytearray()
            while chunk := answer.read(1 << 16):
                data += chunk
                progress(len(data), total)
                if len(data) > _LIMIT:
                    raise PilotwireError(what, "it does not end", do)
    except urllib.error.HTTPError as error:
        raise PilotwireError(what, f"the site answers {error.code} {error.reason}", do)
    except (OSError, ValueError) as error:
        raise PilotwireError(what, _short(error), do)
    if total and len(data) < total:
        raise PilotwireError(what, f"only {len(data)} of {total} bytes came", do)
    return bytes(data)


def _short(error: Exception) -> str:
    """The innermost reason: requests wraps that of urllib3, which begins with the connection's own name."""
    inner = error.args[0] if error.args else None
    reason = str(getattr(inner, "reason", None) or getattr(error, "reason", None) or error)
    return reason.split("\n")[0].rpartition("): ")[2][:200]
