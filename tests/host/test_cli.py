"""The command line: exit statuses, messages, what goes to stdout and what to stderr."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import typer
from typer.testing import CliRunner
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pilotwire import __version__, arguments
from pilotwire.cli import app
from pilotwire.errors import PilotwireError

COMMAND = [sys.executable, "-m", "pilotwire.cli"]


def run(*arguments_, **options):
    """Runs the real command; returns (status, stdout, stderr)."""
    done = subprocess.run([*COMMAND, *arguments_], capture_output=True, text=True, timeout=60, **options)
    return done.returncode, done.stdout, done.stderr


def test_version_and_help():
    assert run("--version") == (0, f"pilotwire {__version__}\n", "")
    status, out, _ = run("--help")
    assert status == 0
    assert all(command in out for command in ("demo", "sim", "csms", "play", "build"))


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore
def test_every_help_has_an_example(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0 and f"Example: pilotwire {command}" in result.output


def test_help_imports_nothing_heavy():
    code = (
        "import sys, pilotwire.cli; "
        "print([m for m in ('websockets', 'ocpp', 'jsonschema', 'littlefs') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"


SIM = ["sim", "--csms", "ws://127.0.0.1:1", "--id", "CP1", "--state", "unused"]

USAGE = [
    ([], None),
    (["frob"], "No such command 'frob'"),
    (["sim"], "Missing option '--csms'"),
    ([*SIM, "--csms", "http://a"], "its scheme is 'http', not ws or wss"),
    ([*SIM, "--id", "a:b"], "no id of a charger"),
    ([*SIM, "--set", "MaxCurrent"], "write KEY=VALUE"),
    ([*SIM, "--speed", "-1"], "a speed of -1 is out of range"),
    ([*SIM, "--heap", "lots"], "write it like 104K"),
    ([*SIM, "--control", "7000"], "write HOST:PORT"),
    ([*SIM, "--connectors", "3"], "'--connectors'"),
    (["build", "toaster"], "known boards: virtual"),
    (["csms", "--port", "70000"], "'--port'"),
]


@pytest.mark.parametrize(("arguments_", "message"), USAGE, ids=lambda v: str(v)[-30:])
def test_a_wrong_command_line_is_status_2_without_a_traceback(arguments_, message):
    status, out, err = run(*arguments_)
    assert status == 2 and "Traceback" not in err
    assert message is None or message in err
    assert message is None or out == ""


def test_errors_are_one_line_on_stderr_and_status_1(tmp_path):
    bad = tmp_path / "bad.scn"
    bad.write_text("plug connector=1\nplugg\n")
    status, out, err = run("play", str(bad))
    assert (status, out) == (1, "")
    assert err.startswith("pilotwire: bad.scn, line 2: unknown word 'plugg', known words: plug, ")
    assert err.count("\n") == 1
    _, _, err = run("play", str(tmp_path / "none.scn"))
    assert err.startswith("pilotwire: cannot read") and err.endswith("no such file or directory\n")


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path):
    for line in (["--debug", "play", str(tmp_path / "x")], ["play", str(tmp_path / "x"), "--debug"]):
        status, _, err = run(*line)
        assert status == 1 and "Traceback" in err and "PilotwireError" in err


def test_csms_says_that_its_port_is_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run("csms", "--port", str(port))
    assert status == 1
    assert err == (
        f"pilotwire: the central system cannot listen on 127.0.0.1:{port}, "
        "address already in use, choose another --host or --port\n"
    )


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_csms_runs_until_it_is_told_to_stop_and_sums_up(signal_):
    process = subprocess.Popen(
        [*COMMAND, "csms", "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["data"]["url"]
        with connect(f"{url}/CP1", subprotocols=[Subprotocol("ocpp1.6")]) as charger:
            charger.send('[2,"1","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]')
            assert json.loads(charger.recv())[2]["status"] == "Accepted"
        process.send_signal(signal_)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["charger"] == "CP1" and lines[-1]["registration"] == "Accepted"


def test_a_reader_that_went_away_is_no_traceback():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "csms", "--port", str(address[1])]
    process = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(address):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")


READ = [
    (arguments.csms_url, "ws://a:9000/ocpp/", "ws://a:9000/ocpp"),
    (arguments.csms_url, "wss://[::1]:1", "wss://[::1]:1"),
    (arguments.charger_id, "ä/1 #", "ä/1 #"),
    (arguments.address, "127.0.0.1:0", ("127.0.0.1", 0)),
    (arguments.address, "[::1]:7000", ("::1", 7000)),
    (arguments.heap_bytes, "104K", 104 * 1024),
    (arguments.heap_bytes, "1m", 1024 * 1024),
    (arguments.heap_bytes, "65536", 65536),
    (arguments.settings, ["A=1", "B=x=y", "C="], {"A": "1", "B": "x=y", "C": ""}),
    (arguments.speed, 0.5, 0.5),
]


@pytest.mark.parametrize(("function", "given", "value"), READ)
def test_arguments_are_read(function, given, value):
    assert function(given) == value


REFUSED = [
    (arguments.csms_url, ["", "x", "ws://", "ws://a:b", "ws://a:99999", "ws://a:0", "ws://a#b",
                          "ws://a b", "ws://[::1", "http://a"]),
    (arguments.charger_id, ["", "a" * 49, "a:b", "a\n"]),
    (arguments.address, ["", "7000", ":7000", "a:b", "a:65536", "a:-1"]),
    (arguments.heap_bytes, ["", "K", "1K", "-1K", "1.5M", "9999M"]),
    (arguments.settings, [["A"], ["=1"]]),
    (arguments.speed, [-1, 1e9, float("nan"), float("inf")]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "given"), [(function, value) for function, values in REFUSED for value in values])
def test_arguments_are_refused(function, given):
    with pytest.raises(arguments.UsageError) as error:
        function(given)
    assert isinstance(error.value, PilotwireError)
