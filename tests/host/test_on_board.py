"""`pilotwire test --port`: the same tests, the same report, on the Unix port at the end of a serial line."""

import subprocess
import sys

from unix_board import UnixBoard

COMMAND = [sys.executable, "-m", "pilotwire.cli", "test"]
QUICK = ("-p", "no:hypothesispytest")  # half of the start of pytest
MAIN = b"import time\nwhile True:\n    time.sleep_ms(20)\n"
FILES = {"/main.py": MAIN, "/data/settings": b"kept"}


def run(*arguments):
    done = subprocess.run([*COMMAND, *arguments, *QUICK, "-rs"], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def results(text):
    return [line.rsplit(" ", 2)[0] for line in text.splitlines() if "::" in line and "%]" in line]


def test_the_report_is_that_of_the_desktop(tmp_path):
    some = ["tests/lib/test_iso8601.py", "tests/firmware/test_button.py", "tests/lib/test_store.py", "-v"]
    with UnixBoard(tmp_path, FILES) as board:
        status, on_board = run("--port", board.port, *some)
        assert board.started(2), "its program runs again"
        found = board.files()
    assert status == 0, on_board
    assert f"on the board at {board.port}" in on_board
    status, on_desktop = run(*some, "-p", "no:xdist")
    assert status == 0 and results(on_board) == results(on_desktop) and len(results(on_board)) > 20
    assert found == FILES, "nothing of the tests stays"


def test_what_needs_stand_ins_is_left_out_with_a_reason(tmp_path):
    with UnixBoard(tmp_path, FILES) as board:
        status, text = run("--port", board.port, "tests/firmware/test_port_clock.py")
    assert status == 0 and "needs the chip's stand-ins" in text and "passed" not in text


def test_a_failure_shows_what_it_shows_on_the_desktop(pytester, tmp_path):
    folder = pytester.path / "tests" / "lib"
    folder.mkdir(parents=True)
    (pytester.path / "firmware").mkdir()
    (folder / "test_bad.py").write_text(
        "def test_good():\n    print('said')\n\ndef test_bad():\n    print('so far')\n    assert 6 * 7 == 41\n"
    )
    (folder / "test_other.py").write_text("import test_gone\n\ndef test_broken():\n    pass\n")
    options = (*QUICK, "-p", "pilotwire.devicetest.plugin", "-p", "no:xdist", str(folder))
    with UnixBoard(tmp_path, FILES) as board:
        on_board = pytester.runpytest_subprocess(f"--board={board.port}", *options)
    on_desktop = pytester.runpytest_subprocess(*options)
    on_board.assert_outcomes(passed=1, failed=2)
    on_board.stdout.fnmatch_lines(["*AssertionError: 42 == 41*", "*so far*"])
    shown = [[line for line in done.outlines if "Error" in line or "File" in line] for done in (on_board, on_desktop)]
    assert shown[0] == shown[1] and len(shown[0]) > 3


def test_no_such_port():
    status, text = run("--port", "/dev/ttyNONE")
    assert status == 1 and "pilotwire: there is no port /dev/ttyNONE" in text
