"""Central systems that are not there, not one, or not ours: said in the log, tried again, and found once they are good."""

import asyncio
import contextlib
from datetime import datetime

import pytest

NOT_OURS = [
    # what a server says to the handshake, what the log then says
    (b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "301 Moved Permanently"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
    (b"", "closed"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK"),
    (b"HTTP/1.1 502 \x1b[31mBad\r\n\r\n", "502 ?[31mBad"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "Accept"),
    (b"HTTP/1.1 101 " + b"x" * 4000, "too long"),
]


def url_of(listening):
    """The URL under which a server of asyncio is found."""
    return f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/ocpp"


@contextlib.asynccontextmanager
async def server(answer):
    """Says the same to everybody and hangs up; gives its URL."""

    async def serve(reader, writer):
        if answer:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield url_of(listening)


# req: J-WS-01, J-REC-01
@pytest.mark.parametrize(
    ("answer", "said"),
    [pytest.param(*row, id=row[1], marks=[pytest.mark.exhaustive] if k > 2 else []) for k, row in enumerate(NOT_OURS)],
)
async def test_a_server_that_is_no_central_system(bench, answer, said):
    async with server(answer) as url:
        await bench.start(url=url, wait=False)
        await bench.logged(said, url)
        await bench.logged("next try in")
        assert bench.box.state()["power"] == "on" and not bench.box.state()["online"]


# req: J-SUB-01, J-WS-01
# Refused by status, by subprotocol, by password; each is said, and each is found once it is put right.
async def test_a_central_system_that_refuses(bench):
    central = bench.central
    wrong = [
        ("accept", lambda identity: False, "404 Not Found"),
        ("accept", lambda identity: 503, "503 Service Unavailable"),
        ("passwords", {"E2E-1": "secret"}, "401 Unauthorized"),
        ("subprotocol", None, "subprotocol"),
    ]
    good = {name: getattr(central, name) for name, _, _ in wrong}
    setattr(central, *wrong[0][:2])
    await bench.start(wait=False)
    for name, value, said in wrong:
        setattr(central, name, value)
        await bench.logged(said, central.url)
        setattr(central, name, good[name])
    charger = await bench.told(lambda c: c.statuses[1] and c, timeout_s=600)
    assert charger.statuses[1] == ["Available"]


# req: J-URL-01
# A URL that cannot be one (written by hand onto the flash: the tools refuse it).
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9000", "not ws:// or wss://"),
        ("127.0.0.1:9000", "not ws:// or wss://"),
        ("ws://127.0.0.1:99999/ocpp", "bad host or port"),
        ("ws://user:secret@127.0.0.1:9000", "user or password"),
        ("ws://no such host/", "percent-encoded"),
    ],
)
async def test_a_wrong_url_on_the_flash(bench, url, said):
    await bench.start(url=url, wait=False)
    await bench.logged(said)
    assert bench.box.state()["power"] == "on"


# req: J-REC-01, TX-07
# Nobody there after a power cut, and no clock: the car charges all the same, and is billed when somebody is.
async def test_nobody_there(bench):
    central = bench.central
    await bench.start(settings={"AllowOfflineTxForUnknownId": "true"})  # CORE-BOOT-11: it must have been accepted once
    await central.__aexit__()
    await bench.do("power", on=False)
    await bench.do("power", on=True)
    await bench.logged(central.url, "cut by the other side")
    assert bench.box.state()["utc"] is None
    await bench.charge()
    await bench.passes(70)
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Finishing")
    await central.__aenter__()
    await bench.told(lambda c: c.transactions and c.transactions[1].stops, timeout_s=900)
    transaction = bench.charger.transactions[1]
    assert (transaction.starts, transaction.stops) == (1, 1) and transaction.energy_wh > 300
    # It happened before the clock was known, and has its true time all the same.
    lasted = datetime.fromisoformat(transaction.stop_time) - datetime.fromisoformat(transaction.start_time)
    assert 70 <= lasted.total_seconds() <= 80
    ago = bench.charger.frames[-1].time - datetime.fromisoformat(transaction.stop_time).timestamp()
    assert 0 <= ago < 600


async def test_a_name_that_nobody_knows(bench):
    await bench.start(url="ws://central.invalid:9000/ocpp", wait=False)
    await bench.logged("central.invalid")
    assert bench.box.state()["power"] == "on"


# req: J-WS-03
# A server that takes the connection and then says nothing, ever: given up and tried again, by simulated minutes.
@pytest.mark.exhaustive
async def test_a_server_that_says_nothing(bench):
    silent = []

    async def serve(reader, writer):
        silent.append(writer)
        await reader.read()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        url = url_of(listening)
        await bench.start(url=url, wait=False)
        await bench.logged("did not answer in time", url)
        while len(silent) < 2:
            await bench.passes(0.1)
