# Replies as byte traces, a byte at a time, and what they mean.
from ftprefusal import refusal
from ftpabout import size
from ftpdata import extended_port, passive_port
from ftpreply import Replies
from transfer import TransferError

CASES_REPLIES = [
    ("one", b"220 hi\r\n", [(220, b"hi")]),
    ("without text", b"220\r\n", [(220, b"")]),
    ("bare line feed", b"220 hi\n", [(220, b"hi")]),
    ("two", b"150 a\r\n226 b\r\n", [(150, b"a"), (226, b"b")]),
    ("lines", b"220-a\r\n 220 b\r\n221 c\r\n220-d\r\n220 e\r\n", [(220, b"e")]),
    ("not yet", b"220-a\r\n220", []),
    ("no FTP", b"HTTP/1.1 200\r\n", "server"),
    ("no code", b"22 x\r\n", "server"),
    ("long line", b"220 " + b"x" * 2000, "server"),
    ("endless", b"220-x\r\n" * 3000, "server"),
]


def test_replies(name, trace, expected):
    replies = Replies()
    got = []
    try:
        for i in range(len(trace)):
            replies.received(trace[i : i + 1])
            reply = replies.reply()
            if reply:
                got.append(reply)
    except TransferError as e:
        got = e.kind
    assert got == expected


CASES_PORT = [
    (b"Entering Extended Passive Mode (|||6446|)", extended_port, 6446),
    (b"(!!!6446!)", extended_port, 6446),
    (b"(|||0|)", extended_port, None),
    (b"(|||65536|)", extended_port, None),
    (b"(||h|1|)", extended_port, None),
    (b"", extended_port, None),
    (b"Entering Passive Mode (192,168,1,2,19,137).", passive_port, 5001),
    (b"= 127,0,0,1,4,1", passive_port, 1025),
    (b"(1,2,3,4,256,1)", passive_port, None),
    (b"(1,2,3,4,5)", passive_port, None),
    (b"(1,2,3,4,0,0)", passive_port, None),
]


def test_port(text, parse, port):
    try:
        got = parse(text)
    except TransferError:
        got = None
    assert got == port


CASES_SIZE = [(b"1234", 1234), (b" 0 ", 0), (b"-1", None), (b"x", None), (b"99999999999", None), (b"1_0", None)]


def test_size(text, expected):
    assert size(text) == expected


class Wire:
    where = "h:21"
    secrets = ("pass1",)


CASES_REFUSAL = [
    ((530, b"Login incorrect", "PASS", ""), "auth", "h:21 answers PASS with 530 Login incorrect"),
    ((530, b"no pass1", "PASS", ""), "auth", "h:21 answers PASS with 530"),
    ((550, b"none", "RETR", ""), "missing", None),
    ((550, b"none", "STOR", ""), "refused", None),
    ((452, b"full", "STOR", ""), "full", None),
    ((552, b"full", "STOR", ""), "full", None),
    ((451, b"later", "RETR", ""), "server", None),
    ((502, b"what", "AUTH", ""), "tls", None),
    ((522, b"SSL connection failed; session reuse required", "RETR", "e"), "tls", None),
    ((425, b"TLS session of data connection not resumed.", "STOR", "i"), "tls", None),
    ((425, b"Can't open data connection.", "STOR", "i"), "server", None),
]


def test_refusal(arguments, kind, text):
    error = refusal(Wire, *arguments)
    assert error.kind == kind
    assert text is None or error.text == text
