"""lib/wsclient/wsframes.py with any bytes: no other exception than its own, whatever the pieces they come in."""

from itertools import pairwise

import pytest
import wsframes
from hypothesis import example, given, settings
from hypothesis import strategies as st

# Hypothesis's default of 100 examples finds little in bytes.
_MANY = settings(max_examples=600, deadline=None)

_LIMIT = 2000


class Consumer:
    """Takes a large text."""

    limit = 5000

    def __init__(self):
        self.data = b""

    def take(self, piece):
        assert len(piece)
        self.data += piece

    def end(self):
        return self.data.decode()


def decode(data: bytes, cuts: list[int], size: int = 256, choose=None) -> list:
    """Events of `data` cut at the given lengths (the last one repeated), at the end the close code of an error."""
    decoder = wsframes.Decoder(_LIMIT, size, choose)
    out: list = []
    at = 0
    cuts = list(cuts) or [len(data) or 1]
    try:
        while True:
            event = decoder.event()
            if event:
                out.append(event)
                if event[0] == wsframes.CLOSE:
                    return out
                continue
            if at == len(data):
                return out
            space = decoder.space()
            assert len(space) > 0
            n = min(cuts.pop(0) if len(cuts) > 1 else cuts[0], len(space), len(data) - at)
            space[:n] = data[at : at + n]
            del space  # CPython does not let a bytearray grow while someone looks at it
            decoder.received(n)
            at += n
    except wsframes.WebSocketError as error:
        out.append(error.args[0])
        return out


def frame(first: int, payload: bytes) -> bytes:
    n = len(payload)
    if n < 126:
        return bytes((first, n)) + payload
    return bytes((first, 126)) + n.to_bytes(2, "big") + payload


cuts = st.lists(st.integers(1, 400), max_size=20)
pieces = st.one_of(
    st.text(max_size=400).map(str.encode),
    st.binary(max_size=300),
    st.text("aé€𝄞", max_size=600).map(str.encode),
    st.integers(0, 1200).map(lambda n: b"x" * n),
)
# Mostly sensible frames, so that the fuzz gets past the first one.
frames = st.lists(
    st.one_of(
        st.builds(frame, st.sampled_from((0x01, 0x81, 0x00, 0x80, 0x02, 0x82)), pieces),
        st.builds(frame, st.sampled_from((0x89, 0x8A)), st.binary(max_size=125)),
        st.builds(frame, st.sampled_from((0x88, 0x89, 0x09, 0xC1, 0x83)), st.binary(max_size=130)),
        st.binary(max_size=14),
    ),
    max_size=8,
).map(b"".join)


@_MANY
@given(st.one_of(st.binary(max_size=600), frames), cuts, st.sampled_from((256, 300, 1024)))
def test_pieces_make_no_difference(data, sizes, buffer):
    slow = decode(data, [1])
    for some in (decode(data, sizes, buffer), decode(data, [len(data) or 1], 4096)):
        # Only the refusal of text in a frame that never ends may come later: never, if nothing follows.
        assert some == slow or (slow == [*some, 1007])
    for event in slow:
        assert event in (1002, 1007, 1009) or event[0] in (1, 2, 8, 9, 10)


@st.composite
def conversations(draw):
    """(bytes, events): messages in any fragments, with control frames between these."""
    data, events = b"", []
    for _ in range(draw(st.integers(0, 4))):
        text = draw(st.booleans())
        payload = draw(st.text(max_size=400)).encode() if text else draw(st.binary(max_size=1200))
        at = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        bounds = [0, *at, len(payload)]
        for i, (a, b) in enumerate(pairwise(bounds)):
            first = (0 if i else 1 if text else 2) | (0x80 if i == len(bounds) - 2 else 0)
            data += frame(first, payload[a:b])
            if first < 0x80 and draw(st.booleans()):
                control = draw(st.binary(max_size=125))
                kind = draw(st.sampled_from((9, 10)))
                data += frame(0x80 | kind, control)
                events.append((kind, control))
        events.append((1, payload.decode()) if text else (2, payload))
    return data, events


@_MANY
@given(conversations(), cuts)
def test_what_was_sent_comes_out(conversation, sizes):
    data, events = conversation
    assert decode(data, sizes) == events
    assert decode(data, [1]) == events


@st.composite
def large_texts(draw):
    """(bytes, text): one whose first frame is large, or one of many, in any fragments, with pings between these."""
    text = draw(st.text("a\u00e9\u20ac\U0001d11e", max_size=9)) * draw(st.integers(1, 120)) + draw(st.text(max_size=99))
    payload = text.encode()
    payload = b"x" * max(0, 1100 - len(payload)) + payload
    bounds = [0, *sorted(draw(st.lists(st.integers(96, len(payload)), max_size=4))), len(payload)]
    data = b""
    for i, (a, b) in enumerate(pairwise(bounds)):
        data += frame((0 if i else 1) | (0x80 if i == len(bounds) - 2 else 0), payload[a:b])
        if i < len(bounds) - 2 and draw(st.booleans()):
            data += frame(0x89, b"ping")
    return data, payload


