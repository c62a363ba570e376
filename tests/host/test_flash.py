"""`pilotwire flash` with the real esptool against a chip that is mocked down to its boot loader.

What was written is read back from the mock's flash, mounted, and booted by the virtual wallbox.
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
import tty

import micropython_images as images
import pytest
from mock_chip import MockChip

from pilotwire import boards, build, image, settings_file
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.flash import first_boot
from pilotwire.sim import Supervisor

COMMAND = [sys.executable, "-m", "pilotwire.cli"]
BOARDS = {
    "esp32": ("esp32-devkitc", 4),
    "esp32s3": ("esp32-s3-devkitc", 8),
    "esp32c3": ("esp32-c3-devkit", 4),
    "esp32c6": ("esp32-c6-devkitc", 8),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PILOTWIRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def micropython(tmp_path):
    """Path of an image for a chip."""

    def make(chip="esp32", **options):
        path = tmp_path / f"{chip}.bin"
        path.write_bytes(images.micropython(chip, **options))
        return path

    return make


def flash(*arguments, **env):
    """Runs the real command; returns (status, stdout, stderr)."""
    done = subprocess.run(
        [*COMMAND, "flash", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, env={**os.environ, **env},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


async def accepted(flash_bin, state):
    """Boots a flash image in the virtual wallbox until the central system has accepted it."""
    # Heap to spare: what it needs is measured elsewhere.
    async with Supervisor(state, image=flash_bin, speed=50) as box:
        await box.do("wait", until={"registered": "Accepted"}, timeout_s=60)
        return await box.do("state")


@pytest.mark.parametrize(("chip", "line"), [*((chip, "socket") for chip in BOARDS), ("esp32", "pty")])
def test_what_was_written_boots(chip, line, tmp_path, micropython):
    board, mb = BOARDS[chip]
    before = build.files()

    async def session():
        async with CentralSystem() as central:
            settings = ["--set", f"CentralSystemURL={central.url}", "--set", "ChargePointId=BENCH 1"]
            with MockChip(chip, tmp_path, mb=mb, pty=line == "pty") as mock:
                status, out, err = await asyncio.to_thread(
                    flash, board, "--port", mock.port, "--image", micropython(chip), "--no-wait", *settings,
                    PILOTWIRE_WIFI_KEY="secret enough",
                )  # fmt: skip
                written = mock.flash()
            assert status == 0, err
            assert "written and verified" in out and "secret enough" not in out + err
            flash_bin = tmp_path / "written.bin"
            flash_bin.write_bytes(written[image.FLASH_START :])
            state = await accepted(flash_bin, tmp_path / "state")
            return written, flash_bin, state, list(central.chargers)

    written, flash_bin, state, chargers = asyncio.run(session())
    assert state["registered"] == "Accepted" and chargers == ["BENCH 1"]

    given, offset = micropython(chip).read_bytes(), boards.CHIPS[chip].image_offset
    assert written[0x10000 : 0x10000 + len(given) - 0x10000 + offset] == given[0x10000 - offset :]
    assert written[offset] == 0xE9
    assert written[offset + 3] >> 4 == {4: 2, 8: 3}[mb], "the boot loader must know the size of the flash"
    table = image.parse_partition_table(written[0x8000:])
    assert tuple(table) == boards.partitions(mb)
    assert set(written[0x9000:0x10000]) == {0xFF}
    with image.FlashFile(flash_bin) as files:
        found = {name: files.read(name) for name in files.list()}
    key = settings_file.load(found.pop("/data/settings"))
    assert len(key["SetupPassword"]) == 10 and key["ChargePointId"] == "BENCH 1" and key["WifiKey"] == "secret enough"
    assert found.pop("/slot") == b"a" and found.pop("/board.json") == boards.find(board).text
    # Sources may be edited while this runs: each file is that of before or of now, and the whole is dated.
    versions = before, build.files()
    assert found.keys() in [version.keys() for version in versions]
    assert json.loads(found.pop("/a/build.json")).keys() == json.loads(before["/a/build.json"]).keys()
    assert [name for name in found if found[name] not in [version.get(name) for version in versions]] == []


def test_the_ledger_stays_unless_it_is_to_go(tmp_path, micropython):
    ledger = image.partition(image.BOARD_4MB, "ledger")
    inside = slice(ledger.offset, ledger.offset + ledger.size)
    with MockChip("esp32", tmp_path) as mock:
        again = ["esp32-devkitc", "--port", mock.port, "--image", micropython(), "--no-wait"]
        assert flash(*again)[0] == 0
        with mock.file.open("r+b") as file:
            file.seek(ledger.offset)
            file.write(b"transactions")
            file.seek(0x300000)
            file.write(b"left over")
        assert flash(*again, "--erase")[0] == 0
        assert mock.flash()[inside].startswith(b"transactions")
        status, out, _ = flash(*again, "--erase-ledger", "--json")
        assert status == 0 and set(mock.flash()[inside]) == {0xFF}
        lines = [json.loads(line) for line in out.splitlines()]
        assert any("gone will be the transactions" in line.get("text", "") for line in lines)
        assert lines[-1]["event"] == "done" and lines[-1]["micropython"] == "1.29.0"


def test_another_partition_table_is_not_replaced_unasked(tmp_path, micropython):
    with MockChip("esp32", tmp_path) as mock:
        with mock.file.open("r+b") as file:
            file.seek(0x8000)
            file.write(image.partition_table(images.STOCK))
            file.seek(0x380000)
            file.write(b"somebody's file")
        before = mock.flash()
        again = ["esp32-devkitc", "--port", mock.port, "--image", micropython(), "--no-wait"]
        status, _, err = flash(*again)
        assert status == 1 and mock.flash() == before
        assert err.startswith(f"pilotwire: nothing was written to {mock.port}, ")
        assert "factory (1984 KB)" in err and err.endswith("if that is meant, add --repartition\n")
        status, _, err = flash(*again, "--repartition")
        assert status == 0, err
        # What lay where the ledger is now must not look like one.
        assert set(mock.flash()[0x380000:]) == {0xFF}


def test_erase_of_everything_leaves_nothing(tmp_path, micropython):
    with MockChip("esp32s3", tmp_path, mb=8) as mock:
        with mock.file.open("r+b") as file:
            file.write(b"\0" * (8 << 20))
            file.seek(0x8000)
            file.write(b"\xff" * 0xC00)
        again = ["esp32-s3-devkitc", "--port", mock.port, "--image", micropython("esp32s3"), "--no-wait"]
        status, _, err = flash(*again, "--erase", "--erase-ledger")
        assert status == 0, err
        written = mock.flash()
    assert set(written[0x280000:0x4F0000]) == {0xFF} and set(written[0x780000:]) == {0xFF}


# ---------------------------------------------------------------------------- what goes wrong


def test_a_wrong_chip_is_refused_with_boards_that_fit(tmp_path, micropython):
    with MockChip("esp32c3", tmp_path) as mock:
        status, _, err = flash("esp32-devkitc", "--port", mock.port, "--image", micropython(), "--no-wait")
    assert status == 1 and set(mock.flash()) == {0xFF}
    assert err == (
        f"pilotwire: esp32-devkitc is not what is connected to {mock.port}, its chip is ESP32-C3, not ESP32, "
        "boards with it: esp32-c3-devkit\n"
    )


def test_a_flash_that_is_too_small_is_refused(tmp_path, micropython):
    with MockChip("esp32s3", tmp_path, mb=4) as mock:
        status, _, err = flash(
            "esp32-s3-devkitc", "--port", mock.port, "--image", micropython("esp32s3"), "--no-wait"
        )
    assert status == 1 and set(mock.flash()) == {0xFF}
    assert "its flash has 4 MB, the board has 8 MB" in err and err.count("\n") == 1


def test_no_port(micropython):
    status, _, err = flash("esp32-devkitc", "--port", "/dev/ttyNONE", "--image", micropython())
    assert status == 1 and err.startswith("pilotwire: there is no port /dev/ttyNONE, ")
    assert err.endswith("check the cable, or name another with --port\n")


def test_a_file_is_no_port(tmp_path, micropython):
    status, _, err = flash("esp32-devkitc", "--port", tmp_path / "esp32.bin", "--image", micropython())
    assert status == 1 and "is no serial port" in err


def test_permission_denied_says_which_group(monkeypatch):
    from pilotwire.device import ports

    monkeypatch.setattr(ports.os, "access", lambda *_: False)
    master, slave = pty.openpty()
    try:
        with pytest.raises(PilotwireError) as error:
            ports.check(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert error.value.why == "permission denied" and "sudo usermod -aG" in error.value.do


def test_a_port_in_use_is_named(tmp_path, micropython):
    import serial

    with MockChip("esp32", tmp_path, pty=True) as mock, serial.Serial(mock.port, exclusive=True):
        status, _, err = flash("esp32-devkitc", "--port", mock.port, "--image", micropython(), "--no-wait")
    assert status == 1 and "another program uses it, close the serial monitor" in err


def test_nobody_in_the_boot_loader(tmp_path, micropython):
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        status, _, err = flash("esp32-devkitc", "--port", os.ttyname(slave), "--image", micropython(), "--no-wait")
    finally:
        os.close(master)
        os.close(slave)
    assert status == 1 and err.splitlines()[-1].startswith("pilotwire: cannot reach the boot loader on /dev/")
    assert "hold the board's BOOT button" in err and "Traceback" not in err


@pytest.mark.exhaustive
def test_a_cable_that_is_pulled_and_the_second_run(tmp_path, micropython):
    # Large and not to be compressed, so that there is time to pull.
    noise = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(40000))
    path = micropython()
    path.write_bytes(path.read_bytes()[: 0x10000 - 0x1000] + images.esp_image("esp32", b"MicroPython v1.29.0 on" + noise))
    with MockChip("esp32", tmp_path) as mock:
        process = subprocess.Popen(
            [*COMMAND, "flash", "esp32-devkitc", "--port", mock.port, "--image", str(path), "--no-wait"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        while mock.flash()[0x40000:0x40010] == b"\xff" * 16 and time.monotonic() < end:
            time.sleep(0.005)
        mock.pull()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.startswith(f"pilotwire: the flash of the board on {mock.port} is not whole, ")
    assert "run the same command again" in last
    with MockChip("esp32", tmp_path) as mock:
        status, _, err = flash("esp32-devkitc", "--port", mock.port, "--image", path, "--no-wait")
        assert status == 0, err
        assert tuple(image.parse_partition_table(mock.flash()[0x8000:])) == image.BOARD_4MB


def test_several_boards_and_none(monkeypatch):
    from pilotwire.device import ports

    two = [ports.Port("/dev/ttyUSB0", "CP2102", 0x10C4, 0xEA60), ports.Port("/dev/ttyUSB1", "CH340", 0x1A86, 0x7523)]
    other = [ports.Port("/dev/ttyS0", "serial port", None, None)]
    monkeypatch.setattr(ports, "found", lambda: two + other)
    with pytest.raises(PilotwireError) as error:
        ports.choose(None)
    assert "/dev/ttyUSB0 (10c4:ea60 CP2102); /dev/ttyUSB1 (1a86:7523 CH340)" in str(error.value)
    monkeypatch.setattr(ports, "found", lambda: other)
    with pytest.raises(PilotwireError, match="no board was found, the serial ports are /dev/ttyS0"):
        ports.choose(None)
    monkeypatch.setattr(ports, "found", list)
    with pytest.raises(PilotwireError, match="this computer has no serial port"):
        ports.choose(None)


def test_all_ports_goes_on_after_a_failure(tmp_path, micropython, monkeypatch, capsys):
    from pilotwire.device import ports
    from pilotwire.flash import command

    with MockChip("esp32c3", tmp_path) as wrong, MockChip("esp32", tmp_path) as right:
        found = [ports.Port(mock.port, "a board", 0x10C4, 1) for mock in (wrong, right)]
        monkeypatch.setattr(ports, "found", lambda: found)
        options = command.Options("esp32-devkitc", image=micropython(), all_ports=True, wait=False)
        with pytest.raises(PilotwireError, match="1 of 2 boards were not flashed"):
            command.run(options)
        assert set(wrong.flash()) == {0xFF} and right.flash()[0x1000] == 0xE9
    assert "its chip is ESP32-C3" in capsys.readouterr().out


# ---------------------------------------------------------------------------- without a board


def test_dry_run_needs_no_board(micropython):
    status, out, _ = flash("esp32-s3-devkitc", "--image", micropython("esp32s3"), "--dry-run")
    assert status == 0
    assert "would write       0x0" in out and "would write  0x4f0000  2686976 bytes  the file system" in out
    assert "partition  0x780000   524288 bytes  ledger" in out
    status, out, _ = flash("esp32-devkitc", "--image", micropython(), "--dry-run", "--json", "--erase")
    plan = json.loads(out.splitlines()[-1])
    assert plan["event"] == "plan" and [w["offset"] for w in plan["write"]] == [0x1000, 0x200000]
    assert "/a/modules.pack" in plan["files"] and "/boot.py" in plan["files"]
    taken = sorted((r["offset"], r["offset"] + r["size"]) for r in plan["write"] + plan["erase"])
    assert taken[-1][1] == 0x380000, "the ledger is not among them"
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(taken))


def test_settings_from_a_file(tmp_path, micropython):
    (tmp_path / "cp1.toml").write_text('WifiKey = "s3cret.key"\nMaxCurrent = 16\n')
    given = ["esp32-devkitc", "--image", micropython(), "--dry-run", "--json", "--settings", tmp_path / "cp1.toml"]
    status, out, _ = flash(*given, "--set", "MaxCurrent=20")
    size = json.loads(out.splitlines()[-1])["files"]["/data/settings"]
    wanted = {"WifiKey": "s3cret.key", "MaxCurrent": "20", "SetupPassword": 10 * "x"}
    assert status == 0 and size == len(settings_file.dump(wanted))
    assert "s3cret.key" not in out


def test_the_summary_names_what_runs(tmp_path, micropython, monkeypatch, capsys):
    from pilotwire.flash import command

    said = {"version": "0.1.0", "slot": "a", "registered": None}
    monkeypatch.setattr(first_boot, "watch", lambda port: said)
    with MockChip("esp32", tmp_path) as mock:
        command.run(command.Options("esp32-devkitc", port=mock.port, image=micropython()))
    out = capsys.readouterr().out
    assert "is a wallbox: pilotwire 0.1.0, MicroPython 1.29.0" in out
    assert "it runs slot a, not yet registered" in out and f"or pilotwire provision --port {mock.port}" in out
    network, password = re.search(r"set-up mode: network (\S+), password (\S+) ", out).groups()
    assert re.fullmatch(r"pilotwire-[0-9A-F]{6}", network)
    (tmp_path / "written.bin").write_bytes(mock.flash()[image.FLASH_START :])
    with image.FlashFile(tmp_path / "written.bin") as files:
        assert settings_file.load(files.read("/data/settings")) == {"SetupPassword": password}


USAGE = [
    (["toaster"], "unknown board 'toaster', known boards: esp32-c3-devkit"),
    (["virtual"], "the virtual board is not flashed, start it with `pilotwire sim`"),
    (["esp32-devkitc", "--set", "MaxCurrents=16"], "there is no setting 'MaxCurrents', did you mean MaxCurrent"),
    (["esp32-devkitc", "--set", "MaxCurrent=99"], "'99' is no MaxCurrent, it may be 6 to 80"),
    (["esp32-devkitc", "--set", "WifiKey=hello there"], "WifiKey does not belong on the command line"),
    (["esp32-devkitc", "--port", "x", "--all-ports"], "--port and --all-ports exclude each other"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=lambda v: str(v)[-24:])
def test_usage(arguments, message):
    status, _, err = flash(*arguments)
    assert status == 2 and message in err and "hello there" not in err


def test_a_board_of_ones_own(tmp_path, micropython):
    config = json.loads(boards.find("esp32-devkitc").text)
    config["id"] = "garage"
    (tmp_path / "board.json").write_text(json.dumps(config))
    status, out, _ = flash(tmp_path, "--image", micropython(), "--dry-run")
    assert status == 0 and "would write" in out
    config["connectors"][0]["contactor"] = 34
    (tmp_path / "board.json").write_text(json.dumps(config))
    status, _, err = flash(tmp_path / "board.json", "--image", micropython(), "--dry-run")
    assert status == 1 and "is no board, connectors[0].contactor: 34 is not one of" in err


# ---------------------------------------------------------------------------- the first start


def fed(*lines):
    watch = first_boot.Watch()
    for line in lines:
        watch.feed(line)
    return watch


def test_the_first_report_ends_the_wait():
    watch = fed(b"rst:0x1 (POWERON_RESET)\r\nI app: pilot", b'wire\r\n@{"version":"0.1', b'.0","slot":"a"}\r\n')
    assert watch.report == {"version": "0.1.0", "slot": "a"} and watch.failed is None
    assert fed(b"@{broken\n@[]\n@{}\n").report is None


FAILURES = [
    ([b"ets Jul 29 2019\r\nrst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\n"] * 4, "it restarts again and again: rst:0x10"),
    ([b"Traceback (most recent call last):\r\n  File \"main.py\"\r\nImportError: no module named 'app'\r\n",
      b"MicroPython v1.29.0\r\n", b">>> "], "its program ended: ImportError: no module named 'app'"),
    ([b"MicroPython v1.29.0\r\n>>> "], "MicroPython starts, but no program"),
    ([b"The filesystem appears to be corrupted. If you had important data\r\n"], "its file system cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "why"), FAILURES, ids=lambda v: str(v)[:20])
def test_a_start_that_fails_is_told(lines, why):
    failed = fed(*lines).failed
    assert failed is not None and failed[0].startswith(why) and failed[1]


def speaking(*pieces):
    """A pseudo-terminal that says these pieces, again and again; returns (path, stop)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    over = threading.Event()

    def speak():
        with contextlib.suppress(OSError):
            while not over.wait(0.05):
                for piece in pieces:
                    os.write(master, piece)

    threading.Thread(target=speak, daemon=True).start()

    def stop():
        over.set()
        os.close(slave)

    return os.ttyname(slave), stop


def test_watching_a_port():
    port, stop = speaking(b"I app: starts\n", b'@{"version":"0.1.0","slot":"a"}\n')
    assert first_boot.watch(port, wait_s=10)["slot"] == "a"
    stop()
    port, stop = speaking(b"brownout detected\n")
    with pytest.raises(PilotwireError, match="does not report itself, the last it said was 'brownout detected'"):
        first_boot.watch(port, wait_s=0.5)
    stop()
