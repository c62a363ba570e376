"""`pilotwire monitor`: lines become events; a port that goes away comes back."""

import json
import os
import pty
import subprocess
import sys
import threading
import time
import tty

import pytest

from pilotwire.monitor import Reader


def events(*pieces):
    reader = Reader(lambda: 0)
    return [event for piece in pieces for event in reader.feed(piece)]


def said(*pieces):
    return [(event.who, event.what) for event in events(*pieces)]


def report(**fields):
    connector = {"status": "Available", "fault": None, "offered_ma": 0, "transaction": None, **fields.pop("connector", {})}
    whole = {"version": "0.1.0", "slot": "a", "registered": None, "online": False, "queue": 0, "connectors": [connector]}
    return b"@" + json.dumps(whole | fields).encode() + b"\r\n"


def test_log_lines_in_pieces_of_any_size():
    text = b"I app: pilotwire 0.1.0\r\n\r\nW link: next try\r\nnot a log line\n"
    whole = said(text)
    assert whole == [("firmware", "I app: pilotwire 0.1.0"), ("firmware", "W link: next try"), ("firmware", "not a log line")]
    assert said(*[text[n : n + 1] for n in range(len(text))]) == whole


def test_reports_become_changes():
    found = said(
        report(),
        report(),
        report(registered="Accepted", online=True),
        report(registered="Accepted", online=True, connector={
            "status": "Charging", "offered_ma": 16000, "transaction": {"id": None, "tag": "T1", "start_wh": 0}}),
        report(registered="Accepted", online=True, connector={
            "status": "Charging", "offered_ma": 16000, "transaction": {"id": 7, "tag": "T1", "start_wh": 0}}),
        report(registered="Accepted", online=True, queue=2, connector={"status": "Faulted", "fault": "weld"}),
    )  # fmt: skip
    assert found == [
        ("box", "pilotwire 0.1.0, slot a"), ("network", "online: no"), ("box", "queue: 0"), ("conn. 1", "Available"),
        ("central", "registration: Accepted"), ("network", "online: yes"),
        ("conn. 1", "Charging"), ("conn. 1", "offers 16 A"), ("conn. 1", "transaction of tag T1"),
        ("box", "queue: 2"), ("conn. 1", "Faulted"), ("conn. 1", "fault weld"), ("conn. 1", "offers 0 A"),
        ("conn. 1", "transaction is over"),
    ]  # fmt: skip


def test_a_traceback_is_one_event_with_file_and_function():
    trace = (
        b"Traceback (most recent call last):\r\n"
        b'  File "/main.py", line 6, in <module>\r\n'
        b'  File "ocpp16/core.py", line %d, in start_transaction\r\n'
        b"ValueError: no connector\r\n"
    )
    (event,) = events(trace % 42)
    assert event.what == "ValueError: no connector in start_transaction of ocpp16/core.py, line 42"
    assert event.data["level"] == "error" and len(event.data["traceback"]) == 4
    (event,) = events(trace % 1)
    assert event.what.endswith("in start_transaction of ocpp16/core.py"), "a build without line numbers says 1 everywhere"


def test_set_up_mode_says_how_to_get_there():
    setup = {"network": "pilotwire-000001", "password": "abcdefghjk", "address": "http://192.168.4.1/"}
    line = b"@" + json.dumps({"version": "0.1.0", "slot": "a", "setup": setup, "heap": 1}).encode() + b"\n"
    assert said(line, line) == [
        ("box", "pilotwire 0.1.0, slot a"),
        ("box", "set-up mode: join network pilotwire-000001 with password abcdefghjk, then open http://192.168.4.1/"),
    ]


@pytest.mark.parametrize("line", [b"@{", b"@[1]", b"@"])
def test_a_report_that_is_none_is_shown(line):
    (event,) = events(line + b"\n")
    assert event.what == line.decode() and event.data["level"] == "warning"


def test_noise_is_bounded():
    reader = Reader(lambda: 0)
    for _ in range(100):
        list(reader.feed(b"\xf0\x00" * 500))
    assert len(reader._rest) <= 4096


def test_a_reset_is_told_and_the_state_forgotten():
    found = said(report(), b"rst:0x8 (TG1WDT_SYS_RESET),boot:0x13\r\n", report())
    assert ("power", "the chip starts: TG1WDT_SYS_RESET") in found
    assert found.count(("box", "pilotwire 0.1.0, slot a")) == 2


def test_a_port_that_goes_and_comes_back(tmp_path):
    """As a board with USB of its own does at a reset: the device is a link that is turned to another terminal."""
    link = tmp_path / "ttyACM0"
    first, slave = pty.openpty()
    tty.setraw(slave)
    link.symlink_to(os.ttyname(slave))
    process = subprocess.Popen(
        [sys.executable, "-m", "pilotwire.cli", "monitor", "--port", str(link), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines: list[dict] = []
        threading.Thread(target=lambda: lines.extend(map(json.loads, process.stdout)), daemon=True).start()

        def until(what, say=None):
            end = time.monotonic() + 30
            while not any(what in line["what"] for line in lines):
                assert time.monotonic() < end and process.poll() is None, lines
                if say:
                    say()
                time.sleep(0.05)

        until("first life", lambda: os.write(first, b"I app: first life\n"))
        link.unlink()
        os.close(slave)
        os.close(first)
        until("is gone, waiting for it")
        second, slave = pty.openpty()
        tty.setraw(slave)
        link.symlink_to(os.ttyname(slave))
        until("is back")
        until("second life", lambda: os.write(second, b"E app: second life\n"))
        assert next(line for line in lines if "second life" in line["what"])["level"] == "error"
        os.close(second)
        os.close(slave)
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_not_there():
    done = subprocess.run(
        [sys.executable, "-m", "pilotwire.cli", "monitor", "--port", "/dev/ttyNONE"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("pilotwire: there is no port /dev/ttyNONE")
