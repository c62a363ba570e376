"""lib/transfer, compiled as for the chip and under a heap of its size, against real servers."""

import socket
import ssl
import struct
import time
from pathlib import Path

import pytest
import transfer_peers as peers
from transfer_client import compile_client, content, fetch, sha

from pilotwire.bench.certificates import Authority

WHOLE = sha(peers.Files.data)
LOGIN = "user:p%40ss%3A%2Fword@"


@pytest.fixture(scope="session")
def client(tmp_path_factory) -> Path:
    return compile_client(tmp_path_factory.mktemp("client"))


class World:
    """Certificates of the session: `root` is a file for the child, `server` for the servers."""

    def __init__(self, folder: Path):
        authority = Authority(folder)
        self.server = authority.issue("server", ips=["127.0.0.1"])
        (folder / "root.der").write_bytes(authority.der)
        self.root = str(folder / "root.der")
        (folder / "other.der").write_bytes(Authority(folder / "other").der)
        self.other = str(folder / "other.der")

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate, self.server.key)
        return context


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def web():
    with peers.web() as server:
        yield server


def error(got: dict, at: int = -1) -> str:
    """ "kind: text" of an error that the child saw."""
    return ": ".join(got["errors"][at])


# HTTP: download


@pytest.mark.parametrize("path", ["/file", "/plain", "/chunked", "/until-close", "/hop/file", "/hop" * 5 + "/file"])
def test_download(client, web, path):
    got = fetch(client, "get", web.url + path)
    assert got["errors"] == []
    assert (got["n"], got["sha"], got["size"]) == (100_000, WHOLE, 100_000)
    assert got["loaded"] == ["transfer"]


def test_a_byte_at_a_time(client, web):
    got = fetch(client, "get", web.url + "/bytes", keep=5)
    assert bytes.fromhex(got["head"]) == b"hello"


def test_download_over_tls(client, world):
    with peers.web(tls=world.context()) as server:
        got = fetch(client, "get", server.url + "/file", root=world.root)
        assert (got["errors"], got["sha"]) == ([], WHOLE)
        got = fetch(client, "get", server.url + "/file/half", server.url + "/file", root=world.root)
        assert (got["sha"], got["restarts"]) == (WHOLE, 0)
        assert server.seen[-1][1]["Range"] == "bytes=50000-"
        got = fetch(client, "get", server.url + "/file", root=world.other)
        assert error(got).startswith("tls: TLS with 127.0.0.1: ")


# req: FW-03
# What a first try brought is not fetched again; what is there must be the same file.
@pytest.mark.parametrize(
    "first, second, asked, restarts",
    [
        ("/file/half", "/file", "bytes=50000-", 0),
        ("/plain/half", "/plain", "bytes=50000-", 0),  # ignores Range: passed over
        ("/chunked/half", "/chunked", "bytes=50000-", 0),
        ("/file/half", "/until-close", "bytes=50000-", 0),
    ],
)
def test_download_goes_on(client, web, first, second, asked, restarts):
    got = fetch(client, "get", web.url + first, web.url + second)
    assert error(got).startswith("short: ")
    assert (got["n"], got["sha"], got["restarts"]) == (100_000, WHOLE, restarts)
    assert web.seen[-1][1]["Range"] == asked


def test_download_of_a_file_that_changed(client):
    class Newer(peers.Files):
        data = content(70_001)

        def get_file(self):
            self.etag = '"v1"' if self.name.endswith("half") else '"v2"'
            super().get_file()

    with peers.web(Newer) as server:
        got = fetch(client, "get", server.url + "/file/half", server.url + "/file")
    assert server.seen[-1][1]["If-Range"] == '"v1"'
    assert (got["n"], got["sha"], got["restarts"], got["mark"]) == (70_001, sha(Newer.data), 1, '"v2"')


