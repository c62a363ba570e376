"""Reads what people type behind options; each function returns the value or raises UsageError."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pilotwire.errors import PilotwireError


class UsageError(PilotwireError):
    """The command line is wrong; exits 2."""


def csms_url(text: str) -> str:
    """The URL of a central system, without a trailing slash: ws or wss, host, no fragment."""
    do = "write it like ws://192.168.1.2:9000/ocpp"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no URL", str(error).lower(), do)
    if url.scheme not in ("ws", "wss"):
        why = f"its scheme is {url.scheme!r}, not ws or wss" if url.scheme else "it has no scheme"
        raise UsageError(f"{text!r} is no URL of a central system", why, do)
    if not url.hostname or port == 0:
        raise UsageError(f"{text!r} is no URL of a central system", "it names no host or port", do)
    if url.fragment or re.search(r"[\s\x00-\x1f]", text):
        raise UsageError(
            f"{text!r} is no URL of a central system", "it has a fragment or white space", do
        )
    if "@" in url.netloc:
        do = "leave it out: who it is comes from the charger's id and AuthorizationKey"
        raise UsageError(f"{text!r} is no URL of a central system", "it has a user or password in it", do)
    if not text.isascii():
        raise UsageError(
            f"{text!r} is no URL of a central system", "it has characters that are not ASCII", "percent-encode them"
        )
    if len(text) > 512:
        raise UsageError("the URL of the central system is too long", f"it has {len(text)} characters of 512", do)
    return text.rstrip("/")


def charger_id(text: str) -> str:
    """The identity of a charger: 1 to 48 printable characters without a colon."""
    do = "choose 1 to 48 characters without colons, like CP1"
    if not text:
        raise UsageError("the charger's id is empty", "", do)
    if len(text) > 48:
        raise UsageError("the charger's id is too long", f"it has {len(text)} characters", do)
    if ":" in text or not text.isprintable():
        # A colon ends the user name of Basic authentication.
        raise UsageError(f"{text!r} is no id of a charger", "it has a colon or control codes", do)
    return text


def address(text: str) -> tuple[str, int]:
    """HOST:PORT as (host, port); port 0 is any free one."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text!r} is no address", "", "write HOST:PORT, like 127.0.0.1:7000")
    return host.strip("[]"), int(port)


_MOST_ROOTS = 9


def root_files(path: Path | None) -> dict[str, bytes]:
    """The root certificates of a file, PEM or DER, as the files in which the firmware keeps them; empty for None."""
    if path is None:
        return {}
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        data = path.read_bytes()
        pem = b"-----BEGIN" in data
        found = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    except OSError as error:
        raise UsageError(f"cannot read {path}", (error.strerror or str(error)).lower()) from None
    except ValueError:
        raise UsageError(f"{path} holds no certificate", "", "give it one in PEM or DER") from None
    if len(found) > _MOST_ROOTS:
        raise UsageError(f"{path} has {len(found)} certificates", f"the box keeps {_MOST_ROOTS}", "choose those it needs")
    return {f"/data/root{k}.der": one.public_bytes(Encoding.DER) for k, one in enumerate(found, 1)}


def page(text: str | None) -> tuple[str, int | None] | None:
    """Where the page is served: (host, port or None for the usual one), None for `off`."""
    if text == "off":
        return None
    return ("127.0.0.1", None) if text is None else address(text)


def heap_bytes(text: str) -> int:
    """`104K`, `1M` or plain bytes, as bytes of the chip; at least 32 KB."""
    match = re.fullmatch(r"(\d{1,9})([KM]?)B?", text.strip().upper())
    if match is None:
        raise UsageError(f"{text!r} is no size of a heap", "", "write it like 104K")
    size = int(match[1]) * {"": 1, "K": 1024, "M": 1024 * 1024}[match[2]]
    if not 32 * 1024 <= size <= 64 * 1024 * 1024:
        raise UsageError(f"a heap of {text} is out of range", "", "32K to 64M is possible")
    return size


def size(text: str) -> int:
    """`100M`, `64K`, `2G` or plain bytes."""
    match = re.fullmatch(r"(\d{1,12})([KMG]?)B?", text.strip().upper())
    if match is None or not int(match[1]):
        raise UsageError(f"{text!r} is no size", "", "write it like 100M")
    return int(match[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[match[2]]


def port_range(text: str) -> tuple[int, int]:
    """FIRST-LAST as (first, last)."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 65536):
        raise UsageError(f"{text!r} is no range of ports", "", "write it like 50000-50100")
    return int(first), int(last)


def settings(items: list[str]) -> dict[str, str]:
    """KEY=VALUE items as a dict; what the keys mean is for the firmware's registry to judge."""
    found: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{item!r} is no setting", "", "write KEY=VALUE, like MaxCurrent=16")
        found[key.strip()] = value
    return found


def speed(factor: float) -> float:
    """A factor of simulated time, up to 1000; 0 is as fast as possible."""
    if not 0 <= factor <= 1000:
        raise UsageError(
            f"a speed of {factor:g} is out of range", "", "0 to 1000, 0 is as fast as possible"
        )
    return factor
