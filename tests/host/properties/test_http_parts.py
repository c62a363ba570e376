"""lib/transfer's HTTP and URL parsers with random input: nothing but TransferError, and cuts in the stream mean nothing."""

import base64
import urllib.parse

from httpbody import Body
from httpchunks import Body as Chunks
from httphead import Head
from httprefusal import redirect
from httprequest import form, request
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from transfer import Place, TransferError
from transferparse import parse
from transferurl import decode
from transferwords import clean

KINDS = {"url", "server", "refused", "short"}


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in pieces of these sizes, over and over."""
    out, at, i = [], 0, 0
    while at < len(data):
        out.append(data[at : at + sizes[i % len(sizes)]])
        at += len(out[-1])
        i += 1
    return out


def fields(head: Head) -> tuple:
    return (
        head.complete,
        head.status,
        head.reason,
        head.length,
        head.chunked,
        head.coded,
        head.location,
        head.etag,
        head.modified,
        head.first,
        head.size,
    )


def answer(pieces: list[bytes]) -> tuple:
    """(what the head says, the body, how it ended) of an answer in pieces, then the end."""
    head, body, got = Head(), None, b""
    try:
        for piece in pieces:
            at = 0
            if not head.complete:
                at = head.received(memoryview(piece))
                assert head.complete or at == len(piece)
                if head.complete:
                    body = (Chunks if head.chunked else Body)(head.length)
            while body and at < len(piece) and not body.done:
                skip, n = body.piece(memoryview(piece)[at:])
                assert skip >= 0 and n >= 0 and 0 < skip + n <= len(piece) - at
                got += piece[at + skip : at + skip + n]
                at += skip + n
        if body:
            body.ended()
            assert body.done
    except TransferError as error:
        assert error.kind in KINDS, error
        assert error.text and error.text.isprintable()
        # pieces of the file before what is wrong may come out sooner or later
        return fields(head) if head.complete else None, got, error.kind, error.text
    return fields(head) if head.complete else None, got, "", ""


sizes = st.lists(st.integers(1, 40), min_size=1, max_size=6)
names = st.sampled_from(
    [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Location", b"ETag", b"Last-Modified", b"X-Any"]
    + [b"Content-Range", b"Content-Encoding", b"Connection", b" folded", b"", b"\xff"]
)
values = st.one_of(
    st.sampled_from(
        [b"0", b"5", b"12", b"99999999999", b"-1", b"1_0", b"+5", b"chunked", b"identity", b"gzip", b'"tag"']
    )
    | st.sampled_from(
        [b'W/"tag"', b"bytes 5-9/10", b"bytes */10", b"bytes 5-", b"bytes", b"/x", b"//h/x", b"x" * 3000]
    ),
    st.binary(max_size=20),
)
chunk = st.builds(
    lambda data, extra: b"%x%s\r\n%s\r\n" % (len(data), extra, data),
    st.binary(min_size=1, max_size=30),
    st.sampled_from([b"", b";a=b", b" "]),
)
bodies = st.one_of(
    st.binary(max_size=40),
    st.lists(chunk, max_size=5).map(lambda c: b"".join(c) + b"0\r\nT: 1\r\n\r\n"),
    st.lists(st.sampled_from([b"5", b"\r\n", b"\n", b"\r", b"hello", b"0", b"ffffffff", b";", b"x"]), max_size=12).map(
        b"".join
    ),
)
answers = st.builds(
    lambda status, headers, end, body: status + b"".join(n + b": " + v + b"\r\n" for n, v in headers) + end + body,
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 206 \r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\n",
            b"HTTP/1.1 20\r\n",
            b"",
        ]
    ),
    st.lists(st.tuples(names, values), max_size=4),
    st.sampled_from([b"\r\n", b"\n", b""]),
    bodies,
)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(answers, st.binary(max_size=200)), sizes)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [1])
def test_cuts_in_the_stream_mean_nothing(data, sizes):
    whole = answer([data])
    parts = answer(cut(data, sizes))
    assert parts[0] == whole[0]
    assert parts[2:] == whole[2:]
    assert parts[1] == whole[1]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), sizes)
def test_chunks_are_put_together(chunks, sizes):
    data = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answer(cut(head + data, sizes))[1:3] == (b"".join(chunks), "")
    for n in range(len(data)):  # and each shorter stream is short
        assert answer([head, data[:n]] if n else [head])[2] == "short"


@given(st.binary(max_size=60), st.integers(0, 80))
def test_length_holds(data, length):
    kind = answer([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length, data])[1:3]
    assert kind == (data[:length], "short" if len(data) < length else "")


@given(st.integers(1, 100), st.binary(max_size=30))
def test_nothing_is_kept_without_bound(n, line):
    head = Head()
    try:
        head.received(b"HTTP/1.1 200 OK\r\n")
        for _ in range(20000 // (len(line) + 1)):
            head.received(b"X" + line.replace(b"\n", b"") * n)
            assert len(head._line) <= 2048
    except TransferError:
        pass


# The answer to a GET that goes on: every combination ends in one of four ways, and none mixes two files.
@given(
    status=st.sampled_from([200, 206, 416]),
    offset=st.integers(1, 50),
    first=st.none() | st.integers(0, 60),
    size=st.none() | st.integers(0, 60),
    length=st.none() | st.integers(0, 60),
    known=st.none() | st.integers(1, 60),
    ours=st.sampled_from(["", '"a"', "Mon"]),
    etag=st.sampled_from(["", '"a"', '"b"']),
    modified=st.sampled_from(["", "Mon", "Tue"]),
)
def test_resume(status, offset, first, size, length, known, ours, etag, modified):
    head = Head()
    head.status, head.first, head.size, head.length, head.etag, head.modified = (
        status,
        first,
        size,
        length,
        etag,
        modified,
    )
    try:
        skip, changed = head.resume(Place(offset, ours, known))
    except TransferError as error:
        assert error.kind == "server"
        assert status == 206 and (first is None or first > offset)
        return
    theirs = etag if ours[:1] == '"' else modified
    if ours and theirs and theirs != ours:
        assert changed
    if not changed and status == 416:
        assert size == offset
    elif not changed:
        assert (first if status == 206 else 0) + skip == offset


plain = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#@:%[]"), min_size=1, max_size=12
)


@given(st.text(max_size=60) | st.text("htps:/@[]%?#.\r\n\0 aé0", max_size=40).map(lambda t: "http://h" + t))
def test_any_text_as_url(text):
    try:
        url = parse(text)
    except TransferError as error:
        assert error.kind == "url"
        return
    head = request("GET", url)
    lines = head.decode("ascii").split("\r\n")
    assert lines[0].count(" ") == 2
    assert head.endswith(b"\r\n\r\n") and lines.count("") == 2


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=30))
def test_credentials_and_path_come_back(user, password, path):
    quoted = [urllib.parse.quote_from_bytes(b, safe="") for b in (user, password, path)]
    text = "ftp://{}:{}@h/{}".format(*quoted)
    bad = any(c in user + password + path for c in b"\r\n\0")
    try:
        url = parse(text)
    except TransferError:
        assert bad
        return
    assert not bad
    assert (url.user, url.password) == (user, password)
    if b";type=" not in path:
        assert url.file() == path
    text = "http://{}:{}@h/".format(*quoted)
    line = next(s for s in request("GET", parse(text)).split(b"\r\n") if s.startswith(b"Authorization: Basic "))
    assert base64.b64decode(line[21:]) == user + b":" + password


@given(st.text(max_size=30))
def test_decode_as_python_does(text):
    assert decode(text) == urllib.parse.unquote_to_bytes(text)


@given(
    st.sampled_from(["http://h/a/b/c?q", "http://h", "http://h:81/", "https://h/a/", "http://u:p@h/a"]),
    st.sampled_from(
        [
            "x",
            "/x",
            "../x",
            "./",
            "..",
            "?y",
            "//g/x",
            "x/../y?../z",
            "",
            "https://g:82/",
            "a/./b",
            "#f",
            "../../../x/..",
        ]
    )
    | st.text("./?abc", max_size=10),
)
def test_redirects_as_python_has_them(base, location):
    assume("//" not in location.replace("https://", ""))  # empty segments: Python drops some
    got = redirect(base, location.encode())
    expected = urllib.parse.urlsplit(urllib.parse.urljoin(base, location))
    result = parse(got)
    assert (result.scheme, result.host) == (expected.scheme, expected.hostname)
    assert result.path.partition("?")[0] == (expected.path or "/")
    if not location.endswith("?"):
        assert result.path.partition("?")[2] == expected.query


@given(plain, plain, st.sampled_from(["http", "https"]), st.sampled_from(["", ":80", ":443", ":8080"]), plain)
def test_no_credentials_go_to_another_server(user, password, scheme, port, host):
    host = "".join(c for c in host if c.isalnum()) or "x"
    try:
        new = parse(redirect(f"https://{user}:{password}@h/a", f"{scheme}://{host}{port}/b".encode()))
    except TransferError as error:
        assert error.kind in ("refused", "server")
        assert password not in error.text or len(password) < 4
        return
    same = (new.scheme, new.host, new.port) == ("https", "h", 443)
    assert (new.password is not None) == same
    assert new.scheme == "https"


@given(st.binary(max_size=200), st.lists(st.text(min_size=1, max_size=5), max_size=3))
def test_words_for_errors(words, secrets):
    text = clean(words, secrets)
    assert len(text) <= 80 and text.isprintable()
    assert not any(s in text for s in secrets)


@given(st.text(max_size=10), st.text(max_size=20))
def test_form_has_no_second_header(field, name):
    try:
        _, before, _ = form(field, name)
    except TransferError:
        return
    assert before.count(b"\r\n") == 4
    assert before.count(b'"') == 4
