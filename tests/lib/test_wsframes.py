# RFC 6455 as byte traces: what a server sends, what comes out, and the code a broken rule is closed with.
# room: 4M
# heap: 2M
# (messages of 64 KB and more, of which a chip never takes one)
import gc

from wsframes import BINARY, CLOSE, PING, PONG, TEXT, Decoder, WebSocketError, encode, encode_close

_MAX = 70000


def outcome(data, step, limit=_MAX, size=1024):
    """Events of `data` that arrives in pieces of `step` bytes, then the code of the error if there is one."""
    decoder = Decoder(limit, size)
    out = []
    at = 0
    try:
        while True:
            event = decoder.event()
            if event:
                out.append(event)
                if event[0] == CLOSE:
                    return out
                continue
            if at == len(data):
                return out
            space = decoder.space()
            n = min(step, len(space), len(data) - at)
            space[:n] = data[at : at + n]
            del space  # CPython does not let a bytearray grow while someone looks at it
            decoder.received(n)
            at += n
    except WebSocketError as e:
        out.append(e.args[0])
        return out


def head(first, n):
    """A frame's head of a server, with the length in as few bytes as it takes."""
    if n < 126:
        return bytes((first, n))
    if n < 65536:
        return bytes((first, 126, n >> 8, n & 255))
    return bytes((first, 127)) + n.to_bytes(8, "big")


def frame(first, payload):
    return head(first, len(payload)) + payload


def close(code, reason=b""):
    return frame(0x88, code.to_bytes(2, "big") + reason)


_BIG = b"0123456789abcdef" * 4100  # 65,600 bytes
_EURO = "\u20ac".encode()
_TREBLE = "\U0001d11e".encode()

