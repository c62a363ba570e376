"""`pilotwire diagnostics`: a file becomes resets, errors, queue, wear and a timeline; damage is told, not hidden."""

import json
import subprocess
import sys

import pytest

from pilotwire.diagnostics.report import read
from pilotwire.errors import PilotwireError

LINES = [
    {"pilotwire": "diagnostics", "format": 1, "charger": "CP1", "version": "0.1.0", "slot": "a", "reset": "power",
     "time": "2026-11-22T10:00:30Z", "uptime_s": 90061, "from": None, "to": None},
    {"counters": {"online": True, "errors": 1, "refused": 0}, "heap": {"used": 1, "free": 2}},
    {"connector": 1, "status": "Charging", "fault": None, "energy_wh": 500},
    {"contactor": 1, "cycles": 7, "hours": 3},
    {"limit": "cable", "connector": 1, "ma": 16000, "reason": ""},
    {"flash": "journal", "erases": 1, "programs": 5},
    {"setting": "WifiKey", "secret": True, "set": True},
    {"setting": "HeartbeatInterval", "value": "300"},
    {"record": "StartTransaction", "id": 5, "state": "open", "connector": 1, "wh": 100, "time": "2026-11-22T10:00:20Z"},
    {"frame": '[2,"1","Heartbeat",', "bytes": 22, "sent": True, "time": "2026-11-22T10:00:25Z"},
    {"log": "I app: pilotwire 0.1.0, slot a, start by watchdog", "uptime_s": 0},
    {"log": "W link: nobody listens there", "uptime_s": 5},
    {"log": "E ocpp: ValueError() < rpc.py:5 next", "time": "2026-11-22T10:00:10Z"},
    {"end": True},
]  # fmt: skip
FILE = "\n".join(json.dumps(line) for line in LINES).encode() + b"\n\n\n"


def test_read():
    report = read(FILE)
    assert report.whole and report.damaged == 0
    assert [(m.time, m.text[:6]) for m in report.resets] == [("2026-11-22T10:00:05Z", "I app:")]
    assert [m.time for m in report.of_level("W") + report.of_level("E")] == ["2026-11-22T10:00:10Z"] * 2
    assert [m.what for m in report.timeline] == ["log", "log", "log", "queue", "frame"]
    assert report.settings == {"WifiKey": "(set)", "HeartbeatInterval": "300"}
    assert report.queue[0]["id"] == 5 and report.connectors[0]["cycles"] == 7
    assert [limit["limit"] for limit in report.connectors[0]["limits"]] == ["cable"] and len(report.connectors) == 1


# A file that was cut anywhere still tells what it holds, and that it is cut.
def test_cut():
    for size in range(len(json.dumps(LINES[0])), len(FILE) - 20):
        report = read(FILE[:size])
        assert not report.whole and report.damaged <= 1


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\0", b"{}", b"[1]\n" + FILE[400:], b'{"pilotwire": 5}'])
def test_no_such_file(data):
    with pytest.raises(PilotwireError, match="no diagnostics file"):
        read(data)


def test_newer_format():
    with pytest.raises(PilotwireError, match="format 2"):
        read(FILE.replace(b'"format": 1', b'"format": 2'))


def _run(*args, data=b""):
    command = [sys.executable, "-m", "pilotwire.cli", "diagnostics", *args]
    return subprocess.run(command, input=data, capture_output=True, timeout=60)


def test_command(tmp_path):
    file = tmp_path / "f.jsonl"
    file.write_bytes(FILE)
    shown = _run(str(file)).stdout.decode()
    for part in ("CP1", "up 1 days 1:01:01", "start by watchdog", "nobody listens there", "StartTransaction", "journal"):
        assert part in shown, shown
    told = json.loads(_run("-", "--json", data=FILE).stdout)
    assert told["head"]["charger"] == "CP1" and len(told["resets"]) == 1 and len(told["errors"]) == 1 and told["whole"]
    wrong = _run(str(tmp_path / "missing"))
    assert wrong.returncode == 1 and wrong.stderr.startswith(b"pilotwire: cannot read ")
