"""`pilotwire stubs`: completion and type checks of the firmware in an editor.

The stubs are those that `make lint` checks with (lint/types.py); pyright and VS Code (Pylance) get the same settings.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pilotwire import build
from pilotwire.errors import PilotwireError
from pilotwire.lint import types


def write(folder: Path | None = None) -> list[Path]:
    """Install the stubs and write the settings below `folder`, the repository if None; returns what was written.

    Raises:
        PilotwireError: the stubs cannot be installed, or the settings not read or written.
    """
    root = build.repository()
    typings = types.typings(root)
    folder = root if folder is None else folder
    device = types.configurations(root)["device"]
    # Those are written for build/; here they are for `folder`.
    start = Path(os.path.relpath(root / "build", folder))
    settings: dict[str, Any] = {
        key: [_below(start, item) for item in value] if isinstance(value, list) else value
        for key, value in device.items()
    }
    stubs = Path(os.path.relpath(typings, folder)).as_posix()
    settings |= {"typeshedPath": stubs, "stubPath": stubs}
    editor = {
        "python.analysis.stubPath": stubs,
        "python.analysis.typeshedPaths": [stubs],
        "python.analysis.extraPaths": settings["extraPaths"],
        "python.analysis.typeCheckingMode": "basic",
    }
    pyright, code = folder / "pyrightconfig.json", folder / ".vscode" / "settings.json"
    editor = {**_present(code), **editor}
    try:
        for path, content in ((pyright, settings), (code, editor)):
            path.parent.mkdir(parents=True, exist_ok=True)
            build.replace(path, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise PilotwireError("cannot write the editor's settings", (error.strerror or str(error)).lower())
    return [pyright, code]


def _below(start: Path, path: str) -> str:
    return Path(os.path.normpath(start / path)).as_posix()


def _present(path: Path) -> dict[str, Any]:
    """The editor's settings so far."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        # VS Code allows comments, which would be lost.
        raise PilotwireError(f"cannot add to {path}", f"it is no plain JSON: {error}", "take the comments out, or move it away")
    return found if isinstance(found, dict) else {}
