# DER is read strictly: one form for each value, and a typed error for everything else.
import der

CASES_GOOD = [
    ("0203010001", "integer", 65537),
    ("020100", "integer", 0),
    ("02020080", "integer", 128),
    ("02810180", "integer", None),  # 1 byte in the long form
    ("0101ff", "boolean", True),
    ("020101", "boolean", False),  # absent: DEFAULT FALSE
    ("06032a0304", "oid", b"\x2a\x03\x04"),
    ("0302078f", "bits", None),
    ("03020780", "bits", (3, 4, 7)),
]

BAD = """
    - 30 3080 300100 3081 308100 30810100 3082 308200 30820080 3084000000ff 1f0100 02 0200 0201
    02020001 0202ffff 020200 0282000101 0201ff
    0101 010100 010101 010200ff
    06 0600 0602 06028001 060181 06032a8003
    03 0300 030108 03010f 030101 030201ff 030207c0
""".split()


def read(hexed, method):
    reader = der.Reader(bytes.fromhex(hexed) if hexed != "-" else b"")
    return getattr(reader, method)()


def error(call, *args):
    try:
        call(*args)
    except der.DerError:
        return True
    return False


def test_good(hexed, method, value):
    if value is None:
        assert error(read, hexed, method)
    else:
        assert read(hexed, method) == value


def test_bad():
    for hexed in BAD:
        for method in ("integer", "oid", "bits"):
            assert error(read, hexed, method), (hexed, method)
    for hexed in ("0101", "010100", "010101", "010200ff"):
        assert error(read, hexed, "boolean"), hexed
    for hexed in "- 30 3080 3001 3101 3081 308100 30810100 3082 308200 30820080 3084000000ff".split():
        assert error(der.Reader(bytes.fromhex(hexed) if hexed != "-" else b"").enter, der.SEQUENCE), hexed


def test_long_lengths():
    for size, head in ((127, "307f"), (128, "308180"), (255, "3081ff"), (256, "30820100"), (5000, "30821388")):
        reader = der.Reader(bytes.fromhex(head) + bytes(size))
        assert reader.span(der.SEQUENCE) == (len(head) // 2, len(head) // 2 + size)
        reader.end()


def test_depth_is_bounded():
    data = b""
    for _ in range(40):
        data = b"\x30" + bytes((len(data),)) + data
    reader = der.Reader(data)
    depth = 0
    try:
        while True:
            reader = reader.enter(der.SEQUENCE)
            depth += 1
    except der.DerError:
        pass
    assert depth == 10


def test_an_element_ends_with_the_one_around_it():
    # an inner length that reaches beyond the outer one
    reader = der.Reader(bytes.fromhex("3003020201" + "00")).enter(der.SEQUENCE)
    assert error(reader.integer)


def test_left_over():
    reader = der.Reader(bytes.fromhex("020101020102"))
    assert reader.integer() == 1
    assert error(reader.end)
    assert reader.integer() == 2
    reader.end()
    assert reader.tag() == 0
    assert error(reader.span, 0)
