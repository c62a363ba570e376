"""The foreign programs: found, checked against each other, and said in words when they are not there."""

import pytest

from pilotwire import runtime
from pilotwire.errors import PilotwireError


def test_interpreter_and_compiler_fit_together():
    assert runtime.check() == 6 | 3 << 8


def test_versions_that_do_not_fit_are_said_in_words():
    with pytest.raises(PilotwireError, match=r"writes .mpy version 6.2 .* reads 6.3, install"):
        runtime.same_mpy(writes=6 | 2 << 8, runs=6 | 3 << 8)


def test_micropython_of_the_environment_wins(monkeypatch, tmp_path):
    program = tmp_path / "mp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("MICROPYTHON", str(program))
    assert runtime.micropython() == [str(program)]


def test_micropython_that_is_no_program(monkeypatch):
    monkeypatch.setenv("MICROPYTHON", "/nowhere/micropython")
    with pytest.raises(PilotwireError, match="MICROPYTHON=/nowhere/micropython is not a program"):
        runtime.micropython()


@pytest.mark.parametrize("module, find", [("micropython_unix", runtime.micropython), ("mpy_cross", runtime.mpy_cross)])
def test_not_installed_says_what_to_install(monkeypatch, module, find):
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.delenv("MPY_CROSS", raising=False)
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PilotwireError, match="not installed, install it with `pip install"):
        find()


def test_heap_is_in_bytes_of_the_chip():
    free = int(runtime.run(["-c", "import gc; gc.collect(); print(gc.mem_free())"], heap=50_000).stdout)
    given = runtime.heap_bytes(50_000)
    assert given - 4_000 < free < given


def test_path_and_environment():
    code = "import sys, os; print(sys.path[1:], os.getenv('COLOUR'))"
    done = runtime.run(["-c", code], path=["/a", "/b"], env={"COLOUR": "red"})
    assert done.stdout == "['/a', '/b', '.frozen'] red\n"
