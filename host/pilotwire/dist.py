"""`make dist`: a wheel that runs without a clone. It carries firmware, libraries and boards, and all of it compiled.

    python -m pilotwire.dist [FOLDER]         # dist/pilotwire-0.1.0-py3-none-any.whl

It is made of a copy, since setuptools leaves folders behind in which later wheels find what no longer exists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pilotwire import build
from pilotwire.errors import PilotwireError
from pilotwire.sim import process

_SOURCES = ("firmware", "lib", "boards")
_PROJECT = ("pyproject.toml", "README.md", "LICENSE")
_NO_COPY = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "carried")


def make(out: Path) -> Path:
    """Makes the wheel in a folder and returns its path.

    Raises:
        PilotwireError: the firmware does not compile, or pip could not make the wheel.
    """
    root = build.repository()
    with tempfile.TemporaryDirectory(prefix="pilotwire-dist-") as folder:
        copy = Path(folder) / "pilotwire"
        shutil.copytree(root / "host", copy / "host", ignore=_NO_COPY)
        for name in _PROJECT:
            shutil.copy(root / name, copy / name)
        carried = copy / "host" / "pilotwire" / build.CARRIED.name
        for name in _SOURCES:
            shutil.copytree(root / name, carried / name, ignore=_NO_COPY)
        (carried / "cache").mkdir()
        for data in _compiled():
            shutil.copy(data, carried / "cache" / data.name)
        made = Path(folder) / "made"
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "-w", str(made)]
        done = subprocess.run([*command, str(copy)], capture_output=True, text=True)
        if done.returncode:
            raise PilotwireError("cannot make the wheel", done.stderr.strip(), "is the network up? pip fetches setuptools")
        wheel = next(made.glob("*.whl"))
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, out / wheel.name))


def _compiled() -> list[Path]:
    """Files of the cache that a virtual wallbox of these sources asks for."""
    with build.recording() as used:
        build.files()
        process.stand_ins.cache_clear()
        process.stand_ins()
    return used


def main() -> int:
    """Exit status 1 with a line on stderr when there is no wheel."""
    try:
        wheel = make(Path(sys.argv[1]) if len(sys.argv) > 1 else build.repository() / "dist")
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    print(f"{wheel}  {wheel.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
