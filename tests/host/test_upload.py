"""`pilotwire upload` through the real mpremote and the real ampy, to the Unix port behind a pseudo-terminal."""

import json
import os
import pty
import select
import subprocess
import sys
import time
import tty
from types import SimpleNamespace

import ampy.pyboard
import pytest
from unix_board import UnixBoard

from pilotwire import build, upload
from pilotwire.device.raw_repl import LiveBoard
from pilotwire.errors import PilotwireError

COMMAND = [sys.executable, "-m", "pilotwire.cli", "upload"]
# Stands in for the firmware, which needs a chip: it runs until it is interrupted.
MAIN = b"import time\nprint('I app: starts')\nwhile True:\n    time.sleep_ms(20)\n"


@pytest.fixture
def made(monkeypatch):
    """A small build."""
    files = {
        "/boot.py": b"# boot\n",
        "/main.py": MAIN,
        "/a/app.mpy": bytes(range(256)) * 9,
        "/a/ocpp16/core.mpy": b"\r\n\x03\x04\x01" * 300,
        "/a/build.json": b'{"version": "0.1.0"}',
    }
    monkeypatch.setattr(build, "modules", lambda **_: dict(files))
    return files


@pytest.mark.parametrize("via", upload.VIA)
def test_only_what_has_changed_is_sent(via, made, tmp_path, capsys, monkeypatch):
    # ampy leaves a chip 0.8 s before each command.
    monkeypatch.setattr(ampy.pyboard, "time", SimpleNamespace(sleep=lambda s: time.sleep(min(s, 0.05))))
    old = {**made, "/a/app.mpy": b"old", "/a/gone.mpy": b"x", "/data/settings": b"kept", "/board.json": b"{}"}
    with UnixBoard(tmp_path, old) as board:
        upload.run(board.port, via=via, lines=False, as_json=True)
        first = json.loads(capsys.readouterr().out)
        assert first["sent"] == ["/a/app.mpy"] and first["removed"] == ["/a/gone.mpy"]
        assert board.files() == {**made, "/data/settings": b"kept", "/board.json": b"{}"}
        made["/a/deep/er/new.mpy"] = b"new"
        made["/a/build.json"] = b'{"version": "0.2.0"}'
        upload.run(board.port, via=via, lines=False, as_json=False)
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "1/2 /a/deep/er/new.mpy (3 bytes)" and said[1].startswith("2/2 /a/build.json")
        assert said[2].startswith(f"2 of {len(made)} files sent in ")
        assert board.files()["/a/deep/er/new.mpy"] == b"new"
        assert board.started(3), "the program was started again after each"


def test_watching_goes_on_after_a_source_that_does_not_compile(made, tmp_path, monkeypatch, capsys):
    """Each look at the sources' times is one line of this script."""
    whole = build.modules
    script = iter(["as it was", "as it was", "broken", "mended"])

    def stamps():
        at = next(script, None)
        if at is None:
            raise KeyboardInterrupt
        made["/a/app.mpy"] = at.encode()
        return at

    def files(**options):
        if made["/a/app.mpy"] == b"broken":
            raise PilotwireError("firmware/app.py does not compile", "SyntaxError")
        return whole(**options)

    monkeypatch.setattr(build, "modules", files)
    monkeypatch.setattr(upload, "_stamps", stamps)
    monkeypatch.setattr(upload, "_LOOK_S", 0)
    with UnixBoard(tmp_path, dict(made)) as board:
        with pytest.raises(KeyboardInterrupt):
            upload.run(board.port, via="mpremote", lines=False, as_json=True, soft=True, again=True)
        assert board.files()["/a/app.mpy"] == b"mended"
    out, err = capsys.readouterr()
    assert [json.loads(line)["sent"] for line in out.splitlines()] == [[], ["/a/app.mpy"]]
    assert err == "pilotwire: firmware/app.py does not compile, SyntaxError\n"


def test_files_go_to_the_slot_that_runs(made, tmp_path, capsys):
    with UnixBoard(tmp_path, {"/slot": b"b", "/main.py": MAIN, "/a/app.mpy": b"other slot"}) as board:
        upload.run(board.port, via="mpremote", lines=False, as_json=True)
        found = board.files()
    assert found["/b/app.mpy"] == made["/a/app.mpy"] and found["/a/app.mpy"] == b"other slot"
    assert json.loads(capsys.readouterr().out)["sent"][-1] == "/b/build.json"


def test_the_real_command_with_the_real_build(tmp_path):
    files = build.modules()
    some = {name: data for name, data in files.items() if not name.startswith("/a/ocpp16")}
    with UnixBoard(tmp_path, {**some, "/main.py": MAIN}) as board:
        done = subprocess.run([*COMMAND, "--port", board.port], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        found = board.files()
    assert found.keys() >= files.keys() and found["/main.py"] == files["/main.py"]
    assert "files sent in" in done.stdout and "/a/ocpp16/core.mpy" in done.stdout


def test_a_full_file_system_is_told(made, tmp_path):
    from pilotwire.image import Partition

    small = (Partition("vfs", 1, 0x81, 0x200000, 0x10000),)
    made["/a/app.mpy"] = bytes(70000)
    with UnixBoard(tmp_path, {"/main.py": MAIN}, small) as board, pytest.raises(PilotwireError) as error:
        upload.run(board.port, via="mpremote", lines=False, as_json=True)
    assert error.value.what.startswith("cannot write /a/app.mpy") and "no space" in error.value.why
    assert list(board.files()) == ["/main.py"], "nothing half-done is left"


def test_a_cable_that_is_pulled(made, tmp_path):
    """In the middle of a file; the next run sends what is missing."""
    made["/a/app.mpy"] = bytes(range(256)) * 40

    class Pulled(LiveBoard):
        def write(self, name, data, progress=None):
            super().write(name, data, lambda done, total: board.pull() if done * 2 > total else None)

    with UnixBoard(tmp_path, {"/main.py": MAIN}) as board:
        with pytest.raises(PilotwireError) as error, Pulled(board.port) as live:
            upload.upload(live, made, lambda text: None)
        before = board.files()
    assert error.value.what == f"the connection to {board.port} broke off"
    assert error.value.do == "check the cable"
    assert "/a/app.mpy" not in before and "/a/build.json" not in before
    with UnixBoard(tmp_path, before) as board:
        upload.run(board.port, via="mpremote", lines=False, as_json=True)
        assert board.files() == made


def test_the_repl_is_mpremotes(tmp_path):
    with UnixBoard(tmp_path, {"/main.py": MAIN}) as board:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "pilotwire.cli", "repl", "--port", board.port],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        before = b""
        for expected, answer in ((b"Ctrl-x to exit", b"\x03"), (b">>> ", b"print(6 * 7)\r"), (b"\n42", b"\x1d")):
            said = b""
            while expected not in said:
                # What is typed before mpremote has made its terminal raw is lost: it is typed again.
                if select.select([master], [], [], 2)[0]:
                    said += os.read(master, 1024)
                else:
                    os.write(master, before)
            os.write(master, answer)
            before = answer
        assert process.wait(20) == 0
        os.close(master)


@pytest.mark.exhaustive  # waits out the patience of mpremote
def test_nobody_answers():
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        with pytest.raises(PilotwireError) as error, LiveBoard(os.ttyname(slave)):
            pass
    finally:
        os.close(master)
        os.close(slave)
    assert error.value.what.startswith("cannot get MicroPython's prompt on ") and "EN (or RST)" in error.value.do


def test_an_unknown_way_is_a_usage_error():
    done = subprocess.run([*COMMAND, "--via", "ftp"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "it is mpremote or ampy" in done.stderr
