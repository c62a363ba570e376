"""The wheel of `make dist` in an empty environment: no clone, no compiler cache, nothing of this environment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pilotwire import dist

ROOT = Path(__file__).parents[2]

USERS_TEST = """
def test_it_boots_and_says_so(wallbox, tmp_path):
    import socket
    # Nobody answers at the central system: the box is up all the same.
    box = wallbox("ws://127.0.0.1:9", "CP1", speed=0)
    box.do("plug", cable_a=32)
    box.wait("connectors[0].status = Preparing")
    box.expect("slot = a")
"""


@pytest.mark.exhaustive
def test_pip_install_is_all_it_takes(tmp_path):
    wheel = dist.make(tmp_path / "dist")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    empty = tmp_path / "empty"
    empty.mkdir()

    def run(*command):
        done = subprocess.run([venv / "bin" / command[0], *command[1:]], cwd=empty, env=environment,
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel), "pytest")
    where = run("python", "-c", "import pilotwire; print(pilotwire.__file__)")
    assert str(venv) in where
    scenario = shutil.copy(ROOT / "examples" / "scenarios" / "first-session.scn", empty)
    account = json.loads(run("pilotwire", "play", scenario, "--json", "--speed", "200", "--junit", "report.xml"))
    assert account["ok"] and account["central"]["stopped"] == 1
    assert (empty / "report.xml").read_text().count("<testcase") == account["lines"]
    # What was carried compiled is not compiled again.
    assert not list((tmp_path / "cache").rglob("cache/*/*.mpy"))
    (empty / "test_backend.py").write_text(USERS_TEST)
    assert "1 passed" in run("python", "-m", "pytest", "-q", "test_backend.py")
    assert "esp32-devkitc" in run("pilotwire", "boards", "--json") + run("pilotwire", "boards")
