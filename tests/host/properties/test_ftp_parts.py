"""lib/transfer's FTP parsers with random input: nothing but TransferError, and cuts in the stream mean nothing."""

import ftplib

from ftpabout import size
from ftpdata import extended_port, passive_port
from ftprefusal import refusal
from ftpreply import Replies
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer import TransferError


def replies(pieces: list[bytes]) -> list:
    """All replies of the stream, the last one may be the error."""
    parser, out = Replies(), []
    try:
        for piece in pieces:
            parser.received(memoryview(piece))
            while reply := parser.reply():
                out.append(reply)
            assert len(parser.rest) <= 1024
    except TransferError as error:
        assert error.kind == "server"
        out.append(error.text)
    return out


lines = st.one_of(
    st.sampled_from(
        [b"220 ready", b"220-", b"220-hello", b"220", b" 220 x", b"221 bye", b"2x", b"", b"220-a\r", b"999 x", b"000 x"]
    ),
    st.binary(max_size=12),
)
streams = st.lists(lines, max_size=8).map(lambda parts: b"".join(p + b"\r\n" for p in parts))


@settings(max_examples=1000, deadline=None)
@given(st.one_of(streams, st.binary(max_size=100)), st.integers(1, 9))
def test_cuts_in_the_stream_mean_nothing(data, n):
    pieces = [data[i : i + n] for i in range(0, len(data), n)]
    assert replies(pieces) == replies([data])


@given(st.integers(100, 599), st.lists(st.text("abc 2-0", max_size=8), max_size=5), st.text("abc", max_size=8))
def test_lines_of_one_reply(code, inside, last):
    inside = [t for t in inside if t[:4] != f"{code} " and t != str(code)]
    data = "".join(f"{t}\r\n" for t in [f"{code}-begin", *inside, f"{code} {last}", "226 next"])
    assert replies([data.encode()]) == [(code, last.encode()), (226, b"next")]


def test_no_reply_without_end():
    assert replies([b"220-x\r\n"] * 5000)[-1].startswith("reply over")
    assert replies([b"x" * 100] * 50)[-1].startswith("reply with a line over")


@given(st.lists(st.integers(0, 255), min_size=6, max_size=6), st.sampled_from(["({})", "{}", "= {}.", "x 1,2 ({})"]))
def test_passive_port_as_python_reads_it(numbers, text):
    text = text.format(",".join(map(str, numbers)))
    port = numbers[4] * 256 + numbers[5]
    try:
        got = passive_port(text.encode())
    except TransferError:
        assert port == 0
        return
    assert got == port == ftplib.parse227(f"227 {text}")[1]


@given(st.integers(0, 70000), st.sampled_from("|!#"))
def test_extended_port(port, mark):
    text = f"Entering ({mark * 3}{port}{mark})".encode()
    try:
        assert extended_port(text) == port
    except TransferError:
        assert not 0 < port < 65536


@given(st.binary(max_size=40) | st.text("0123456789,()| ", max_size=30).map(str.encode))
def test_any_text(text):
    for parse in (passive_port, extended_port):
        try:
            assert 0 < parse(text) < 65536
        except TransferError as error:
            assert error.kind == "server"
    n = size(text)
    assert n is None or 0 <= n < 1 << 30


class _Wire:
    where, secrets = "h:21", ("hunter2",)


@given(
    st.integers(100, 599),
    st.binary(max_size=40),
    st.sampled_from(["RETR", "STOR", "PASS", "AUTH"]),
    st.sampled_from(["", "e"]),
)
def test_any_refusal(code, text, doing, tls):
    error = refusal(_Wire, code, text + b" hunter2", doing, tls)
    assert isinstance(error, TransferError)
    assert "hunter2" not in error.text
