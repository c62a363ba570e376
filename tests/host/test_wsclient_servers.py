"""lib/wsclient, in MicroPython's Unix port, against the real `websockets` server and some that misbehave.

The child runs _CLIENT with one of its jobs and prints what it saw as one JSON line.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
from pathlib import Path

import pytest
import websockets.utils
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from pilotwire import runtime

_LIB = Path(__file__).parents[2] / "lib"

_CLIENT = r"""
import asyncio, json, sys
from wsclient import connect
from wshandshake import parse_url

async def opened(url, **options):
    tls, host, port, path = parse_url(url)
    stream, _ = await asyncio.open_connection(host, port)
    return await connect(stream, host, path, "ocpp1.6", port=port, **options)

async def collect(url):
    # everything the server sends, until it ends
    ws = await opened(url)
    out = []
    message = await ws.receive()
    while message is not None:
        out.append(message if isinstance(message, str) else message.hex())
        message = await ws.receive()
    return {"got": out, "code": ws.close_code, "reason": ws.close_reason, "pongs": ws.pongs}

async def echo(url):
    ws = await opened(url, max_message=300000)
    bad = []
    for n in (0, 1, 125, 126, 500, 512, 513, 1023, 1024, 1025, 4096, 65535, 65536, 200000):
        for letter in ("a", "\u00e9", "\u20ac", "\U0001d11e"):
            text = (letter * n)[:n] if n < 5000 or letter == "a" else "x" * (n - 1) + letter
            await ws.send(text)
            if await ws.receive() != text:
                bad.append((n, letter))
    await ws.close(1000, "done")
    end = await ws.receive()
    return {"bad": bad, "end": end, "code": ws.close_code, "reason": ws.close_reason}

async def parts(url):
    # texts made of pieces arrive whole, whatever the size of the pieces
    ws = await opened(url, max_message=300000)
    bad = []
    for sizes in ((0,), (5,), (511, 1), (512, 1), (300, 300, 300), (1,) * 2000, (5000, 5000), ()):
        pieces = ["\u00e9" + "p" * (n - 1) if n else "" for n in sizes]
        await ws.send_parts(iter(pieces))
        if await ws.receive() != "".join(pieces):
            bad.append(sizes)
    await ws.close(1000, "done")
    await ws.receive()
    return {"bad": bad, "code": ws.close_code}

async def both(url):
    # sends while it receives and is pinged
    ws = await opened(url)
    got = []
    async def reader():
        message = await ws.receive()
        while message is not None:
            got.append(message)
            message = await ws.receive()
    task = asyncio.create_task(reader())
    for i in range(200):
        await ws.send("%d " % i * 300)
        if i % 20 == 0:
            await ws.ping(b"%d" % i)
    while len(got) < 200:
        await asyncio.sleep_ms(5)
    await ws.close(1000)
    await task
    return {"good": got == ["%d " % i * 300 for i in range(200)], "pongs": ws.pongs, "code": ws.close_code}

async def silent(url):
    # a server that never answers: another task gives up, and both the reader and a stuck sender go on
    ws = await opened(url)
    async def sender():
        try:
            for _ in range(1000):
                await ws.send("x" * 60000)
        except OSError:
            return "stopped"
    reading = asyncio.create_task(ws.receive())
    sending = asyncio.create_task(sender())
    await asyncio.sleep_ms(300)
    await ws.abort()
    return {"got": await reading, "sender": await sending, "code": ws.close_code}

async def again(url):
    # many connections: no heap is kept
    import gc
    async def once():
        ws = await opened(url)
        await ws.send("hello")
        answer = await ws.receive()
        await ws.close()
        while await ws.receive() is not None:
            pass
        return answer == "hello" and ws.close_code == 1000
    good = 0
    for _ in range(20):
        good += await once()
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(200):
        good += await once()
    gc.collect()
    return {"good": good, "grown": gc.mem_alloc() - before}

async def main(job, url):
    try:
        result = await globals()[job](url)
    except OSError as e:
        status = getattr(e, "status", None)
        result = {"error": e.args[0]} if status is None else {"status": status, "reason": e.reason}
    print(json.dumps(result))