# (name, bytes, events and at the end perhaps the close code of the rule that is broken)
CASES = [
    # 5.2 and 5.6: data frames
    ("text", b"\x81\x05Hello", [(TEXT, "Hello")]),
    ("empty text", b"\x81\x00", [(TEXT, "")]),
    ("binary", b"\x82\x03\x00\xff\x80", [(BINARY, b"\x00\xff\x80")]),
    ("empty binary", b"\x82\x00", [(BINARY, b"")]),
    ("two in one read", b"\x81\x01a\x81\x01b", [(TEXT, "a"), (TEXT, "b")]),
    ("125 bytes", frame(0x81, _BIG[:125]), [(TEXT, _BIG[:125].decode())]),
    ("126 bytes", frame(0x81, _BIG[:126]), [(TEXT, _BIG[:126].decode())]),
    ("65535 bytes", frame(0x82, _BIG[:65535]), [(BINARY, _BIG[:65535])]),
    ("65536 bytes", frame(0x81, _BIG[:65536]), [(TEXT, _BIG[:65536].decode())]),
    ("big, then small", frame(0x81, _BIG[:3000]) + b"\x81\x01x", [(TEXT, _BIG[:3000].decode()), (TEXT, "x")]),
    ("half a frame", b"\x81\x05Hel", []),
    ("half a head", b"\x81", []),
    # 5.4: fragments
    ("fragments", b"\x01\x03Hel\x80\x02lo", [(TEXT, "Hello")]),
    ("three fragments", b"\x01\x01a\x00\x01b\x80\x01c", [(TEXT, "abc")]),
    ("binary fragments", b"\x02\x01\xff\x80\x01\xfe", [(BINARY, b"\xff\xfe")]),
    ("empty fragments", b"\x01\x00\x00\x00\x80\x00", [(TEXT, "")]),
    ("empty first fragment", b"\x01\x00\x80\x01a", [(TEXT, "a")]),
    ("empty last fragment", b"\x01\x01a\x80\x00", [(TEXT, "a")]),
    ("big fragments", frame(0x01, _BIG[:5000]) + frame(0x80, _BIG[5000:9000]), [(TEXT, _BIG[:9000].decode())]),
    (
        "message after fragments",
        b"\x01\x01a\x80\x01b\x81\x01c\x01\x01d\x80\x01e",
        [(TEXT, "ab"), (TEXT, "c"), (TEXT, "de")],
    ),
    # 5.5: control frames, also between fragments
    ("ping", b"\x89\x02hi", [(PING, b"hi")]),
    ("empty ping", b"\x89\x00", [(PING, b"")]),
    ("pong nobody asked for", b"\x8a\x02hi", [(PONG, b"hi")]),
    ("ping of 125", frame(0x89, bytes(125)), [(PING, bytes(125))]),
    (
        "ping and pong between fragments",
        b"\x01\x03Hel\x89\x01p\x8a\x01q\x80\x02lo",
        [(PING, b"p"), (PONG, b"q"), (TEXT, "Hello")],
    ),
    ("close", close(1000, b"bye"), [(CLOSE, (1000, "bye"))]),
    ("close without code", b"\x88\x00", [(CLOSE, (1005, ""))]),
    ("close between fragments", b"\x01\x01a" + close(1001), [(CLOSE, (1001, ""))]),
    ("reason of 123", close(1000, _BIG[:123]), [(CLOSE, (1000, _BIG[:123].decode()))]),
    ("nothing counts after close", close(1000) + b"\xff\xff\xff", [(CLOSE, (1000, ""))]),
    # 5.2: reserved bits and opcodes, 5.1: the mask
    ("RSV1", b"\xc1\x01a", [1002]),
    ("RSV2", b"\xa1\x01a", [1002]),
    ("RSV3", b"\x91\x01a", [1002]),
    ("RSV1 on a ping", b"\xc9\x00", [1002]),
    ("RSV1 on a continuation", b"\x01\x01a\xc0\x01b", [1002]),
    ("after a good one", b"\x81\x01a\xf1\x00", [(TEXT, "a"), 1002]),
    ("opcode 3", b"\x83\x00", [1002]),
    ("opcode 7", b"\x87\x00", [1002]),
    ("opcode 11", b"\x8b\x00", [1002]),
    ("opcode 15", b"\x8f\x00", [1002]),
    ("opcode 3 between fragments", b"\x01\x01a\x83\x00", [1002]),
    ("masked text", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", [1002]),
    ("masked ping", b"\x89\x80\x00\x00\x00\x00", [1002]),
    ("masked and empty", b"\x81\x80", [1002]),
    # 5.4: order of fragments
    ("continuation of nothing", b"\x80\x01a", [1002]),
    ("open continuation of nothing", b"\x00\x01a", [1002]),
    ("continuation after the end", b"\x01\x01a\x80\x01b\x80\x01c", [(TEXT, "ab"), 1002]),
    ("text within text", b"\x01\x01a\x81\x01b", [1002]),
    ("binary within text", b"\x01\x01a\x02\x01b", [1002]),
    ("text after an empty fragment", b"\x01\x00\x81\x01b", [1002]),
    # 5.5: control frames are whole and short
    ("fragmented ping", b"\x09\x01a", [1002]),
    ("fragmented pong", b"\x0a\x00", [1002]),
    ("fragmented close", b"\x08\x00", [1002]),
    ("ping of 126", b"\x89\x7e\x00\x7e", [1002]),
    ("ping of 64 bits", b"\x89\x7f\x00\x00", [1002]),
    ("close of 126", b"\x88\x7e", [1002]),
    # 5.2: minimal lengths
    ("0 in 16 bits", b"\x81\x7e\x00\x00", [1002]),
    ("125 in 16 bits", b"\x81\x7e\x00\x7d", [1002]),
    ("0 in 64 bits", b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x00", [1002]),
    ("125 in 64 bits", b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x7d", [1002]),
    ("65535 in 64 bits", b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", [1002]),
    ("high bit", b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", [1002]),
    ("all bits", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", [1002]),
    # too much
    ("limit met", frame(0x82, _BIG[:100] * 700), [(BINARY, _BIG[:100] * 700)]),
    ("limit passed", head(0x82, _MAX + 1), [1009]),
    ("63 bits", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", [1009]),
    ("32 bits", b"\x81\x7f\x00\x00\x00\x00\xff\xff\xff\xff", [1009]),
    ("limit passed by fragments", frame(0x02, bytes(60000)) + head(0x80, 10001), [1009]),
    ("limit met by fragments", frame(0x02, bytes(60000)) + frame(0x80, bytes(10000)), [(BINARY, bytes(70000))]),
    ("a new limit for each message", frame(0x82, bytes(40000)) * 2, [(BINARY, bytes(40000))] * 2),
    (
        "a new limit after fragments",
        (frame(0x02, bytes(30000)) + frame(0x80, bytes(10000))) * 2,
        [(BINARY, bytes(40000))] * 2,
    ),
    # 7.4: close codes
    ("close with one byte", b"\x88\x01\x03", [1002]),
    ("reason that is not UTF-8", close(1000, b"\xff"), [1007]),
    ("reason cut in a character", close(1000, _EURO[:2]), [1007]),
    ("reason with a surrogate", close(1000, b"\xed\xa0\x80"), [1007]),
    # 8.1: UTF-8
    ("two, three, four bytes", frame(0x81, b"\xc3\xa9" + _EURO + _TREBLE), [(TEXT, "\xe9\u20ac\U0001d11e")]),
    ("first and last of each length",
        frame(0x81, b"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        [(TEXT, "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff")]),
    ("around the surrogates", frame(0x81, b"\xed\x9f\xbf\xee\x80\x80"), [(TEXT, "\ud7ff\ue000")]),
    ("NUL", b"\x81\x03a\x00b", [(TEXT, "a\x00b")]),
    ("lone continuation byte", frame(0x81, b"a\x80"), [1007]),
    ("cut character", frame(0x81, b"a\xe2\x82"), [1007]),
    ("cut by ASCII", frame(0x81, b"\xe2\x82a"), [1007]),
    ("cut by a new one", frame(0x81, b"\xe2\xe2\x82\xac"), [1007]),
    ("overlong of two", frame(0x81, b"\xc0\xaf"), [1007]),
    ("overlong of two, C1", frame(0x81, b"\xc1\xbf"), [1007]),
    ("overlong of three", frame(0x81, b"\xe0\x80\xaf"), [1007]),
    ("overlong of three, last", frame(0x81, b"\xe0\x9f\xbf"), [1007]),
    ("overlong of four", frame(0x81, b"\xf0\x80\x80\xaf"), [1007]),
    ("overlong of four, last", frame(0x81, b"\xf0\x8f\xbf\xbf"), [1007]),
    ("high surrogate", frame(0x81, b"\xed\xa0\x80"), [1007]),
    ("low surrogate", frame(0x81, b"\xed\xbf\xbf"), [1007]),
    ("pair of surrogates", frame(0x81, b"\xed\xa0\x80\xed\xb0\x80"), [1007]),
    ("past U+10FFFF", frame(0x81, b"\xf4\x90\x80\x80"), [1007]),
    ("F5", frame(0x81, b"\xf5\x80\x80\x80"), [1007]),
    ("five bytes", frame(0x81, b"\xf8\x88\x80\x80\x80"), [1007]),
    ("FE", frame(0x81, b"\xfe"), [1007]),
    ("FF", frame(0x81, b"\xff"), [1007]),
    ("bad after long ASCII", frame(0x81, _BIG[:3000] + b"\xff"), [1007]),
    ("bad in the middle", frame(0x81, _BIG[:3000] + b"\xed\xa0\x80" + _BIG[:3000]), [1007]),
    ("good in the middle", frame(0x81, _BIG[:3001] + _EURO + _BIG[:3000]),
        [(TEXT, _BIG[:3001].decode() + "\u20ac" + _BIG[:3000].decode())]),
    ("nothing but euros", frame(0x81, _EURO * 1000), [(TEXT, "\u20ac" * 1000)]),
    ("binary is not text", frame(0x82, b"\xff\xed\xa0\x80"), [(BINARY, b"\xff\xed\xa0\x80")]),
    ("character over fragments", b"\x01\x01\xe2\x00\x01\x82\x80\x01\xac", [(TEXT, "\u20ac")]),
    ("character over an empty fragment", b"\x01\x01\xe2\x00\x00\x80\x02\x82\xac", [(TEXT, "\u20ac")]),
    ("character over a ping", b"\x01\x02\xe2\x82\x89\x00\x80\x01\xac", [(PING, b""), (TEXT, "\u20ac")]),
    ("bad over fragments", b"\x01\x01\xed\x00\x01\xa0\x80\x01\x80", [1007]),
    ("overlong over fragments", b"\x01\x01\xe0\x80\x02\x80\xaf", [1007]),
    ("cut at the end of fragments", b"\x01\x01a\x80\x02\xe2\x82", [1007]),
    ("cut, then an empty last fragment", b"\x01\x02\xe2\x82\x80\x00", [1007]),
    ("next message starts afresh", b"\x01\x01\xe2\x80\x02\x82\xac\x81\x01a\x01\x01b\x80\x01c",
        [(TEXT, "\u20ac"), (TEXT, "a"), (TEXT, "bc")]),
    ("next message is checked afresh", b"\x01\x04abcd\x80\x01e\x01\x03\xed\xa0\x80\x80\x02fg", [(TEXT, "abcde"), 1007]),
]  # fmt: skip

CASES_CLOSE_CODE = [
    (0, False), (1, False), (999, False), (1000, True), (1001, True), (1002, True), (1003, True), (1004, False),
    (1005, False), (1006, False), (1007, True), (1008, True), (1009, True), (1010, True), (1011, True), (1012, True),
    (1013, True), (1014, True), (1015, False), (1016, False), (1100, False), (2000, False), (2999, False),
    (3000, True), (3999, True), (4000, True), (4999, True), (5000, False), (65535, False),
]  # fmt: skip

# Fail fast: refused as soon as the last of these bytes is there, although the frame or message goes on.
CASES_AT_ONCE = [
    ("bad byte in a frame", b"\x81\x7e\x10\x00" + b"a" * 20 + b"\xff"),
    ("surrogate at its second byte", b"\x81\x20\xed\xa0"),
    ("overlong at its second byte", b"\x81\x20\xe0\x80"),
    ("past U+10FFFF at its second byte", b"\x81\x20\xf4\x90"),
    ("bad byte in a fragment", b"\x01\x02a\xff"),
    ("bad byte in a large fragment", head(0x01, 300) + b"a" * 299 + b"\xff"),
    ("over the boundary", b"\x01\x01\xf0\x80\x10\x80"),
]


# req: J-WS-01, J-FMT-03
def test_trace(name, data, expected):
    assert outcome(data, len(data)) == expected
    assert outcome(data, 1 if len(data) < 5000 else 700) == expected
    for step in (2, 3, 125, 1021):
        if len(data) < 100 * step:
            assert outcome(data, step) == expected
    assert outcome(data, len(data), size=256) == expected


def test_close_code(code, good):
    assert outcome(close(code), 99) == ([(CLOSE, (code, ""))] if good else [1002])


def test_at_once(name, data):
    assert outcome(data[:-1], 1) == []
    assert outcome(data, 1) == [1007]
    assert outcome(data, 1000) == [1007]


# req: J-WS-04
def test_absurd_length_takes_no_memory():
    decoder = Decoder(10000)
    for data in (b"\x81\x7e\x27\x11", b"\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff"):
        decoder = Decoder(10000)
        decoder.space()[: len(data)] = data
        decoder.received(len(data))
        gc.collect()
        before = gc.mem_alloc()
        try:
            decoder.event()
            assert False
        except WebSocketError as e:
            assert e.args[0] == 1009
            assert "10000" in e.args[1]
        assert gc.mem_alloc() - before < 1500


def test_flood_of_empty_fragments_takes_no_memory():
    decoder = Decoder(10000)

    def put(data):
        decoder.space()[: len(data)] = data
        decoder.received(len(data))
        assert decoder.event() is None

    put(b"\x01\x00")
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(2000):
        put(b"\x00\x00")
    gc.collect()
    assert gc.mem_alloc() - before < 500
    assert decoder.frames == 2001


def test_frames_are_counted():
    decoder = Decoder(1000)
    data = b"\x01\x01a\x89\x00\x80\x01b\x8a\x00"
    decoder.space()[: len(data)] = data
    decoder.received(len(data))
    kinds = []
    event = decoder.event()
    while event:
        kinds.append(event[0])
        event = decoder.event()
    assert kinds == [PING, TEXT, PONG]
    assert decoder.frames == 4


def unmask(data):
    """(first byte, payload) of one client frame; its length is minimal and it is masked."""
    data = bytes(data)
    n = data[1] & 127
    assert data[1] & 128
    at = 2
    if n == 126:
        n = int.from_bytes(data[2:4], "big")
        assert n > 125
        at = 4
    elif n == 127:
        n = int.from_bytes(data[2:10], "big")
        assert n > 65535
        at = 10
    mask = data[at : at + 4]
    at += 4
    assert len(data) == at + n
    return data[0], bytes([data[at + i] ^ mask[i & 3] for i in range(n)])


CASES_ENCODE_LENGTH = [0, 1, 2, 3, 4, 5, 125, 126, 127, 511, 512, 513, 515, 1023, 1024, 1025, 65535, 65536, 65537]


# req: J-WS-01
def test_encode_length(n):
    payload = (_BIG + b"tail")[-n:] if n else b""
    assert unmask(encode(TEXT, payload)) == (0x81, payload)


def test_encode_kinds():
    assert unmask(encode(BINARY, b"\xff\x00"))[0] == 0x82
    assert unmask(encode(PING, b"p")) == (0x89, b"p")
    assert unmask(encode(PONG, b"p")) == (0x8A, b"p")


def test_encode_leading_zeros():
    for n in (1, 4, 100, 600):
        assert unmask(encode(BINARY, bytes(n))) == (0x82, bytes(n))


def test_every_mask_is_fresh():
    masks = set()
    for _ in range(50):
        masks.add(bytes(encode(TEXT, b"a")[2:6]))
    assert len(masks) > 45


def test_encode_close():
    assert unmask(encode_close(1000)) == (0x88, b"\x03\xe8")
    assert unmask(encode_close(1001, "bye")) == (0x88, b"\x03\xe9bye")
    assert unmask(encode_close(1005)) == (0x88, b"")
    assert unmask(encode_close(1002, "x" * 200)) == (0x88, b"\x03\xea" + b"x" * 123)
    assert unmask(encode_close(1002, "\u20ac" * 200)) == (0x88, b"\x03\xea" + "\u20ac".encode() * 41)


def test_encode_takes_little_memory():
    payload = bytes(4096)
    encode(TEXT, payload)
    gc.collect()
    before = gc.mem_alloc()
    made = encode(TEXT, payload)
    gc.collect()
    assert gc.mem_alloc() - before < 4096 + 400
    assert len(made) == 4104
