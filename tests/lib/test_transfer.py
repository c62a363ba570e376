# Transfers over streams by hand: deadlines, cancellation, what is closed and let go, the order of TLS in FTP.
import asyncio
import sys

import transfer
from transfer import Place, TransferError


class Sink:
    def __init__(self):
        self.data = b""

    def write(self, piece):
        self.data += bytes(piece)


class Again(Sink):
    def restart(self):
        self.data = b""


class Source:
    def __init__(self, data):
        self.data = data

    def readinto(self, view):
        n = min(len(view), len(self.data))
        view[:n] = self.data[:n]
        self.data = self.data[n:]
        return n


class Stream:
    """Gives `pieces`, then ends, or goes on for ever if `hangs`; None is a TLS stream that has no bytes yet."""

    def __init__(self, net, pieces, hangs=False, stuck=False):
        self.net = net
        self.pieces = list(pieces)
        self.hangs = hangs
        self.stuck = stuck
        self.closed = False
        self.secured = False

    async def readinto(self, view):
        await asyncio.sleep_ms(1)
        while not self.pieces and self.hangs:
            await asyncio.sleep(1000)
        if not self.pieces:
            return 0
        data = self.pieces.pop(0)
        if data is None:
            return None
        if isinstance(data, Exception):
            raise data
        if len(data) > len(view):
            self.pieces.insert(0, data[len(view) :])
            data = data[: len(view)]
        view[: len(data)] = data
        return len(data)

    def write(self, data):
        assert not self.closed
        self.net.sent.append((self.secured, bytes(data)))

    async def drain(self):
        await asyncio.sleep_ms(1)
        while self.stuck:
            await asyncio.sleep(1000)

    def close(self):
        pass

    async def wait_closed(self):
        self.closed = True


class Net:
    """Hands out streams in their order; an exception is raised, None hangs."""

    def __init__(self, *streams):
        self.sent = []
        self.ports = []
        self.streams = [Stream(self, *s) if isinstance(s, tuple) else s for s in streams]
        self.given = []
        self.secures = []
        self.refuse = None

    async def connect(self, host, port):
        self.ports.append(port)
        stream = self.streams.pop(0)
        while stream is None:
            await asyncio.sleep(1000)
        if isinstance(stream, Exception):
            raise stream
        self.given.append(stream)
        return stream

    async def secure(self, stream, host):
        self.secures.append((host, len(self.sent)))
        if self.refuse:
            raise self.refuse
        stream.secured = True
        return stream

    async def get(self, url, sink, **more):
        return await transfer.get(url, sink, self.connect, self.secure, bytearray(300), **more)

    async def put(self, url, source, **more):
        return await transfer.put(url, source, self.connect, self.secure, bytearray(300), **more)

    def check_closed(self):
        for stream in self.given:
            assert stream.closed
        for name in sys.modules:
            assert name[:4] not in ("http", "ftpc", "ftpl", "ftpr") and name[:8] != "transferw"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


async def fails(job):
    try:
        await job
    except TransferError as e:
        return e.kind, e.text
    assert False, "no TransferError"


async def test_tls_stream_without_bytes_yet():
    net = Net(([None, b"HTTP/1.1 2", None, b"00 OK\r\nContent-Length: 3\r\n\r\na", None, b"bcd"],))
    sink = Sink()
    place = await net.get("https://h/f", sink)
    assert sink.data == b"abc"
    assert (place.offset, place.size) == (3, 3)
    assert net.secures == [("h", 0)] and net.ports == [443]
    net.check_closed()


CASES_STALL = [
    ("connecting to h:80", None),
    ("the request", ([], True, True)),
    ("the answer", ([], True)),
    ("the answer", ([b"HTTP/1.1 200 OK\r\nX: "], True)),
    ("the file", ([OK + b"abc"], True)),
]


# req: DIAG-03
# Each step has its end, on the virtual clock; what has come by then was handed on.
async def test_stall(doing, stream):
    net = Net(stream)
    sink = Sink()
    kind, text = await fails(net.get("http://h/f", sink))
    assert kind == "stall"
    assert text == doing + ": nothing for 30 s"
    assert sink.data == (b"abc" if doing == "the file" else b"")
    net.check_closed()


async def test_stall_while_sending():
    net = Net(([], True))
    net.streams[0].stuck = False
    source = Source(b"x" * 1000)

    async def stick():
        await asyncio.sleep_ms(2)
        net.given[0].stuck = True

    task = asyncio.create_task(stick())
    kind, text = await fails(net.put("http://h/f", source, size=1000, wait_s=5))
    assert kind == "stall" and text.endswith(": nothing for 5 s")
    assert task.done()
    net.check_closed()