asyncio.run(main(*sys.argv[1:]))
"""


async def client(tmp_path: Path, job: str, port: int, path: str = "/CP1", timeout: float = 30) -> dict:
    """What the child prints after `job` with a server on 127.0.0.1:`port`."""
    file = tmp_path / "client.py"
    file.write_text(_CLIENT)
    folders = [str(p) for p in sorted(_LIB.iterdir()) if p.is_dir()]
    child = await asyncio.create_subprocess_exec(
        *runtime.micropython(),
        str(file),
        job,
        f"ws://127.0.0.1:{port}{path}",
        env={**os.environ, "MICROPYPATH": ":".join([*folders, ".frozen"])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(), timeout)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode == 0, out.decode()
    return json.loads(out.splitlines()[-1])


def against(handler, job: str, tmp_path: Path, **options) -> dict:
    """The child's result with a websockets server that runs `handler`."""

    async def run() -> dict:
        options.setdefault("subprotocols", ["ocpp1.6"])
        async with serve(handler, "127.0.0.1", 0, **options) as server:
            return await client(tmp_path, job, server.sockets[0].getsockname()[1])

    return asyncio.run(run())


def against_raw(handler, job: str, tmp_path: Path) -> dict:
    """The same with a handler of (reader, writer)."""

    async def run() -> dict:
        async def guarded(reader, writer):
            with contextlib.suppress(ConnectionError):
                await handler(reader, writer)
            writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
        async with server:
            return await client(tmp_path, job, server.sockets[0].getsockname()[1])

    return asyncio.run(run())


async def write_raw(ws: ServerConnection, data: bytes) -> None:
    """Bytes past the server's own framing."""
    ws.transport.write(data)
    await asyncio.sleep(0.01)


def raw_frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin).serialize(mask=False)


async def echoing(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def test_echo_of_every_size(tmp_path):
    assert against(echoing, "echo", tmp_path) == {"bad": [], "end": None, "code": 1000, "reason": "done"}


def test_sending_in_parts(tmp_path):
    assert against(echoing, "parts", tmp_path) == {"bad": [], "code": 1000}


def test_sending_while_receiving(tmp_path):
    async def handler(ws):
        async for message in ws:
            await ws.ping()
            await ws.send(message)

    assert against(handler, "both", tmp_path, ping_interval=0.05) == {"good": True, "pongs": 10, "code": 1000}


def test_fragments_with_pings_in_them(tmp_path):
    pongs = []

    async def handler(ws):
        async def parts():
            for i in range(20):
                yield f"{i} €" * 100
                pong = await ws.ping()
                await pong
                pongs.append(i)

        await ws.send(parts())

    got = against(handler, "collect", tmp_path)
    assert got["got"] == ["".join(f"{i} €" * 100 for i in range(20))]
    assert got["code"] == 1000
    assert len(pongs) == 20


def test_a_byte_at_a_time(tmp_path):
    async def handler(ws):
        ws.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = "€uro".encode()
        data = raw_frame(1, text[:2], fin=False) + raw_frame(9, b"p") + raw_frame(0, text[2:])
        data += raw_frame(1, b"x" * 200) + raw_frame(2, b"\xff") + raw_frame(10, b"") + raw_frame(8, b"\x03\xe9bye")
        for i in range(len(data)):
            ws.transport.write(data[i : i + 1])
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.5)

    got = against(handler, "collect", tmp_path)
    assert got == {"got": ["€uro", "x" * 200, "ff"], "code": 1001, "reason": "bye", "pongs": 1}


def test_server_closes(tmp_path):
    seen = []

    async def handler(ws):
        await ws.send("last")
        await ws.close(1001, "going")
        seen.append(ws.protocol.close_rcvd.code)

    got = against(handler, "collect", tmp_path)
    assert got == {"got": ["last"], "code": 1001, "reason": "going", "pongs": 0}
    assert seen == [1001]


def test_server_goes_away(tmp_path):
    async def handler(ws):
        await ws.send("last")
        ws.transport.abort()

    got = against(handler, "collect", tmp_path)
    assert got["code"] == 1006
    assert got["got"] in ([], ["last"])  # a reset may overtake what was sent


