"""`pilotwire doctor`: findings from what a board answers, and the whole command against the Unix port."""

import json
import socket
import subprocess
import sys

import pytest
from unix_board import UnixBoard

from pilotwire import boards, build, doctor, settings_file
from pilotwire.runtime import check

# In place of the firmware, which needs a chip: its report, again and again.
MAIN = b"""
import time
while True:
    print('@{"version": "0.1.0", "slot": "a", "registered": "Accepted", "online": true, "queue": 2, "connectors": []}')
    time.sleep_ms(100)
"""
COMMAND = [sys.executable, "-m", "pilotwire.cli", "doctor"]
HEALTHY = {
    "release": [1, 29, 0],
    "machine": "Generic ESP32 module with ESP32",
    "mpy": 6 | 3 << 8,
    "free": 160 * 1024,
    "platform": "esp32",
    "partitions": [[p.type, p.subtype, p.offset, p.size, p.name] for p in boards.partitions(4)],
    "flash": 4 << 20,
    "blocks": [4096, 384, 300],
    "time": 846_000_000,
    "epoch": 2000,
    "slot": "a",
    "board": boards.find("esp32-devkitc").text.decode(),
    "build_a": json.dumps({"version": "0.1.0", "mpy": 6 | 3 << 8, "hash": "0123456789abcdef"}),
    "build_b": None,
}
SETTINGS = settings_file.dump({"WifiSsid": "home", "CentralSystemURL": "wss://a", "ChargePointId": "CP1"})


def test_a_healthy_board():
    found = list(doctor.judge(HEALTHY, SETTINGS))
    assert {finding.level for finding in found} == {"ok"} and not any(finding.do for finding in found)
    assert [f.about for f in found] == [
        "MicroPython", "heap", "board.json", "flash", "partitions", "file system", "slot", "settings", "clock",
    ]  # fmt: skip


STOCK = [[0, 0, 0x10000, 0x1F0000, "factory"], [1, 2, 0x9000, 0x6000, "nvs"], [1, 0x81, 0x200000, 0x200000, "vfs"]]
ILL = [
    ({"mpy": 6 | 2 << 8, "build_a": HEALTHY["build_a"].replace("774", "518")}, "MicroPython", "error", "reads .mpy 6.2"),
    ({"free": 90 * 1024}, "heap", "warning", "90 KB free"),
    ({"board": None}, "board.json", "error", "there is none"),
    ({"board": "{"}, "board.json", "error", "it cannot be read"),
    ({"flash": 2 << 20}, "flash", "error", "2 MB"),
    ({"partitions": STOCK}, "partitions", "error", "no ledger"),
    ({"blocks": [4096, 384, 10]}, "file system", "warning", "40 of 1536 KB free"),
    ({"fs_error": "[Errno 19] ENODEV"}, "file system", "error", "ENODEV"),
    ({"slot": "b"}, "slot", "error", "b: there is no app in it"),
    ({"build_a": '{"version": "1", "mpy": 518, "hash": "x"}'}, "slot", "error", "a: pilotwire 1"),
    ({"time": 1000}, "clock", "warning", "not set"),
    ({"time": 946684800 + 1000, "epoch": 1970}, "clock", "warning", "not set"),
]


@pytest.mark.parametrize(("change", "about", "level", "text"), ILL, ids=lambda v: str(v)[:24])
def test_what_is_wrong_is_said_with_what_to_do(change, about, level, text):
    found = {finding.about: finding for finding in doctor.judge(HEALTHY | change, SETTINGS)}
    assert found[about].level == level and text in found[about].text and found[about].do
    others = [f for f in found.values() if f.about != about and f.level != "ok"]
    assert not others


@pytest.mark.parametrize(
    ("settings", "level", "text"),
    [
        (None, "warning", "nothing is set"),
        (SETTINGS[:-3], "error", "checksum"),
        (settings_file.dump({}), "warning", "not set: CentralSystemURL, ChargePointId, WifiSsid"),
    ],
)
def test_settings(settings, level, text):
    found = {finding.about: finding for finding in doctor.judge(HEALTHY, settings)}
    assert found["settings"].level == level and text in found["settings"].text


def test_a_board_with_ethernet_needs_no_wifi():
    settings = settings_file.dump({"CentralSystemURL": "wss://a", "ChargePointId": "CP1"})
    wired = HEALTHY | {"board": boards.find("olimex-esp32-poe").text.decode()}
    assert {finding.about: finding for finding in doctor.judge(wired, settings)}["settings"].level == "ok"
    assert {finding.about: finding for finding in doctor.judge(HEALTHY, settings)}["settings"].level == "warning"


def test_a_board_on_the_line(tmp_path):
    about = json.dumps({"version": "0.1.0", "mpy": check(), "hash": "0" * 16}).encode()
    files = {"/main.py": MAIN, "/slot": b"a", "/a/build.json": about, "/board.json": boards.find("esp32-devkitc").text}
    with socket.create_server(("127.0.0.1", 0)) as central:
        url = f"ws://127.0.0.1:{central.getsockname()[1]}/ocpp"
        settings = settings_file.dump({"WifiSsid": "home", "CentralSystemURL": url, "ChargePointId": "CP1"})
        with UnixBoard(tmp_path, {**files, "/data/settings": settings}) as board:
            done = subprocess.run([*COMMAND, "--port", board.port, "--json"], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
            found = {row["about"]: row for row in json.loads(done.stdout)}
            assert board.started(2)
    assert found["slot"]["text"].startswith("a: pilotwire 0.1.0") and found["settings"]["level"] == "ok"
    assert found["file system"]["level"] == "ok" and found["port"]["text"] == board.port
    assert found["start"]["level"] == found["charger"]["level"] == found["central"]["level"] == "ok"
    assert found["ledger"]["text"] == "2 messages wait for the central system"


def test_an_empty_board(tmp_path):
    with UnixBoard(tmp_path, {"/main.py": MAIN}) as board:
        done = subprocess.run([*COMMAND, "--port", board.port], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == "pilotwire: something is wrong: board.json, slot, see above\n"
    assert "-> send it with `pilotwire upload`" in done.stdout


def test_no_board():
    done = subprocess.run([*COMMAND, "--port", "/dev/ttyNONE"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "there is no port /dev/ttyNONE" in done.stdout
    done = subprocess.run([*COMMAND, "--host"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "esptool" in done.stdout


def test_the_build_is_what_is_asked_for():
    assert json.loads(build.files()["/a/build.json"]).keys() >= {"version", "mpy", "hash"}
