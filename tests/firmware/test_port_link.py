"""Link: supervision of radio and Ethernet, and TCP connections, on the stand-ins and the real loopback."""
# stand-ins: machine, network, socket

import asyncio
import errno
import socket
import time

import network
import wire
from port.clock import Clock
from port.link import Link


class Held(Clock):
    """A clock that notes how often it was held."""

    def __init__(self):
        super().__init__()
        self.held = 0
        self.most = 0

    def hold(self, n):
        self.held += n
        self.most = max(self.most, self.held)


def link(ssid="net", key="password"):
    wire.inputs[wire.NETWORK] = 1
    made = Link(ssid, key, Held())
    made._nic.active(False)
    return made


async def until(condition, ms=5000):
    for _ in range(ms // 100):
        if condition():
            return
        await asyncio.sleep_ms(100)
    raise AssertionError("not within %d ms" % ms)


async def test_comes_up_and_notices_a_cut():
    it = link()
    assert not it.up
    task = asyncio.create_task(it.run())
    await until(lambda: it.up)
    wire.inputs[wire.NETWORK] = 0
    await until(lambda: not it.up)
    assert it.drops == 1
    wire.inputs[wire.NETWORK] = 1
    await until(lambda: it.up)
    task.cancel()


async def test_starts_anew_after_a_minute():
    it = link()
    wire.inputs[wire.NETWORK] = 0
    starts = []
    start = it._start
    it._start = lambda: (starts.append(time.ticks_ms()), start())
    task = asyncio.create_task(it.run())
    await asyncio.sleep_ms(200000)
    assert len(starts) == 4
    wire.inputs[wire.NETWORK] = 1
    await until(lambda: it.up)
    task.cancel()


async def test_bad_settings_are_tried_again_not_fatal():
    it = link(key="short")
    task = asyncio.create_task(it.run())
    await asyncio.sleep_ms(150000)
    assert not it.up and not task.done()
    task.cancel()


LAN = {"phy": "LAN8720", "address": 0, "mdc": 23, "mdio": 18, "power": 12, "clock": 17, "clock_out": True}


def ethernet():
    wire.inputs[wire.NETWORK] = 1
    network.LAN._made = False
    return Link("", "", Held(), LAN)


# A board with Ethernet needs no SSID; its cable is pulled, put back, and after a minute without it everything starts anew.
async def test_ethernet():
    it = ethernet()
    starts = []
    start = it._start
    it._start = lambda: (starts.append(time.ticks_ms()), start())
    task = asyncio.create_task(it.run())
    await until(lambda: it.up)
    wire.inputs[wire.NETWORK] = 0
    await until(lambda: not it.up)
    assert it.drops == 1
    await asyncio.sleep_ms(130000)
    assert len(starts) == 3
    wire.inputs[wire.NETWORK] = 1
    await until(lambda: it.up)
    task.cancel()


async def test_connects_over_ethernet():
    it = ethernet()
    it.up = True
    server, port = listener()
    stream = await it.connect("127.0.0.1", port)
    stream.s.close()
    server.close()


async def refuses(it, host, port):
    try:
        await it.connect(host, port)
    except OSError as e:
        return e.errno
    raise AssertionError("connected")


async def test_no_connection_without_a_link():
    it = link()
    assert await refuses(it, "127.0.0.1", 1) == errno.ENOTCONN


def listener():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in range(40000, 40200):
        try:
            server.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
            break
        except OSError:
            continue
    server.listen(1)
    return server, port


async def test_connects():
    it = link()
    it.up = True
    server, port = listener()
    stream = await it.connect("127.0.0.1", port)
    peer = server.accept()[0]
    stream.write(b"hello\n")
    await stream.drain()
    assert peer.readline() == b"hello\n"
    peer.write(b"world\n")
    assert await stream.readline() == b"world\n"
    assert it._clock.held == 0 and it._clock.most == 1
    assert ("127.0.0.1", port) in it._addresses
    stream.s.close()
    peer.close()
    server.close()
    assert await refuses(it, "127.0.0.1", port) == errno.ECONNREFUSED
    assert it._clock.held == 0


async def looked_up(it, port, monkey):
    """Was a name looked up for one attempt to connect?"""
    asked = []

    def getaddrinfo(host, *rest):
        asked.append(host)
        if monkey:
            raise OSError(-202)
        return real(host, *rest)

    real, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo
    try:
        await it.connect("127.0.0.1", port)
    except OSError:
        pass
    finally:
        socket.getaddrinfo = real
    return bool(asked)


class Opened:
    """In place of Link._open: what becomes of the attempts."""

    def __init__(self):
        self.error = None

    async def __call__(self, address):
        if self.error:
            raise OSError(self.error)


async def test_no_name_is_looked_up_while_a_car_charges():
    it = link()
    it.up = True
    it._open = Opened()
    assert await looked_up(it, 80, False)
    assert await looked_up(it, 80, False)  # nobody charges: the server may have moved
    it.busy = True
    for _ in range(20):
        assert not await looked_up(it, 80, True)
    # Refused: the address is no good, so the name is asked for, once.
    it._open.error = errno.ECONNREFUSED
    assert not await looked_up(it, 80, True)
    it._open.error = None
    assert await looked_up(it, 80, True)
    # The name server was not there, and what is known is kept.
    assert not await looked_up(it, 80, True)


async def test_silence_while_a_car_charges_is_no_reason_to_ask_at_once():
    it = link()
    it.up = True
    it._open = Opened()
    assert await looked_up(it, 80, False)
    it.busy = True
    it._open.error = errno.ETIMEDOUT
    asked = []
    for _ in range(10):
        asked.append(await looked_up(it, 80, True))
    assert asked == [False] * 8 + [True, False]


async def test_unknown_name():
    it = link()
    it.up = True
    await refuses(it, "no.such.host.invalid", 80)
    assert it._clock.held == 0 and not it._addresses


async def test_a_peer_that_never_answers_times_out():
    it = link()
    it.up = True
    server, port = listener()
    socks = []
    address = socket.getaddrinfo("127.0.0.1", port)[0][-1]
    for _ in range(4):  # fill its backlog: further SYNs go unanswered
        s = socket.socket()
        s.setblocking(False)
        try:
            s.connect(address)
        except OSError:
            pass
        socks.append(s)
    assert await refuses(it, "127.0.0.1", port) == errno.ETIMEDOUT
    assert it._clock.held == 0
    for s in socks:
        s.close()
    server.close()
