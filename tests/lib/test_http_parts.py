# Answers as byte traces, whole and a byte at a time, in MicroPython's own idea of bytes and numbers.
from httpbody import Body
from httpchunks import Body as Chunks
from httphead import Head
from httprequest import form, request
from transfer import Place, TransferError
from httprefusal import redirect
from transferparse import parse
from transferurl import decode

CASES_ANSWER = [
    ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    ("length and more", b"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello more", b"hello"),
    ("bare line feeds", b"HTTP/1.0 200\nContent-Length:  5 \n\nhello", b"hello"),
    ("to the end", b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
    ("empty", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ("continue", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n", b"hello"),
    ("hex", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", b"0123456789"),
    ("long header", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000 + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ("folded header", b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 9\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ("short", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "short"),
    ("short chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "short"),
    ("no trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: 1\r\n", "short"),
    ("no HTTP", b"SSH-2.0-OpenSSH\r\n", "server"),
    ("bad status", b"HTTP/1.1 2x0 OK\r\n\r\n", "server"),
    ("upgrade", b"HTTP/1.1 101 Switching\r\n\r\n", "server"),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "server"),
    ("bad length", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "server"),
    ("huge length", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", "server"),
    ("gzip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "server"),
    ("bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "server"),
    ("long chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", "server"),
    ("huge chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "server"),
    ("many headers", b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 4000, "server"),
]


def test_answer(name, trace, expected):
    for step in (1, 7, len(trace)):
        assert _read(trace, step) == expected


def _read(trace, step):
    head = Head()
    body = None
    got = b""
    try:
        for i in range(0, len(trace), step):
            data = memoryview(trace)[i : i + step]
            at = 0
            if not body:
                at = head.received(data)
                if not head.complete:
                    continue
                body = (Chunks if head.chunked else Body)(head.length)
            while at < len(data) and not body.done:
                skip, n = body.piece(data[at:])
                got += bytes(data[at + skip : at + skip + n])
                at += skip + n
        body.ended()
    except TransferError as e:
        return e.kind
    return got


def test_fields():
    head = Head()
    head.received(
        b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10\r\nETag: "a"\r\nLast-Modified: Mon\r\nLocation: /x\r\n\r\n'
    )
    assert (head.status, head.reason, head.first, head.size) == (206, b"Partial", 5, 10)
    assert (head.etag, head.modified, head.location) == ('"a"', "Mon", b"/x")
    head = Head()
    head.received(b'HTTP/1.1 200 OK\r\nETag: W/"a"\r\nContent-Encoding: gzip\r\n\r\n')
    assert head.etag == "" and head.coded


# (status, offset, mark and size known; first and size in the answer, its mark) -> (to pass over, changed)
CASES_RESUME = [
    ((206, 5, '"a"', 10, 5, 10, '"a"'), (0, False)),
    ((206, 5, '"a"', 10, 0, 10, '"a"'), (5, False)),
    ((206, 5, '"a"', 10, 5, 10, '"b"'), (0, True)),
    ((206, 5, "", 10, 5, 11, ""), (0, True)),
    ((206, 5, "", None, 5, 10, '"b"'), (0, False)),
    ((206, 5, "", None, 6, 10, ""), "server"),
    ((206, 5, "", None, None, 10, ""), "server"),
    ((200, 5, '"a"', 10, None, 10, '"a"'), (5, False)),
    ((200, 5, '"a"', 10, None, 10, '"b"'), (5, True)),
    ((200, 5, "", None, None, 3, ""), (5, True)),
    ((200, 0, "", None, None, 3, ""), (0, False)),
    ((416, 5, "", None, None, 5, ""), (0, False)),
    ((416, 5, "", None, None, 4, ""), (0, True)),
    ((416, 5, "", None, None, None, ""), (0, True)),
]


def test_resume(case, expected):
    head = Head()
    head.status, offset, mark, size, head.first, total, head.etag = case
    if head.status == 200:
        head.length = total
    else:
        head.size = total
    try:
        got = head.resume(Place(offset, mark, size))
    except TransferError as e:
        got = e.kind
    assert got == expected


CASES_URL = [
    ("http://h", ("http", "", "h", 80, None, None, "/")),
    ("HTTP://Example.org:8080?a=b#c", ("http", "", "Example.org", 8080, None, None, "/?a=b")),
    ("https://[2001:db8::1]:1/a b/ü", ("https", "i", "2001:db8::1", 1, None, None, "/a%20b/%C3%BC")),
    ("http://u%3a:p%2F@x@h/", ("http", "", "h", 80, b"u:", b"p/@x", "/")),
    ("ftp://u@h/a", ("ftp", "", "h", 21, b"u", None, "/a")),
    ("ftps://h/a", ("ftps", "e", "h", 21, None, None, "/a")),
    ("ftps://h:990/a", ("ftps", "i", "h", 990, None, None, "/a")),
    ("ftpes://h:990/a", ("ftpes", "e", "h", 990, None, None, "/a")),
    ("ftpis://h/a", ("ftpis", "i", "h", 990, None, None, "/a")),
]


def test_url(text, expected):
    url = parse(text)
    assert (url.scheme, url.tls, url.host, url.port, url.user, url.password, url.path) == expected


CASES_BAD_URL = ["", "h", "http:/h", "ws://h", "http://", "http://:1", "http://h:0", "http://h:65536", "http://h:x"]
CASES_BAD_URL += ["http://h\r\n/", "http://h /", "http://[::1", "http://[h]/", "http://h/\r\nX: y", "ftp://h/%0d%0aDELE"]


def test_bad_url(text):
    try:
        parse(text)
    except TransferError as e:
        assert e.kind == "url"
        return
    assert False


def test_signed_url():
    # 512 characters, as long as OCPP lets a location be
    text = "https://bucket.s3.eu-central-1.amazonaws.com/f.bin?X-Amz-Signature=" + "0123456789abcdef" * 28
    text = text[:512]
    url = parse(text)
    assert request("GET", url).startswith(b"GET " + text[44:].encode() + b" HTTP/1.1\r\nHost: bucket.s3.")
    assert url.secrets() == [text.partition("=")[2]]


CASES_DECODE = [("a%20b", b"a b"), ("%", b"%"), ("%zz%4", b"%zz%4"), ("%e2%82%AC", b"\xe2\x82\xac"), ("% 1%+1%1_", b"% 1%+1%1_")]


def test_decode(text, expected):
    assert decode(text) == expected


CASES_REDIRECT = [
    ("http://h/a/b?c", b"/d", "http://h/d"),
    ("http://h/a/b?c", b"d?e", "http://h/a/d?e"),
    ("http://h/a/b?c", b"?e", "http://h/a/b?e"),
    ("http://h/a/b", b"../../../d", "http://h/d"),
    ("http://h:81/a", b"//g/d", "http://g/d"),
    ("http://h/a", b"https://g/d?u=http://x/", "https://g/d?u=http://x/"),
    ("http://u:p@h/a", b"/d", "http://u:p@h/d"),
    ("http://u:p@h/a", b"http://h:80/d", "http://u:p@h:80/d"),
    ("http://u:p@h/a", b"http://h:81/d", "http://h:81/d"),
    ("http://u:p@h/a", b"https://h/d", "https://h/d"),
    ("https://h/a", b"http://h/d", "refused"),
    ("http://h/a", b"ftp://h/d", "refused"),
    ("http://h/a", b"http://h:x/", "server"),
    ("http://h/a", b"\xff", "server"),
]


def test_redirect(text, location, expected):
    try:
        got = redirect(text, location)
    except TransferError as e:
        got = e.kind
    assert got == expected


def test_request():
    got = request("PUT", parse("http://u:p@[::1]:81/a?b"), ["Content-Length: 5"]).decode().split("\r\n")
    assert got[:2] == ["PUT /a?b HTTP/1.1", "Host: [::1]:81"]
    assert "Authorization: Basic dTpw" in got and "Content-Length: 5" in got
    assert got[-2:] == ["", ""]
    long = parse("http://" + "u" * 60 + ":" + "p" * 60 + "@h/")
    assert b"\n" not in request("GET", long).replace(b"\r\n", b"")


def test_form():
    line, before, after = form("file", "a.gz")
    edge = line.partition("boundary=")[2].encode()
    assert before.startswith(b"--" + edge + b"\r\n") and after == b"\r\n--" + edge + b"--\r\n"
    for name in ('a"b', "a\r\nb"):
        try:
            form("file", name)
            assert False
        except TransferError:
            pass