# A large text goes to a consumer that is chosen by its beginning, whatever it is cut into, or is taken as a whole; what is no
# UTF-8, or larger than either takes, is refused.
@pytest.mark.exhaustive
@_MANY
@given(large_texts(), cuts, st.binary(max_size=3), st.integers(0, 1200), st.sampled_from((256, 1024, 4096)))
def test_large_text(conversation, sizes, wrong, at, buffer):
    data, payload = conversation
    heads = []
    taken = []

    def choose(head):
        heads.append(head)
        taken.append(Consumer())
        return taken[-1]

    ping = (wsframes.PING, b"ping")
    events = [event for event in decode(data, sizes, buffer, choose) if event != ping]
    assert heads == [payload[:96]] and all(len(head) == 96 for head in heads)
    if len(payload) > Consumer.limit:
        assert events == [1009]
    else:
        assert events == [(wsframes.TEXT, payload.decode())] and taken[0].data == payload
    whole = [event for event in decode(data, sizes, buffer, lambda head: None) if event != ping]
    assert whole == ([(wsframes.TEXT, payload.decode())] if len(payload) <= _LIMIT else [1009])
    broken = payload[: at % len(payload)] + wrong + payload[at % len(payload) :]
    if len(broken) <= Consumer.limit:
        events = decode(frame(0x81, broken), sizes, buffer, choose)
        assert events == ([1007] if strictly(broken) is None else [(wsframes.TEXT, strictly(broken))])
    # The next message is as good as the first.
    assert decode(data + frame(0x81, b"x"), sizes, buffer, choose)[-1] in ((wsframes.TEXT, "x"), 1009)


def strictly(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


near_utf8 = st.one_of(
    st.binary(max_size=12),
    st.lists(
        st.sampled_from("80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 f8 ff 00 41 7f".split()).map(
            bytes.fromhex
        ),
        max_size=10,
    ).map(b"".join),
    st.text(max_size=300).map(str.encode),
)


@_MANY
@given(st.lists(near_utf8, max_size=3).map(b"".join), st.integers(0, 600), cuts)
@example(b"\xed\xa0\x80", 0, [1])
def test_our_check_of_utf8_agrees_with_cpython(data, ahead, sizes):
    # _check itself: on a message that is wholly there CPython's decoder would refuse before it.
    data = b"x" * ahead + data
    state = at = 0
    try:
        for n in [*sizes, len(data)]:
            state = wsframes.check(memoryview(data)[at : at + n], state)
            at += n
        good = state == 0
    except wsframes.WebSocketError as error:
        assert error.args[0] == 1007
        good = False
    assert good == (strictly(data) is not None)


@pytest.mark.exhaustive
@pytest.mark.parametrize("ahead", [b"", b"x" * 300])
def test_our_check_of_utf8_on_every_pair_and_more(ahead):
    def good(data: bytes) -> bool:
        try:
            return wsframes.check(memoryview(ahead + data), 0) == 0
        except wsframes.WebSocketError:
            return False

    edges = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    for a in range(256):
        for b in range(256):
            assert good(bytes((a, b))) == (strictly(bytes((a, b))) is not None)
            if a >= 0xE0 and b in edges:
                for c in edges:
                    assert good(bytes((a, b, c))) == (strictly(bytes((a, b, c))) is not None)
                    for d in edges:
                        assert good(bytes((a, b, c, d))) == (strictly(bytes((a, b, c, d))) is not None)


@_MANY
@given(st.one_of(st.binary(max_size=3000), st.integers(500, 70000).map(bytes)), st.integers(1, 10))
def test_frames_of_ours_unmask_to_what_was_sent(payload, kind):
    data = bytes(wsframes.encode(kind, payload))
    assert data[0] == 0x80 | kind
    n, at = data[1] & 127, 2
    assert data[1] & 128
    if n == 126:
        n, at = int.from_bytes(data[2:4], "big"), 4
        assert n > 125
    elif n == 127:
        n, at = int.from_bytes(data[2:10], "big"), 10
        assert n > 65535
    mask = data[at : at + 4]
    assert n == len(payload)
    assert bytes(x ^ mask[i & 3] for i, x in enumerate(data[at + 4 :])) == payload


@given(st.integers(1000, 4999).filter(lambda code: code != 1005), st.text(max_size=200))
def test_close_frames_are_short_and_utf8(code, reason):
    data = bytes(wsframes.encode_close(code, reason))
    n = data[1] & 127
    assert 2 <= n <= 125
    mask = data[2:6]
    payload = bytes(x ^ mask[i & 3] for i, x in enumerate(data[6:]))
    assert payload[:2] == code.to_bytes(2, "big")
    assert reason.startswith(payload[2:].decode())
