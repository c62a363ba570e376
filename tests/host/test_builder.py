"""The README's part for a builder, walked through by its own commands from an empty directory.

The board is a mock boot loader until it is flashed. From then on the virtual wallbox runs what was written, and its serial line
is what the same port says.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import micropython_images as images
import pytest
from mock_chip import MockChip

from pilotwire import build, image
from pilotwire.csms import CentralSystem
from pilotwire.sim import Supervisor


class Board:
    """A port that leads to the boot loader, and after it was flashed to the firmware.

    The chip starts whenever the port is closed behind esptool, as its reset does.
    """

    def __init__(self, mock, folder):
        self.mock, self.folder = mock, folder
        self._lines: list[str] = []
        self.box = None
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = f"socket://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._open.aclose()

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.box is None:
                await self._boot_loader(reader, writer)
            else:
                await self._firmware(writer)
        writer.close()

    async def _boot_loader(self, reader, writer):
        host, port = self.mock.port.removeprefix("socket://").split(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))

        async def pump(source, sink):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

        back = asyncio.ensure_future(pump(far_reader, writer))
        await pump(reader, far_writer)
        back.cancel()
        far_writer.close()
        written = self.mock.flash()
        if written[0x1000] == 0xE9:
            await self._start(written)

    async def _start(self, written):
        flash = self.folder / "written.bin"
        flash.write_bytes(written[image.FLASH_START :])
        box = Supervisor(self.folder / "state", image=flash, speed=20, on_event=self._heard)
        self.box = await self._open.enter_async_context(box)

    def _heard(self, event):
        if event.who == "firmware":
            self._lines.append(event.what)

    async def _firmware(self, writer):
        at, told = 0, None
        while not writer.is_closing():
            if self.box._box.report != told:  # the supervisor takes the reports out of the line
                told = self.box._box.report
                self._lines.append("@" + json.dumps(told))
            for line in self._lines[at:]:
                writer.write(line.encode() + b"\r\n")
            at = len(self._lines)
            await writer.drain()
            await asyncio.sleep(0.05)


def commands():
    """The commands of the README's part for a builder, as lists without the program."""
    text = (build.ROOT / "README.md").read_text("utf-8")
    part = text[text.index("**You build an open wallbox.**") : text.index("## What is there")]
    return [line.split()[1:] for line in re.findall(r"^    (\.venv/bin/pilotwire .*)$", part, re.M)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the virtual wallbox's process guard is Linux's")
def test_the_readme_for_a_builder(tmp_path):
    asyncio.run(asyncio.wait_for(walk(tmp_path), 240))


async def walk(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    said = []
    with MockChip("esp32", tmp_path) as mock:
        async with CentralSystem() as central, Board(mock, tmp_path) as board:
            environment = {
                **os.environ, "PILOTWIRE_PORT": board.port, "PILOTWIRE_CACHE": str(tmp_path / "cache"),
                "PILOTWIRE_WIFI_KEY": "do not show it", "PYTHONUNBUFFERED": "1",
            }  # fmt: skip
            # What the README takes for granted.
            (folder / "ESP32_GENERIC.bin").write_bytes(images.micropython())
            walked = commands()
            assert [arguments[0] for arguments in walked] == ["boards", "provision", "flash", "monitor"]
            for arguments in walked:
                given = [text.replace("ws://192.168.1.10:9000", central.url) for text in arguments]
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "pilotwire.cli", *given,
                    cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )  # fmt: skip
                text = b""
                while line := await process.stdout.readline():
                    text += line
                    if arguments[0] == "monitor" and b"registration: Accepted" in line:
                        process.send_signal(signal.SIGINT)
                status = await process.wait()
                assert status == (130 if arguments[0] == "monitor" else 0), text.decode()
                said.append(text.decode())
            charger = central.chargers["CP1"]
            assert charger.schema_errors == []
    listed, written, flashed, watched = said
    assert "esp32-devkitc" in listed and written == "cp1.toml\n"
    assert f"esp32-devkitc on {board.port} is a wallbox" in flashed
    assert "registration: Accepted" in watched
    assert "do not show it" not in "".join(said)
    assert sorted(path.name for path in folder.iterdir()) == ["ESP32_GENERIC.bin", "cp1.toml"]


class Looping(Board):
    """Its chip does not get through its start, until the second time that it is written."""

    writes = 0

    async def _serve(self, reader, writer):
        self.box = None if self.writes in (0, 2) else self
        await super()._serve(reader, writer)

    async def _start(self, written):
        self.writes += 1

    async def _firmware(self, writer):
        line = b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\n" if self.writes == 1 else b'@{"version": "0.1.0", "slot": "a"}\r\n'
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(line)
                await writer.drain()
                await asyncio.sleep(0.02)


def test_a_board_in_a_boot_loop_is_mended_by_a_second_run(tmp_path):
    async def twice():
        (tmp_path / "image.bin").write_bytes(images.micropython())
        runs = []
        with MockChip("esp32", tmp_path) as mock:
            async with Looping(mock, tmp_path) as board:
                for _ in range(2):
                    process = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "pilotwire.cli", "flash", "esp32-devkitc",
                        "--image", tmp_path / "image.bin", "--port", board.port,
                        env={**os.environ, "PILOTWIRE_CACHE": str(tmp_path / "cache")},
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    )  # fmt: skip
                    out, err = await process.communicate()
                    runs.append((process.returncode, out.decode(), err.decode()))
                    board.writes *= 2  # 1: it loops; 2: the boot loader listens again
        return runs

    (status, _, err), (again, out, _) = asyncio.run(asyncio.wait_for(twice(), 120))
    assert status == 1 and err.count("\n") == 1
    assert "its firmware does not report itself, it restarts again and again: rst:0x10" in err
    assert "check supply and cable" in err
    assert again == 0 and "is a wallbox" in out