def test_range_behind_the_end(client, web):
    # All of it is there already: 416 says so, and a shorter file that it is another one.
    got = fetch(client, "get", web.url + "/file", offset=100_000)
    assert (got["errors"], got["n"], got["size"]) == ([], 0, 100_000)
    got = fetch(client, "get", web.url + "/file", offset=150_000)
    assert (got["errors"], got["sha"], got["restarts"]) == ([], WHOLE, 1)


def test_download_fails_in_words(client, web):
    for status, kind in [
        (401, "auth"),
        (403, "auth"),
        (404, "missing"),
        (400, "refused"),
        (500, "server"),
        (503, "server"),
    ]:
        got = fetch(client, "get", f"{web.url}/status/{status}")
        assert error(got).startswith(f"{kind}: 127.0.0.1:{web.server_port} answers {status} "), got["errors"]
        assert error(got).endswith(" (RequestTimeTooSkewed)")
    assert error(fetch(client, "get", web.url + "/loop")) == "server: over 5 redirects"
    assert error(fetch(client, "get", web.url + "/hop" * 6 + "/file")) == "server: over 5 redirects"
    assert error(fetch(client, "get", web.url + "/gzip")).startswith("server: ")
    assert error(fetch(client, "get", web.url + "/endless")).startswith("server: headers over")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert error(fetch(client, "get", f"http://127.0.0.1:{port}/")).startswith("connect: ")
    assert error(fetch(client, "get", "gopher://h/")).startswith("url: ")
    assert error(fetch(client, "get", f"http://127.0.0.1:{port}/" + "a" * 3000)).startswith("url: ")


# req: FW-07
def test_login_by_url_stays_on_its_server(client, web):
    base = f"http://{LOGIN}127.0.0.1:{web.server_port}"
    assert fetch(client, "get", base + "/login")["sha"] == WHOLE
    assert fetch(client, "get", base + "/hop/login")["sha"] == WHOLE
    got = fetch(client, "get", base.replace("user", "other") + "/login")
    assert error(got).endswith(" answers 401 wrong user or password")  # its own words held the password
    with peers.web() as other:
        web.goal = other.url + "/login"
        got = fetch(client, "get", base + "/to")
        assert error(got).startswith("auth: ")
        assert "Authorization" not in other.seen[0][1]
        assert "ss:/word" not in error(got)  # the server said it


def test_secrets_are_not_told(client, web):
    query = "?X-Amz-Signature=0123456789abcdef&X-Amz-Date=20260101"

    class Tells(peers.Files):
        def get_tell(self):
            self.head(403, ("Content-Length", "0"), reason="no such signature 0123456789abcdef")

    with peers.web(Tells) as server:
        got = fetch(client, "get", server.url + "/tell" + query)
        assert server.seen[0][0] == "/tell" + query
    assert error(got) == f"auth: 127.0.0.1:{server.server_port} answers 403 forbidden"


def test_no_way_down_from_https(client, web, world):
    with peers.web(tls=world.context()) as server:
        server.goal = web.url + "/file"
        assert (
            error(fetch(client, "get", server.url + "/to", root=world.root)) == "refused: redirected from https to http"
        )
        web.goal = server.url + "/file"
        assert fetch(client, "get", web.url + "/to", root=world.root)["sha"] == WHOLE


# req: DIAG-03
def test_time_outs(client, web):
    began = time.monotonic()
    got = fetch(client, "get", web.url + "/stall", web.url + "/file", wait_s=1)
    assert error(got) == "stall: the file: nothing for 1 s"
    assert (got["sha"], got["restarts"]) == (WHOLE, 0)  # none of the 5,000 bytes was lost
    assert web.seen[-1][1]["Range"] == "bytes=5000-"
    assert error(fetch(client, "get", web.url + "/silent", wait_s=1)) == "stall: the answer: nothing for 1 s"
    assert fetch(client, "get", web.url + "/slow", wait_s=1)["n"] == 6000
    assert error(fetch(client, "put", web.url + "/stuck", n=8_000_000, wait_s=1)).startswith(
        "stall: sending the file: "
    )
    assert time.monotonic() - began < 30


