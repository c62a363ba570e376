# The handshake, and the client over a stream by hand: what is sent, what comes out, how it ends.
from binascii import a2b_base64, b2a_base64
from hashlib import sha1

import asyncio
from wsclient import WebSocket, connect
from wshandshake import parse_url

CASES_URL = [
    ("ws://example.org", (False, "example.org", 80, "/")),
    ("wss://example.org", (True, "example.org", 443, "/")),
    ("WS://Example.org/Ocpp", (False, "Example.org", 80, "/Ocpp")),
    ("ws://example.org:9000/ocpp/CP1", (False, "example.org", 9000, "/ocpp/CP1")),
    ("ws://example.org/a/b?c=d&e=/f", (False, "example.org", 80, "/a/b?c=d&e=/f")),
    ("ws://example.org?c=d", (False, "example.org", 80, "/?c=d")),
    ("ws://example.org:/a", (False, "example.org", 80, "/a")),
    ("wss://192.0.2.1:8443/CP%201", (True, "192.0.2.1", 8443, "/CP%201")),
    ("ws://[2001:db8::1]:81/a", (False, "2001:db8::1", 81, "/a")),
    ("ws://[::1]", (False, "::1", 80, "/")),
    ("ws://h:65535", (False, "h", 65535, "/")),
]

CASES_BAD_URL = [
    "",
    "example.org",
    "http://example.org",
    "ws:/example.org",
    "ws://",
    "ws:///a",
    "ws://:80/a",
    "ws://h:0",
    "ws://h:65536",
    "ws://h:99999999999",
    "ws://h:8o",
    "ws://h:-1",
    "ws://h:1:2",
    "ws://::1/",
    "ws://[::1/",
    "ws://[::1]x/",
    "ws://[]/",
    "ws://u:p@h/",
    "ws://u@h/",
    "ws://h/a b",
    "ws://h/a\r\nX: y",
    "ws://h/a#b",
    "ws://h/\xe9",
]


def test_url(url, expected):
    assert parse_url(url) == expected


def test_bad_url(url):
    try:
        got = parse_url(url)
    except ValueError:
        return
    assert False, "%r was taken for %r" % (url, got)


class Wire:
    """A stream by hand: gives out `pieces`, then the end; None blocks once, as TLS may. Keeps what is written."""

    def __init__(self, *pieces, answer=None):
        self.pieces = list(pieces)
        self.answer = answer  # made of the request
        self.written = b""
        self.writes = []
        self.closed = False
        self.more = asyncio.Event()  # wait here instead of ending, when hold is set
        self.hold = False
        self.stuck = None  # an Event that drain() waits for

    def write(self, data):
        assert not self.closed
        self.writes.append(bytes(data))
        self.written += bytes(data)

    async def drain(self):
        await asyncio.sleep_ms(0)
        if self.stuck:
            await self.stuck.wait()

    def close(self):
        pass

    async def wait_closed(self):
        self.closed = True
        self.hold = False
        self.more.set()

    async def read(self, n):
        await asyncio.sleep_ms(0)
        if self.answer:
            self.pieces.insert(0, self.answer(self.written))
            self.answer = None
        while not self.pieces and self.hold:
            await self.more.wait()
            self.more.clear()
        if not self.pieces:
            return b""
        data = self.pieces.pop(0)
        if isinstance(data, Exception):
            raise data
        if data is not None and len(data) > n:
            self.pieces.insert(0, data[n:])
            data = data[:n]
        return data

    async def readinto(self, buf):
        assert len(buf)
        data = await self.read(len(buf))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def feed(self, data):
        self.pieces.append(data)
        self.more.set()

    def frames(self):
        """Unmasked (first byte, payload) of the client's frames; each was one write."""
        out = []
        for data in self.writes:
            assert data[1] & 128
            n = data[1] & 127
            at = 2
            if n == 126:
                n = int.from_bytes(data[2:4], "big")
                at = 4
            mask = data[at : at + 4]
            at += 4
            assert len(data) == at + n
            out.append((data[0], bytes([data[at + i] ^ mask[i & 3] for i in range(n)])))
        return out


def header(request, name):
    for line in request.decode().split("\r\n")[1:]:
        if line.startswith(name + ": "):
            return line[len(name) + 2 :]