def test_reset_is_an_end_and_no_exception(tmp_path):
    async def handler(ws):
        await asyncio.sleep(0.2)
        linger = struct.pack("ii", 1, 0)
        ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        ws.transport.abort()

    assert against(handler, "collect", tmp_path)["code"] == 1006


@pytest.mark.parametrize(
    "data, code",
    [
        (b"\xc1\x01a", 1002),
        (b"\x81\x81aaaaa", 1002),
        (b"\x80\x01a", 1002),
        (b"\x89\x7e\x00\x80", 1002),
        (b"\x81\x01\xff", 1007),
        (raw_frame(1, b"\xed\xa0\x80"), 1007),
        (b"\x82\x7f\x00\x00\x00\x01\x00\x00\x00\x00", 1009),
        (b"\x88\x02\x03\xed", 1002),
    ],
    ids=["rsv", "masked", "continuation", "long-ping", "utf8", "surrogate", "size", "close-code"],
)
def test_broken_rule_is_closed_with_its_code(tmp_path, data, code):
    seen = []

    async def handler(ws):
        await ws.send("before")
        await write_raw(ws, data)
        await ws.wait_closed()
        seen.append(ws.protocol.close_rcvd.code)

    got = against(handler, "collect", tmp_path)
    assert got["got"] == ["before"]
    assert got["code"] == code
    assert seen == [code]


def test_abort_wakes_reader_and_sender(tmp_path):
    async def handler(reader, writer):
        await answer_handshake(reader, writer)
        await asyncio.sleep(2)

    assert against_raw(handler, "silent", tmp_path) == {"got": None, "sender": "stopped", "code": 1006}


def test_many_connections_keep_no_heap(tmp_path):
    got = against(echoing, "again", tmp_path)
    assert got["good"] == 220
    assert got["grown"] < 200


# The opening handshake.


async def answer_handshake(reader, writer, *, accept=None, extra="Sec-WebSocket-Protocol: ocpp1.6\r\n") -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(s[19:] for s in request.decode().split("\r\n") if s.startswith("Sec-WebSocket-Key: "))
    accept = accept or websockets.utils.accept_key(key)
    writer.write(
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{extra}\r\n".encode()
    )
    await writer.drain()


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "Accept"),
        ({"extra": ""}, "subprotocol"),
        ({"extra": "Sec-WebSocket-Protocol: ocpp2.0.1\r\n"}, "subprotocol"),
        ({"extra": "Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Extensions: x\r\n"}, "extension"),
    ],
    ids=["accept", "no-subprotocol", "other-subprotocol", "extension"],
)
def test_wrong_handshake(tmp_path, options, reason):
    async def handler(reader, writer):
        await answer_handshake(reader, writer, **options)
        assert await reader.read() == b""  # the client closes at once

    got = against_raw(handler, "collect", tmp_path)
    assert got["status"] == 101
    assert reason in got["reason"]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 503])
def test_http_instead(tmp_path, status):
    headers = {"Location": "/elsewhere"} if status == 301 else {}

    def refuse(ws, request):
        response = ws.respond(status, "no\n" * 2000)
        response.headers.update(headers)
        return response

    got = against(echoing, "collect", tmp_path, process_request=refuse)
    assert got["status"] == status
    assert got["reason"]


def test_server_without_our_subprotocol(tmp_path):
    # Some servers refuse (400), others go on without one: neither becomes a connection.
    assert against(echoing, "collect", tmp_path, subprotocols=["ocpp2.0.1"])["status"] in (101, 400)
    assert against(echoing, "collect", tmp_path, subprotocols=None)["status"] == 101


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"SSH-2.0-x\r\n", os.urandom(4000), b"HTTP/1.1 101 X\r\n" + b"A: b\r\n" * 5000]
)
def test_garbage(tmp_path, data):
    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        if data:
            await reader.read()

    got = against_raw(handler, "collect", tmp_path)
    assert got.get("status") == 0 or "error" in got


def test_nobody_listens(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert "error" in asyncio.run(client(tmp_path, "collect", port))
