"""`pilotwire test`: pytest over the tests of the device, in the Unix port or on a board."""

import importlib.util
import subprocess
import sys

from pilotwire import build
from pilotwire.device import ports
from pilotwire.errors import PilotwireError


def run(port: str | None, arguments: list[str]) -> int:
    """pytest's exit status; `arguments` are its own. PilotwireError: no pytest, or no such port."""
    if importlib.util.find_spec("pytest") is None:
        raise PilotwireError("cannot run tests", "pytest is not installed", "`pip install 'pilotwire[dev]'`")
    root = build.repository()
    if port is not None:
        ports.check(port)
        # One board, one after the other; with a blank pytest would take the port for a folder of tests.
        arguments = [f"--board={port}", "-p", "no:xdist", *arguments]
    if not any((root / argument.partition("::")[0]).exists() for argument in arguments if not argument.startswith("-")):
        arguments = [*arguments, "tests/lib", "tests/firmware"]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root).returncode
