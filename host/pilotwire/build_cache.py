"""Keeps what a build made, by the hash of everything that goes into it: renaming a program takes seconds, reading it none.

    @kept
    def modules(...): ...           of pilotwire.build; the same files for the same sources, as before
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_HERE = Path(__file__).parent
_MOST = 24  # builds that are kept


def kept(make: Callable[..., dict[str, bytes]]) -> Callable[..., dict[str, bytes]]:
    """`build._made` with a memory in the build's folder."""

    @functools.wraps(make)
    def made_or_kept(
        opt: int, lines: bool, extra: Mapping[str, Path] | None, beside: Iterable[str]
    ) -> dict[str, bytes]:
        from pilotwire import build

        beside = tuple(beside)
        if getattr(build, "_recorders", ()):  # who asks wants every file of the compiler's cache named
            return make(opt, lines, extra, beside)
        path = build.work() / "cache" / "whole" / f"{_key(opt, lines, extra, beside)}.json"
        made = _read(path)
        if made is not None:
            names = build.names_file(json.loads(made["/a/build.json"])["hash"])
            if names.exists():
                os.utime(names)  # the newest is what was built last
                return made
        made = make(opt, lines, extra, beside)
        path.parent.mkdir(parents=True, exist_ok=True)
        build.replace(path, json.dumps({name: data.hex() for name, data in made.items()}).encode())
        for old in sorted(path.parent.glob("*.json"), key=_age)[_MOST:]:
            old.unlink(missing_ok=True)
        return made

    return made_or_kept


def _read(path: Path) -> dict[str, bytes] | None:
    try:
        return {name: bytes.fromhex(text) for name, text in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return None


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:  # another process was faster
        return 0.0


def _key(opt: int, lines: bool, extra: Mapping[str, Path] | None, beside: tuple[str, ...]) -> str:
    """Hash of all that the result depends on: sources, this package, the tools and the arguments."""
    from pilotwire import build, runtime

    root = build.repository()
    tools = [importlib.metadata.version(name) for name in ("ocpp", "microdot")]
    digest = hashlib.sha256(repr((opt, lines, sorted((extra or {}).items()), beside, runtime.check(), tools)).encode())
    sources = [path for top in (root / "firmware", root / "lib") for path in top.rglob("*")]
    for path in sorted([*sources, *_HERE.glob("*"), *(extra or {}).values()]):
        if path.suffix in (".py", ".txt"):
            content = path.read_bytes()
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