# req: DIAG-04
def test_others_run_meanwhile(client, web):
    got = fetch(client, "get", web.url + "/slow")
    assert got["turns"] > 300  # of 1 ms each, in 2.5 s


def test_file_that_can_not_be_stored(client, web):
    got = fetch(client, "get", web.url + "/file", web.url + "/file", cut=20_000)
    assert error(got).startswith("full: local file: ")
    assert (got["sha"], got["restarts"]) == (WHOLE, 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 3000, b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", b"HTTP/1.1 200 OK\r\n"]
    + [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 302 Found\r\nLocation: \xff\r\n\r\n"],
)
def test_garbage(client, data):
    def handler(sock):
        sock.recv(5000)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)

    with peers.raw(handler) as port:
        assert error(fetch(client, "get", f"http://127.0.0.1:{port}/")).partition(":")[0] in ("server", "short")
        got = fetch(client, "put", f"http://127.0.0.1:{port}/", n=10)  # of the body of an answer nothing is expected
        assert b" 200 " in data or error(got).partition(":")[0] in ("server", "short", "refused")


# HTTP: upload


# req: DIAG-01
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("unknown", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("n", [0, 1, 1023, 1024, 1025, 100_000])
def test_upload(client, web, method, unknown, n):
    web.got.clear()
    got = fetch(client, "put", web.url + "/diag/x.gz?a=b", n=n, method=method, unknown=unknown)
    assert got["errors"] == []
    [(path, headers, body)] = web.got
    assert (path, body == content(n)) == ("/diag/x.gz?a=b", True)
    assert ("Content-Length" in headers) != unknown


@pytest.mark.parametrize("unknown", [False, True], ids=["length", "chunked"])
def test_upload_of_a_form(client, web, unknown):
    web.got.clear()
    got = fetch(client, "put", web.url + "/form", n=5000, method="POST", unknown=unknown, form=["file", "a.gz"])
    assert got["errors"] == []
    [(_, headers, body)] = web.got
    edge = headers["Content-Type"].removeprefix("multipart/form-data; boundary=").encode()
    begin, head, data, end = body[: len(edge) + 4], *body[len(edge) + 4 :].split(b"\r\n\r\n", 1), b""
    data, _, end = data.rpartition(b"\r\n--" + edge)
    assert begin == b"--" + edge + b"\r\n"
    assert b'Content-Disposition: form-data; name="file"; filename="a.gz"' in head
    assert (data == content(5000), end) == (True, b"--\r\n")


def test_upload_over_tls_and_redirects(client, web, world):
    with peers.web(tls=world.context()) as server:
        got = fetch(client, "put", server.url + "/x", n=100_000, root=world.root)
        assert (got["errors"], server.got[-1][2] == content(100_000)) == ([], True)
        web.goal = server.url + "/y"
        got = fetch(client, "put", web.url + "/to", n=50_000, root=world.root)
        assert (got["errors"], got["seeks"]) == ([], 1)
        assert (server.got[-1][0], server.got[-1][2] == content(50_000)) == ("/y", True)


# req: DIAG-02
def test_upload_fails_in_words(client, web):
    # An answer before the end of a long upload ends it.
    got = fetch(client, "put", web.url + "/early/413", n=10_000_000)
    assert error(got).endswith("answers 413 Request Entity Too Large") and got["sent"] < 10_000_000
    for unknown in (False, True):  # even if it says that all is well
        got = fetch(client, "put", web.url + "/early/200", n=10_000_000, unknown=unknown)
        assert error(got).startswith("short: ")
    for status, kind in [(500, "server"), (507, "full"), (405, "refused"), (301, "refused"), (401, "auth")]:
        assert error(fetch(client, "put", f"{web.url}/{status}", n=10)).startswith(kind + ": ")
    assert fetch(client, "put", web.url + "/303", n=10, method="POST")["errors"] == []

    def reset(sock):
        sock.recv(2000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    with peers.raw(reset) as port:
        assert error(fetch(client, "put", f"http://127.0.0.1:{port}/", n=9_000_000)).startswith("short: ")


# FTP


@pytest.fixture(params=["ftp", "ftps", "ftpis"])
def server(request, tmp_path, world):
    """(URL with login, without a path; folder; options for the child) of pyftpdlib, plain and with both kinds of TLS."""
    tls = {"ftp": "", "ftps": "e", "ftpis": "i"}[request.param]
    with peers.ftp(tmp_path, tls, world.server.certificate, world.server.key) as port:
        yield f"{request.param}://{LOGIN}127.0.0.1:{port}", tmp_path, {"root": world.root} if tls else {}


def test_ftp_download(client, server):
    url, folder, options = server
    (folder / "a b").mkdir()
    (folder / "a b" / "ü#%.bin").write_bytes(content(100_000))
    got = fetch(client, "get", url + "/a%20b/%C3%BC%23%25.bin", **options)
    assert (got["errors"], got["n"], got["sha"]) == ([], 100_000, WHOLE)
    assert got["loaded"] == ["transfer"]
    got = fetch(client, "get", url + "/a%20b/%C3%BC%23%25.bin;type=i", offset=60_000, **options)
    assert (got["errors"], got["sha"]) == ([], sha(content(100_000)[60_000:]))


def test_ftp_upload(client, server):
    url, folder, options = server
    for n in (0, 1, 100_000):
        got = fetch(client, "put", url + "/up%20.bin", n=n, **options)
        assert (got["errors"], (folder / "up .bin").read_bytes() == content(n)) == ([], True)
    (folder / "up .bin").write_bytes(content(40_000))
    got = fetch(client, "put", url + "/up%20.bin", n=100_000, offset=50_000, **options)
    assert (got["errors"], (folder / "up .bin").read_bytes() == content(100_000)) == ([], True)


def test_ftp_fails_in_words(client, server):
    url, _, options = server
    got = fetch(client, "get", url + "/none", **options)
    assert error(got).startswith("missing: ") and " answers RETR with 550 " in error(got)
    got = fetch(client, "put", url.replace("word", "wort") + "/x", n=9, **options)
    assert error(got).startswith("auth: ") and " answers PASS with 530 " in error(got)
    got = fetch(client, "put", url.replace(LOGIN, "reader:reader@") + "/x", n=9, **options)
    assert error(got).startswith("refused: ") and " answers STOR with 550 " in error(got)


def test_ftp_anonymous(client, tmp_path):
    (tmp_path / "f").write_bytes(b"hello")
    with peers.ftp(tmp_path) as port:
        assert fetch(client, "get", f"ftp://127.0.0.1:{port}/f")["n"] == 5


def test_ftps_against_a_server_without(client, tmp_path, world):
    with peers.ftp(tmp_path) as port:
        got = fetch(client, "get", f"ftps://{LOGIN}127.0.0.1:{port}/f", root=world.root)
        assert error(got).startswith("tls: ") and " answers AUTH with 5" in error(got)
    with peers.ftp(tmp_path, "e", world.server.certificate, world.server.key) as port:
        got = fetch(client, "get", f"ftp://{LOGIN}127.0.0.1:{port}/f")
        assert " answers USER with 550 SSL/TLS required" in error(got)
        got = fetch(client, "get", f"ftps://{LOGIN}127.0.0.1:{port}/f", root=world.other)
        assert error(got).startswith("tls: TLS with 127.0.0.1: ")


def ftp_script(*parts: str, data: bytes = b"", cut: bool = False):
    """A server that answers by the first word of a command, from `parts` ("EPSV 500 no") or as a plain one does."""
    seen: list[str] = []
    answers = dict(part.split(" ", 1) for part in parts)

    def handler(sock):
        passive = socket.create_server(("127.0.0.1", 0))
        port = passive.getsockname()[1]
        plain = {
            "USER": "331 p",
            "PASS": "230 in",
            "TYPE": "200 I",
            "SIZE": f"213 {len(data)}",
            "MDTM": "213 20260101000000",
            "EPSV": f"229 Extended (|||{port}|)",
            "PASV": f"227 Passive (10,0,0,1,{port >> 8},{port & 255})",
            "REST": "350 go on",
            "RETR": "150 here\r\n226 done",
            "STOR": "150 give\r\n226 done",
        }
        offset = 0
        sock.sendall(answers.get("hello", "220-hello\r\n 220 not yet\r\n220 ready").encode() + b"\r\n")
        for line in sock.makefile():
            seen.append(line.strip())
            word, _, argument = line.strip().partition(" ")
            answer = answers.get(word, plain.get(word, "502 what"))
            offset = int(argument) if word == "REST" and answer[0] == "3" else offset
            first, _, last = answer.partition("\r\n")
            sock.sendall(first.encode() + b"\r\n")
            if first.startswith("150"):
                with passive.accept()[0] as other:
                    if word == "RETR":
                        part = data[offset:]
                        other.sendall(part[: len(part) // 2] if cut and not offset else part)
                    else:
                        while other.recv(65536):
                            pass
                if last == "close":
                    return
                if last:
                    sock.sendall(last.encode() + b"\r\n")

    return handler, seen


@pytest.mark.parametrize(
    "parts, n",
    [
        ((), 5000),
        (("EPSV 500 what",), 5000),  # PASV, whose address of another network is not used
        (("EPSV 522 only (1)",), 5000),
        (("SIZE 502 no", "MDTM 502 no"), 5000),
        (("hello 120 wait\r\n220 now",), 5000),
        (("USER 230 no password",), 5000),
        (("RETR 150 here\r\nclose",), 5000),  # the control connection died, and the size tells that all is there
        (("RETR 150 here\r\n426 no close_notify",), 5000),
    ],
)
def test_ftp_by_script(client, parts, n):
    handler, seen = ftp_script(*parts, data=content(5000))
    with peers.raw(handler) as port:
        got = fetch(client, "get", f"ftp://u:p@127.0.0.1:{port}/%2Fabs/f")
    assert (got["errors"], got["n"]) == ([], n)
    assert seen[-1] == "RETR /abs/f"


@pytest.mark.parametrize(
    "parts, expected",
    [
        (("hello 421 full",), "server: "),
        (("hello HTTP/1.1 400",), "server: the server does not speak FTP"),
        (("PASS 530 bad secret1 of u",), "auth: "),
        (("TYPE 504 no",), "refused: "),
        (("EPSV 229 (||||)",), "server: no port"),
        (("EPSV 500 a", "PASV 227 a"), "server: no port"),
        (("RETR 550 none",), "missing: "),
        (("RETR 425 Unable to build data connection",), "server: "),
        (("SIZE 502 no", "RETR 150 here\r\n426 cut"), "server: "),
        (("SIZE 502 no", "RETR 150 here\r\nclose"), "short: "),
        (("SIZE 213 6000",), "short: the file ends at 5000 bytes"),
        (("hello 220 ready\r\n230 in already",), "server: a reply that belongs to no command"),
    ],
)
def test_ftp_fails_by_script(client, parts, expected):
    handler, _ = ftp_script(*parts, data=content(5000))
    with peers.raw(handler) as port:
        got = fetch(client, "get", f"ftp://u:secret1@127.0.0.1:{port}/f", wait_s=3)
    assert error(got).startswith(expected)
    assert "secret1" not in error(got)


def test_ftp_full(client):
    handler, _ = ftp_script("STOR 150 give\r\n452 no space")
    with peers.raw(handler) as port:
        assert error(fetch(client, "put", f"ftp://u:p@127.0.0.1:{port}/f", n=5000)).startswith("full: ")


# req: FW-03
@pytest.mark.parametrize("rest", ["350 go on", "502 no"], ids=["resumed", "passed-over"])
def test_ftp_download_goes_on(client, rest):
    handler, _ = ftp_script("REST " + rest, data=content(60_000), cut=True)
    whole, _ = ftp_script("REST " + rest, data=content(60_000))
    with peers.raw(handler) as port, peers.raw(whole) as second:
        got = fetch(client, "get", f"ftp://u:p@127.0.0.1:{port}/f", f"ftp://u:p@127.0.0.1:{second}/f")
    assert error(got).startswith("short: ")
    assert (got["sha"], got["restarts"], len(got["errors"])) == (sha(content(60_000)), 0, 1)


def test_ftp_file_that_changed(client):
    first, _ = ftp_script(data=content(60_000), cut=True)
    second, _ = ftp_script("MDTM 213 20260202020202", data=content(60_000)[::-1])
    with peers.raw(first) as one, peers.raw(second) as two:
        got = fetch(client, "get", f"ftp://u:p@127.0.0.1:{one}/f", f"ftp://u:p@127.0.0.1:{two}/f")
    assert (got["restarts"], got["sha"]) == (1, sha(content(60_000)[::-1]))


@pytest.mark.parametrize("url", ["ftp://u:p%0d%0aDELE%20x@h/f", "ftp://h/a%0Ab", "ftp://h/a%00b", "ftp://u%0a@h/f"])
def test_ftp_line_breaks(client, url):
    assert error(fetch(client, "get", url)) == "url: URL with a line break in it"


def test_ftp_time_outs(client):
    def silent(sock):
        sock.recv(1)

    with peers.raw(silent) as port:
        got = fetch(client, "get", f"ftp://u:p@127.0.0.1:{port}/f", wait_s=1)
    assert error(got) == "stall: the reply to the connection: nothing for 1 s"


# S3


# A signed URL in, the file out, by moto's server.
def test_s3(client, monkeypatch):
    boto3 = pytest.importorskip("boto3")
    config = pytest.importorskip("botocore.config").Config(signature_version="s3v4")
    moto = pytest.importorskip("moto.server")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        where = "http://{}:{}".format(*server.get_host_and_port())
        s3 = boto3.client("s3", endpoint_url=where, region_name="us-east-1", config=config)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="f.bin", Body=content(100_000))
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "f.bin"})
        assert len(url) > 280
        got = fetch(client, "get", url)
        assert (got["errors"], got["sha"]) == ([], WHOLE)
        got = fetch(client, "get", url, offset=70_000, mark=got["mark"], known=100_000)
        assert (got["errors"], got["sha"], got["restarts"]) == ([], sha(content(100_000)[70_000:]), 0)
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "up.bin"})
        assert fetch(client, "put", url, n=100_000)["errors"] == []
        assert s3.get_object(Bucket="bucket", Key="up.bin")["Body"].read() == content(100_000)
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "none"})
        assert error(fetch(client, "get", url)).startswith("missing: ")
    finally:
        server.stop()


# Memory


# One buffer is all that a transfer takes besides its code, however long the file is.
@pytest.mark.parametrize("kind", ["http", "chunked", "ftp"])
def test_memory_does_not_grow(client, tmp_path, kind):
    class Sized(peers.Files):
        def get_short(self):
            self.data = content(20_000)
            self.get_chunked() if kind == "chunked" else self.get_plain()

        def get_long(self):
            self.data = content(1 << 20)
            self.get_chunked() if kind == "chunked" else self.get_plain()

    (tmp_path / "short").write_bytes(content(20_000))
    (tmp_path / "long").write_bytes(content(1 << 20))
    with peers.web(Sized) as server, peers.ftp(tmp_path) as port:
        base = f"ftp://{LOGIN}127.0.0.1:{port}" if kind == "ftp" else server.url
        for job in ("get", "put"):
            a = fetch(client, job, base + "/short", n=20_000, heap=40 * 1024)
            b = fetch(client, job, base + "/long", n=1 << 20, heap=40 * 1024)
            assert a["errors"] == b["errors"] == []
            assert b["offset"] == 1 << 20
            assert abs(b["live"] - a["live"]) < 400
