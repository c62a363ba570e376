"""WebSocket over TLS, both ours, in MicroPython's Unix port: real servers of two makes, messages that span many records."""

import asyncio
import json
import os
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from websockets.asyncio.server import serve
from websockets.typing import Subprotocol

from pilotwire import build, runtime
from pilotwire.bench.certificates import Authority

_CLIENT = r"""
import asyncio, json, socket, sys
from tlsclient import connect as secure
from wsclient import connect

async def main(port):
    with open("root1.der", "rb") as f:
        root = f.read()
    sock = socket.socket()
    sock.setblocking(False)
    try:
        sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    except OSError:
        pass
    stream = await secure(sock, "localhost", [root])
    ws = await connect(stream, "localhost", "/CP1", "ocpp1.6", (), 70000, port)
    good = []
    for n in (0, 1, 125, 126, 511, 512, 513, 4096, 16384, 16385, 40000, 65536):
        await ws.send("y" * n)
        good.append(await ws.receive() == "y" * n)
    turns = 0
    async def other():
        nonlocal turns
        while True:
            await asyncio.sleep_ms(0)
            turns += 1
    task = asyncio.create_task(other())
    await ws.send("flood")
    count = 0
    while await ws.receive() == "z" * 3000:
        count += 1
    task.cancel()
    await ws.close(1000, "done")
    end = await ws.receive()
    print(json.dumps({"good": good, "count": count, "turns": turns, "end": end, "code": ws.close_code}))

asyncio.run(main(int(sys.argv[1])))
"""
_SIZES = 12
_FLOOD = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("wss")
    root = Authority(made)
    root.issue("good")
    (made / "root1.der").write_bytes(root.der)
    for name in ("tlsclient", "wsclient"):
        for path in (build.repository() / "lib" / name).glob("*.py"):
            (made / f"{path.stem}.mpy").write_bytes(build.compile_module(path, path.name, ("-O3",)))
    (made / "client.py").write_text(_CLIENT)
    return made


def context(folder: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "good.pem", folder / "good.key")
    return made


async def client(folder: Path, port: int) -> None:
    child = await asyncio.create_subprocess_exec(
        *runtime.micropython(),
        "-X",
        f"heapsize={runtime.heap_bytes(300 * 1024)}",  # messages of 64 KB, several times
        "client.py",
        str(port),
        cwd=folder,
        env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(child.communicate(), 40)
    assert child.returncode == 0, out.decode()
    got = json.loads(out.splitlines()[-1])
    assert got["good"] == [True] * _SIZES
    assert got["count"] == _FLOOD and got["turns"] > _FLOOD // 4, "other tasks go on in a flood"
    assert got["end"] is None and got["code"] == 1000


def test_websockets(folder):
    async def handler(ws):
        async for message in ws:
            if message == "flood":
                for _ in range(_FLOOD):
                    await ws.send("z" * 3000)
                message = "over"
            await ws.send(message)

    async def run():
        async with serve(
            handler, "127.0.0.1", 0, ssl=context(folder), subprotocols=[Subprotocol("ocpp1.6")], compression=None
        ) as server:
            await client(folder, server.sockets[0].getsockname()[1])

    asyncio.run(run())


def test_aiohttp(folder):
    async def handler(request):
        ws = web.WebSocketResponse(protocols=["ocpp1.6"], compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.data == "flood":
                for _ in range(_FLOOD):
                    await ws.send_str("z" * 3000)
                await ws.send_str("over")
            else:
                await ws.send_str(message.data)
        return ws

    async def run():
        app = web.Application()
        app.router.add_get("/CP1", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context(folder))
        await site.start()
        try:
            await client(folder, runner.addresses[0][1])
        finally:
            await runner.cleanup()

    asyncio.run(run())