def accept_of(request):
    key = header(request, "Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return b2a_base64(sha1(key.encode()).digest())[:-1].decode()


GOOD = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPT = "Sec-WebSocket-Accept: KEY\r\n"
PROTOCOL = "Sec-WebSocket-Protocol: ocpp1.6\r\n"


def answering(text):
    def answer(request):
        return text.replace("KEY", accept_of(request)).encode()

    return answer


async def opened(*pieces):
    wire = Wire(*pieces, answer=answering(GOOD + ACCEPT + PROTOCOL + "\r\n"))
    ws = await connect(wire, "example.org", "/ocpp/CP1", "ocpp1.6")
    wire.writes.clear()
    return ws, wire


# req: J-SUB-01
async def test_request():
    wire = Wire(answer=answering(GOOD + ACCEPT + PROTOCOL + "\r\n"))
    await connect(wire, "example.org", "/ocpp/CP1?a=b", "ocpp1.6", [("Authorization", "Basic QQ==")], port=9000)
    assert len(wire.writes) == 1
    assert wire.written.startswith(b"GET /ocpp/CP1?a=b HTTP/1.1\r\nHost: example.org:9000\r\n")
    assert wire.written.endswith(b"\r\n\r\n")
    assert header(wire.written, "Upgrade") == "websocket"
    assert header(wire.written, "Connection") == "Upgrade"
    assert header(wire.written, "Sec-WebSocket-Version") == "13"
    assert header(wire.written, "Sec-WebSocket-Protocol") == "ocpp1.6"
    assert header(wire.written, "Authorization") == "Basic QQ=="
    assert len(a2b_base64(header(wire.written, "Sec-WebSocket-Key"))) == 16


async def test_host_header():
    for host, port, expected in (
        ("h", None, "h"),
        ("h", 81, "h:81"),
        ("::1", None, "[::1]"),
        ("::1", 81, "[::1]:81"),
    ):
        wire = Wire(answer=answering(GOOD + ACCEPT + "\r\n"))
        await connect(wire, host, "/", port=port)
        assert header(wire.written, "Host") == expected
        assert header(wire.written, "Sec-WebSocket-Protocol") is None


async def test_every_key_is_fresh():
    keys = set()
    for _ in range(4):
        wire = Wire(answer=answering(GOOD + ACCEPT + "\r\n"))
        await connect(wire, "h", "/")
        keys.add(header(wire.written, "Sec-WebSocket-Key"))
    assert len(keys) == 4


async def test_configured_text_adds_no_header():
    for host, path, protocol, headers in (
        ("h\r\nX: y", "/", None, ()),
        ("h", "/\nX: y", None, ()),
        ("h", "/", "a\rb", ()),
        ("h", "/", None, [("A", "b\r\nX: y")]),
        ("h", "/", None, [("A\n", "b")]),
        ("h", "/a b", None, ()),
        ("h", "a", None, ()),
    ):
        wire = Wire()
        try:
            await connect(wire, host, path, protocol, headers)
        except ValueError:
            assert not wire.writes
            assert wire.closed
            continue
        assert False, "sent"


CASES_ACCEPTED = [
    ("plain", GOOD + ACCEPT + PROTOCOL),
    ("no reason phrase", "HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + ACCEPT + PROTOCOL),
    (
        "other case",
        "HTTP/1.1 101 X\r\nUPGRADE:WebSocket\r\nconnection: Upgrade\r\nsec-websocket-accept:  KEY \r\n"
        "SEC-WEBSOCKET-PROTOCOL:\tocpp1.6\t\r\n",
    ),
    (
        "tokens",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" + ACCEPT + PROTOCOL,
    ),
    ("others", "HTTP/1.1 101 X\r\nServer: \xe9 a:b\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n" + GOOD[34:] + ACCEPT + PROTOCOL),
    ("no extensions", GOOD + ACCEPT + PROTOCOL + "Sec-WebSocket-Extensions:\r\n"),
    ("long", GOOD + ACCEPT + PROTOCOL + "X: " + "y" * 1700 + "\r\n"),
]  # fmt: skip


# req: J-SUB-01
async def test_accepted(name, text):
    for step in (0, 1, 7):
        frame = b"\x81\x01a"

        def answer(request):
            return answering(text + "\r\n")(request) + frame

        wire = Wire(answer=answer)
        if step:
            whole = wire.read

            async def read(n):
                return await whole(step)

            wire.read = read
        ws = await connect(wire, "h", "/", "ocpp1.6")
        assert await ws.receive() == "a"
        assert not wire.closed


# (name, answer without the empty line, status, a part of the reason)
CASES_HANDSHAKE = [
    ("401", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n", 401, "Unauthorized"),
    ("403", "HTTP/1.1 403 Forbidden\r\n", 403, "Forbidden"),
    ("404", "HTTP/1.0 404 Not Found\r\n", 404, "Not Found"),
    ("302", "HTTP/1.1 302 Found\r\nLocation: /b\r\n", 302, "Found"),
    ("503", "HTTP/1.1 503\r\n", 503, ""),
    ("200", "HTTP/1.1 200 OK\r\n", 200, "OK"),
    ("100", "HTTP/1.1 100 Continue\r\n\r\n" + GOOD, 100, "Continue"),
    ("strange phrase", "HTTP/1.1 500 \x07\x1b[2J\xe9" + "x" * 300 + "\r\n", 500, "??[2J"),
    ("not HTTP", "SSH-2.0-OpenSSH\r\n", 0, "HTTP"),
    ("HTTP/2", "HTTP/2 101\r\n", 0, "HTTP"),
    ("HTTP/1.0", GOOD.replace("1.1", "1.0") + ACCEPT + PROTOCOL, 101, "HTTP/1.1"),
    ("no status", "HTTP/1.1 abc\r\n", 0, "HTTP"),
    ("status of four digits", "HTTP/1.1 1010 X\r\n", 0, "HTTP"),
    ("short status", "HTTP/1.1 10\r\nX", 0, "HTTP"),
    ("no upgrade", GOOD.replace("Upgrade: websocket\r\n", "") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("upgrade to something else", GOOD.replace("websocket", "h2c") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("upgrade to two", GOOD.replace("websocket", "websocket, h2c") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("no connection", GOOD.replace("Connection: Upgrade\r\n", "") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("other connection", GOOD.replace("n: Upgrade", "n: keep-alive") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("connection by a part", GOOD.replace("n: Upgrade", "n: noupgrade") + ACCEPT + PROTOCOL, 101, "upgrade"),
    ("no accept", GOOD + PROTOCOL, 101, "Accept"),
    ("wrong accept", GOOD + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + PROTOCOL, 101, "Accept"),
    ("empty accept", GOOD + "Sec-WebSocket-Accept:\r\n" + PROTOCOL, 101, "Accept"),
    ("accept twice", GOOD + ACCEPT + ACCEPT + PROTOCOL, 101, "Accept"),
    ("no subprotocol", GOOD + ACCEPT, 101, "subprotocol"),
    ("other subprotocol", GOOD + ACCEPT + PROTOCOL.replace("1.6", "2.0.1"), 101, "subprotocol"),
    ("subprotocol in capitals", GOOD + ACCEPT + PROTOCOL.replace("ocpp", "OCPP"), 101, "subprotocol"),
    ("subprotocol twice", GOOD + ACCEPT + PROTOCOL + PROTOCOL, 101, "subprotocol"),
    ("two subprotocols", GOOD + ACCEPT + PROTOCOL.replace("1.6", "1.6, ocpp2.0.1"), 101, "subprotocol"),
    ("extension", GOOD + ACCEPT + PROTOCOL + "Sec-WebSocket-Extensions: permessage-deflate\r\n", 101, "extension"),
    ("no colon", GOOD + "nonsense\r\n" + ACCEPT + PROTOCOL, 101, "header"),
    ("no name", GOOD + ": x\r\n" + ACCEPT + PROTOCOL, 101, "header"),
    ("blank before the colon", GOOD + "X : y\r\n" + ACCEPT + PROTOCOL, 101, "header"),
    ("folded header", GOOD + "X: y\r\n z: a\r\n" + ACCEPT + PROTOCOL, 101, "header"),
    ("too long", GOOD + "X: " + "y" * 5000, 0, "long"),
    ("too many", GOOD + "X: y\r\n" * 500, 0, "long"),
    ("no end", "HTTP/1.1 " + "y" * 5000, 0, "long"),
]


# req: J-SUB-02, J-SUB-03
async def test_handshake(name, text, status, reason):
    wire = Wire(answer=answering(text + "\r\n"))
    try:
        await connect(wire, "h", "/", "ocpp1.6")
        assert False, "taken"
    except OSError as e:
        assert e.status == status
        assert reason in e.reason
        assert len(e.reason) < 100
        for c in e.reason:
            assert " " <= c <= "~"
    assert wire.closed


async def test_unasked_subprotocol():
    wire = Wire(answer=answering(GOOD + ACCEPT + PROTOCOL + "\r\n"))
    try:
        await connect(wire, "h", "/")
        assert False, "taken"
    except OSError as e:
        assert e.status == 101


async def test_garbage_is_refused_at_its_first_bytes():
    # A server that speaks something else and waits must not be waited for.
    for text in ("\x15\x03\x01", "X", "HTTP/1.1\t"):
        wire = Wire(answer=answering(text))
        wire.hold = True
        try:
            await connect(wire, "h", "/")
            assert False, "taken"
        except OSError as e:
            assert e.status == 0


async def test_end_instead_of_an_answer():
    for text in ("", "HTTP/1.1 10", GOOD):
        wire = Wire(answer=answering(text))
        try:
            await connect(wire, "h", "/")
            assert False, "taken"
        except OSError as e:
            assert e.status == 0
        assert wire.closed


async def test_error_and_cancellation_close_the_stream():
    wire = Wire(OSError(104))
    try:
        await connect(wire, "h", "/")
        assert False, "taken"
    except OSError as e:
        assert e.args[0] == 104
    assert wire.closed
    wire = Wire()
    wire.hold = True
    task = asyncio.create_task(connect(wire, "h", "/"))
    await asyncio.sleep_ms(10)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert wire.closed


# Open.


# req: J-WS-01
async def test_receive():
    ws, wire = await opened(b"\x81\x01a", None, b"\x81", b"\x02bc\x01\x01d", None, b"\x80\x01e\x82\x01\xff")
    assert await ws.receive() == "a"
    assert ws.frames == 1
    assert await ws.receive() == "bc"
    assert await ws.receive() == "de"
    assert await ws.receive() == b"\xff"
    assert ws.frames == 5
    assert ws.close_code is None
    assert await ws.receive() is None
    assert (ws.close_code, ws.close_reason) == (1006, "connection lost")
    assert await ws.receive() is None
    assert wire.closed
    assert wire.writes == []


async def test_bytes_after_the_answer():
    def answer(request):
        return answering(GOOD + ACCEPT + "\r\n")(request) + b"\x81\x01a\x89\x01p\x81\x02b"

    wire = Wire(b"c", answer=answer)
    ws = await connect(wire, "h", "/")
    wire.writes.clear()
    assert await ws.receive() == "a"
    assert await ws.receive() == "bc"
    assert wire.frames() == [(0x8A, b"p")]


# req: J-WS-02
async def test_ping_between_fragments_is_answered_at_once():
    ws, wire = await opened(b"\x01\x01a", b"\x89\x03abc", None, b"\x80\x01b")
    wire.hold = True
    assert await ws.receive() == "ab"
    assert wire.frames() == [(0x8A, b"abc")]


async def test_send():
    ws, wire = await opened()
    await ws.send("Hello")
    await ws.send("\u20ac" * 400)
    await ws.send("")
    await ws.ping()
    await ws.ping(b"x")
    assert wire.frames() == [
        (0x81, b"Hello"),
        (0x81, "\u20ac".encode() * 400),
        (0x81, b""),
        (0x89, b""),
        (0x89, b"x"),
    ]


async def test_what_cannot_be_sent_does_no_harm():
    ws, wire = await opened()
    for payload in (bytes(126), None):
        try:
            await ws.ping(payload)
            assert False, "sent"
        except (ValueError, TypeError):
            pass
    await ws.ping(bytes(125))
    assert wire.frames() == [(0x89, bytes(125))]
    assert ws.close_code is None


# req: J-WS-03
async def test_pongs_are_counted():
    ws, wire = await opened(b"\x8a\x00\x8a\x01x\x81\x01a")
    assert await ws.receive() == "a"
    assert ws.pongs == 2
    assert ws.frames == 3


async def test_server_closes():
    ws, wire = await opened(b"\x88\x05\x03\xe9bye")
    assert await ws.receive() is None
    assert (ws.close_code, ws.close_reason) == (1001, "bye")
    assert wire.frames() == [(0x88, b"\x03\xe9")]
    assert wire.closed


async def test_server_closes_without_code():
    ws, wire = await opened(b"\x88\x00")
    assert await ws.receive() is None
    assert ws.close_code == 1005
    assert wire.frames() == [(0x88, b"")]


async def test_we_close():
    ws, wire = await opened()
    wire.hold = True
    reader = asyncio.create_task(ws.receive())
    await asyncio.sleep_ms(10)
    await ws.close(1000, "done")
    await ws.close(1001)
    assert wire.frames() == [(0x88, b"\x03\xe8done")]
    wire.feed(b"\x89\x01p\x81\x01a")  # still on their way: no pong may follow our Close
    assert await reader == "a"
    for action in (ws.send("x"), ws.ping()):
        try:
            await action
            assert False, "sent"
        except OSError:
            pass
    assert ws.close_code is None
    wire.feed(b"\x88\x02\x03\xe8")
    assert await ws.receive() is None
    assert (ws.close_code, ws.close_reason) == (1000, "")
    assert len(wire.writes) == 1
    assert wire.closed


CASES_BROKEN = [
    ("reserved bit", b"\xc1\x01a", 1002),
    ("not UTF-8", b"\x81\x01\xff", 1007),
    ("too big", b"\x81\x7e\x7f\xff", 1009),
]


async def test_broken(name, data, code):
    ws, wire = await opened(b"\x81\x01a" + data)
    wire.hold = True
    assert await ws.receive() == "a"
    assert await ws.receive() is None
    assert ws.close_code == code
    ((first, payload),) = wire.frames()
    assert first == 0x88
    assert payload == code.to_bytes(2, "big") + ws.close_reason.encode()
    assert wire.closed
    try:
        await ws.send("x")
        assert False, "sent"
    except OSError:
        pass


async def test_lost_connection():
    ws, wire = await opened(OSError(104))
    assert await ws.receive() is None
    assert ws.close_code == 1006
    assert "104" in ws.close_reason
    assert wire.closed
    assert wire.writes == []


async def test_abort():
    ws, wire = await opened()
    wire.hold = True
    reader = asyncio.create_task(ws.receive())
    await asyncio.sleep_ms(10)
    await ws.abort()
    assert await reader is None
    assert ws.close_code == 1006
    await ws.abort()
    await ws.close()
    assert wire.writes == []


async def test_frames_do_not_mix():
    # Whoever writes while another write is still draining waits: drain() forgets what is added meanwhile.
    ws, wire = await opened(b"\x89\x01p")
    wire.hold = True
    wire.stuck = asyncio.Event()
    sender = asyncio.create_task(ws.send("first"))
    await asyncio.sleep_ms(10)
    reader = asyncio.create_task(ws.receive())
    other = asyncio.create_task(ws.send("second"))
    await asyncio.sleep_ms(10)
    assert len(wire.writes) == 1
    wire.stuck.set()
    await sender
    await other
    await asyncio.sleep_ms(20)  # for the pong
    assert wire.frames()[0] == (0x81, b"first")
    assert sorted(wire.frames()[1:]) == [(0x81, b"second"), (0x8A, b"p")]
    reader.cancel()


async def test_frame_cut_short_ends_the_connection():
    ws, wire = await opened()
    wire.stuck = asyncio.Event()
    sender = asyncio.create_task(ws.send("first"))
    await asyncio.sleep_ms(10)
    sender.cancel()
    await asyncio.sleep_ms(10)
    assert wire.closed
    assert ws.close_code == 1006
    assert await ws.receive() is None


async def test_a_stuck_server_that_breaks_a_rule_is_not_waited_for():
    ws, wire = await opened(b"\xff\xff")
    wire.stuck = asyncio.Event()
    sender = asyncio.create_task(ws.send("first"))
    await asyncio.sleep_ms(10)
    assert await ws.receive() is None
    assert ws.close_code == 1002
    assert wire.closed
    assert len(wire.writes) == 1
    sender.cancel()


async def test_max_message():
    wire = Wire(b"\x81\x0aaaaaaaaaaa\x81\x0b", answer=answering(GOOD + ACCEPT + "\r\n"))
    ws = await connect(wire, "h", "/", max_message=10)
    assert await ws.receive() == "a" * 10
    assert await ws.receive() is None
    assert ws.close_code == 1009


async def test_out_of_memory_closes():
    ws, wire = await opened(b"\x81\x7f\x00\x00\x00\x00\x70\x00\x00\x00")
    ws = WebSocket(wire, 1 << 40)
    assert await ws.receive() is None
    assert ws.close_code == 1009
    assert wire.closed