async def test_head_has_one_deadline():
    # A byte now and then does not keep a head going: the answer as a whole has 30 s.
    class Drip(Stream):
        async def readinto(self, view):
            await asyncio.sleep(7)
            return await super().readinto(view)

    net = Net()
    net.streams = [Drip(net, [b"%c" % c for c in OK])]
    assert (await fails(net.get("http://h/f", Sink())))[0] == "stall"
    net.check_closed()


async def test_slow_file_is_no_stall():
    class Drip(Stream):
        async def readinto(self, view):
            await asyncio.sleep(20)
            return await super().readinto(view)

    net = Net()
    net.streams = [Drip(net, [OK] + [b"x"] * 10)]
    await net.get("http://h/f", Sink())
    net.check_closed()


async def test_cancel():
    net = Net(([OK + b"abc"], True))
    sink = Sink()
    place = Place()
    task = asyncio.create_task(net.get("http://h/f", sink, place=place))
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
        assert False
    except asyncio.CancelledError:
        pass
    assert (sink.data, place.offset) == (b"abc", 3)
    net.check_closed()


async def test_two_at_once():
    nets = [Net(([OK + b"0123", b"4567"] + [b"89"],)), Net(([b"220 x\r\n", b"530 no\r\n"],))]
    sink = Sink()
    one = asyncio.create_task(nets[0].get("http://h/f", sink))
    two = asyncio.create_task(fails(nets[1].get("ftp://h/f", Sink())))
    await one
    assert (await two)[0] == "auth"
    assert sink.data == b"0123456789"
    nets[0].check_closed()
    nets[1].check_closed()


CASES_NO_CONNECTION = [
    (OSError(111), "connect"),
    (OSError(-2), "connect"),  # no such name
    (OSError(116), "connect"),
]


async def test_no_connection(error, kind):
    net = Net(error)
    assert (await fails(net.get("http://h/f", Sink())))[0] == kind


CASES_NO_TLS = [
    (OSError(-30336, "CA_CHAIN_REQUIRED"), "TLS with h: CA_CHAIN_REQUIRED"),
    (ValueError("wrong name"), "TLS with h: wrong name"),
    (OSError("host", "another name"), "TLS with h: another name"),  # as TlsError is built
]


async def test_no_tls(error, text):
    net = Net(([],))
    net.refuse = error
    assert await fails(net.get("https://h/f", Sink())) == ("tls", text)
    net.check_closed()


async def test_nothing_to_secure_with():
    net = Net(([],))
    error = await fails(transfer.get("https://h/f", Sink(), net.connect, None, bytearray(256)))
    assert error[0] == "tls"
    net.check_closed()


async def test_bad_arguments():
    for url in ("", "ftp", "http//h", "mailto:x", "http://", "ftp://h:0/"):
        assert (await fails(Net().get(url, Sink())))[0] == "url"
    try:
        await transfer.get("http://h/", Sink(), None, None, bytearray(100))
        assert False
    except ValueError:
        pass
    headers = ("X: a\r\nY: b",)
    assert (await fails(Net(([],)).put("http://h/", Source(b""), size=0, headers=headers)))[0] == "url"


async def test_lost_connection():
    net = Net(([OK + b"abc", OSError(104)],))
    place = Place()
    assert (await fails(net.get("http://h/f", Sink(), place=place)))[0] == "short"
    assert place.offset == 3 and place.size == 10
    net.check_closed()


async def test_file_that_changed_needs_a_sink_that_begins_again():
    answer = b'HTTP/1.1 200 OK\r\nETag: "b"\r\nContent-Length: 4\r\n\r\nabcd'
    error = await fails(Net(([answer],)).get("http://h/f", Sink(), place=Place(2, '"a"')))
    assert error[0] == "changed"
    sink = Again()
    place = await Net(([answer],)).get("http://h/f", sink, place=Place(2, '"a"'))
    assert (sink.data, place.mark) == (b"abcd", '"b"')
    # the same version, whose server ignores Range: what is there is passed over
    sink = Sink()
    await Net(([answer],)).get("http://h/f", sink, place=Place(2, '"b"'))
    assert sink.data == b"cd"


