"""Connections that come and go leave the heap as it was: the firmware's own keeper, over TLS, again and again.

The child runs ocpp16.connection and port.link as compiled for the flash, under the heap of the chip, on the virtual clock, which
jumps over the waits between two attempts. After each batch it collects, and says what is in use and the largest free block.
"""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.server import serve
from websockets.typing import Subprotocol

from pilotwire import build, runtime
from pilotwire.bench.certificates import Authority
from pilotwire.sim.process import stand_ins

_CHILD = r"""
import gc, micropython, sys
import time
time.speed(0)
import asyncio
import network
from port.clock import Clock
from port.link import Link
from log import Log
from ocpp16.connection import Connection
from store import Store

class Values:
    def get(self, name):
        known = {"CentralSystemURL": sys.argv[1], "ChargePointId": "CP1", "WebSocketPingInterval": 0, "SecurityProfile": 0}
        return known.get(name, "")

class Rpc:
    large = None  # nothing is read from the stream piece by piece

class Station:
    # what the connection sees of a charge point: one message is sent in each session, and answered
    settings = Values()
    store = Store(".")
    connectors = ()
    rpc = Rpc()
    accepted = reconnect = False
    sessions = answers = 0
    def __init__(self, clock):
        self.clock = clock
        self.due = None
    def connected(self, now):
        self.sessions += 1
        self.due = "x" * 300
    def disconnected(self):
        self.accepted = False
    def receive(self, text, now):
        self.answers += 1
        self.accepted = True
    def next_frame(self, now):
        due, self.due = self.due, None
        return due

async def main(batches, size):
    clock = Clock()
    clock.set_utc(849000000)
    link = Link("net", "password", clock)
    station = Station(clock)
    log = Log(level=1)
    connection = Connection(station, link, clock, log)
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(connection.run())]
    for batch in range(batches):
        while station.sessions < (batch + 1) * size:
            await asyncio.sleep_ms(100)
            for task in tasks:
                if task.done():
                    await task
        while station.answers < station.sessions or connection._ws:
            await asyncio.sleep_ms(1)
        gc.collect()
        print("batch", batch, "sessions", station.sessions, "answers", station.answers, "failures", connection.failures)
        print("used", gc.mem_alloc())
        micropython.mem_info()
    print("end")

asyncio.run(main(int(sys.argv[2]), int(sys.argv[3])))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("reconnects")
    root = Authority(made)
    root.issue("good")
    (made / "root1.der").write_bytes(root.der)
    for name, data in build.files(lines=True).items():  # names in tracebacks, and `_ws` for the test
        if name.startswith("/a/"):
            path = made / name[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    source = made / "child_reconnects.py"
    source.write_text(_CHILD)
    (made / "child_reconnects.mpy").write_bytes(build.compile_module(source, source.name, ("-O0",)))
    source.unlink()
    return made


def run(folder: Path, batches: int, size: int) -> list[tuple[int, int]]:
    """[(bytes in use, largest free block in heap blocks)] after each batch of `size` connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "good.pem", folder / "good.key")

    def answer(ws):
        with contextlib.suppress(WebSocketException):
            ws.send(ws.recv())
            ws.close()

    with serve(answer, "127.0.0.1", 0, ssl=context, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"wss://localhost:{server.socket.getsockname()[1]}"
        done = subprocess.run(
            [
                *runtime.micropython(),
                "-X",
                f"heapsize={runtime.heap_bytes(104 * 1024)}",
                "-m",
                "child_reconnects",
                url,
                str(batches),
                str(size),
            ],
            cwd=folder,
            env={**os.environ, "MICROPYPATH": f"{folder}:{stand_ins()}:{folder}/a:.frozen", "TZ": "UTC"},
            capture_output=True,
            text=True,
            timeout=900,
        )
    assert done.stdout.endswith("end\n"), done.stdout[-3000:] + done.stderr
    assert "failures 0" in done.stdout
    used = [int(n) for n in re.findall(r"^used (\d+)", done.stdout, re.M)]
    free = [int(n) for n in re.findall(r"max free sz: (\d+)", done.stdout)]
    assert len(used) == len(free) == batches
    return list(zip(used, free, strict=True))


def steady(batches: list[tuple[int, int]], block: int = 32) -> None:
    """Neither grows: what is in use, and what of the free heap is torn."""
    (used, free), (last_used, last_free) = batches[0], batches[-1]
    assert last_used <= used + 4 * block, batches
    assert last_free >= free * 9 // 10, batches


# req: J-REC-01, J-TLS-01
def test_fifty_reconnects(folder):
    steady(run(folder, 5, 10))


@pytest.mark.exhaustive
def test_a_thousand_reconnects(folder):
    steady(run(folder, 10, 100))