async def test_partial_answer_of_another_version_is_asked_for_again():
    part = b'HTTP/1.1 206 OK\r\nETag: "b"\r\nContent-Range: bytes 2-3/4\r\nContent-Length: 2\r\n\r\ncd'
    whole = b'HTTP/1.1 200 OK\r\nETag: "b"\r\nContent-Length: 4\r\n\r\nabcd'
    net = Net(([part],), ([whole],))
    sink = Again()
    await net.get("http://h/f", sink, place=Place(2, '"a"'))
    assert sink.data == b"abcd"
    assert b"If-Range: \"a\"\r\n" in net.sent[0][1] and b"Range" not in net.sent[1][1]
    net.check_closed()


async def test_short_source():
    net = Net(([],))
    assert (await fails(net.put("http://h/f", Source(b"abc"), size=5)))[0] == "store"
    net.check_closed()


async def test_chunked_upload_is_framed():
    net = Net(([b"HTTP/1.1 201 Created\r\n\r\n"],))
    await net.put("http://h/f", Source(b"x" * 293))
    assert b"".join([data for _, data in net.sent[1:]]) == b"0124\r\n" + b"x" * 292 + b"\r\n0001\r\nx\r\n0\r\n\r\n"


FTP = [b"220 hi\r\n", b"331 p\r\n", b"230 in\r\n", b"200 I\r\n", b"213 5\r\n", b"500 x\r\n", b"229 (|||99|)\r\n"]


async def test_ftp():
    # The last two replies come in one piece.
    net = Net((FTP + [b"150 here\r\n226 done\r\n"],), ([b"abc", b"de"],))
    sink = Sink()
    await net.get("ftp://u:p%40@h:2121/a/b", sink)
    assert sink.data == b"abcde"
    assert net.ports == [2121, 99]
    words = b"".join([data for _, data in net.sent])
    assert words == b"USER u\r\nPASS p@\r\nTYPE I\r\nSIZE a/b\r\nMDTM a/b\r\nEPSV\r\nRETR a/b\r\n"
    net.check_closed()


SECURE = [b"220 hi\r\n", b"234 go\r\n", b"331 p\r\n", b"230 in\r\n", b"200 P\r\n", b"200 P\r\n", b"200 I\r\n"]
SECURE += [b"229 (|||99|)\r\n", b"150 here\r\n", b"226 done\r\n"]


# Nobody hears user, password, path or file: TLS begins before USER, and on the data connection after the reply to STOR.
async def test_explicit_tls():
    net = Net((SECURE,), ([],))
    await net.put("ftps://u:p@h/f", Source(b"hello"), size=5)
    assert net.sent[0] == (False, b"AUTH TLS\r\n")
    assert net.secures[0] == ("h", 1)
    assert net.sent[1] == (True, b"USER u\r\n")
    assert net.sent[-1] == (True, b"hello")
    assert net.secures[1] == ("h", len(net.sent) - 1)
    assert net.sent[-2] == (True, b"STOR f\r\n")
    net.check_closed()


async def test_implicit_tls():
    for url in ("ftps://u:p@h:990/f", "ftpis://u:p@h/f"):
        net = Net(([SECURE[0]] + SECURE[2:],), ([],))
        await net.put(url, Source(b"hello"), size=5)
        assert net.ports == [990, 99]
        assert net.secures[0] == ("h", 0) and net.sent[0] == (True, b"USER u\r\n")


async def test_words_before_tls_are_no_reply():
    net = Net(([b"220 hi\r\n", b"234 go\r\n230 in already\r\n"],))
    assert (await fails(net.get("ftps://u:p@h/f", Sink())))[0] == "tls"
    assert not net.secures
    net.check_closed()


async def test_session_reuse_is_said_in_words():
    net = Net((SECURE[:-1] + [b"522 session reuse required\r\n"],), ([],))
    kind, text = await fails(net.put("ftps://u:p@h/f", Source(b"hello"), size=5))
    assert kind == "tls" and "session reuse off" in text
    net = Net((SECURE[:-1] + [b"425 Unable to build data connection: Operation not permitted\r\n"],), ([],))
    assert "session reuse off" in (await fails(net.put("ftps://u:p@h/f", Source(b"hello"), size=5)))[1]


async def test_end_of_tls_without_close_notify():
    # vsftpd says 426, and has the whole file; or it has not
    for size, good in ((b"5", True), (b"3", False)):
        net = Net((SECURE[:-1] + [b"426 Failure reading\r\n", b"213 " + size + b"\r\n", b"500\r\n"],), ([],))
        try:
            await net.put("ftps://u:p@h/f", Source(b"hello"), size=5)
            assert good
        except TransferError as e:
            assert not good and "strict_ssl_read_eof" in e.text
