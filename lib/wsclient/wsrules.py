"""What RFC 6455 says of the rare: why a frame is refused, text that is not ASCII, Close frames.

Cold: wsframes loads it for one question, and it raises nothing, since it knows no class of wsframes.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_PIECE = const(32)  # text this short, with something in it that is not ASCII, is looked at by byte
_REASON = const(123)  # bytes of a Close frame's reason


def flaw(first, n):
    """The rule that a frame breaks whose first two bytes are these."""
    kind = first & 15
    if first & 0x70:
        return "reserved bit"
    if n > 127:
        return "masked"
    if 2 < kind < 8 or kind > 10:
        return "unknown opcode"
    if kind < 8:  # a message has begun, or has not
        return "no continuation" if kind else "stray fragment"
    return "split control" if first < 128 else "long control"


def flaw_of_close(payload):
    """The rule that the payload of a Close frame breaks, or None."""
    if len(payload) == 1:
        return "half close code"
    code = payload[0] << 8 | payload[1]
    if not (1000 <= code < 1004 or 1006 < code < 1015 or 3000 <= code < 5000):
        return "bad close code"
    return None


def close_payload(code, reason):
    """That of a Close frame, its reason cut to what fits; 1005 stands for no code at all."""
    if code == 1005:
        return b""
    reason = reason[:_REASON]
    while len(reason.encode()) > _REASON:
        reason = reason[:-1]
    return code.to_bytes(2, "big") + reason.encode()


def check(data, state):
    """As wsframes.check, byte by byte where it has to be; -1 if it is not UTF-8."""
    if not state:
        try:
            if len(str(data, "utf-8")) == len(data):
                return 0
        except UnicodeError:
            pass  # nonsense, or a character goes on in what comes next
    half = len(data) >> 1
    if half > _PIECE:
        state = check(data[:half], state)
        return state if state < 0 else check(data[half:], state)
    for c in data:
        if state:
            if not state >> 8 & 255 <= c <= state & 255:
                return -1
            state = 0 if state < 0x20000 else (state & 0x30000) - 0x10000 | 0x80BF
        elif c > 0x7F:
            if c < 0xC2 or c > 0xF4:
                return -1
            if c < 0xE0:
                state = 0x180BF
            elif c < 0xF0:
                state = 0x2A0BF if c == 0xE0 else 0x2809F if c == 0xED else 0x280BF
            else:
                state = 0x390BF if c == 0xF0 else 0x3808F if c == 0xF4 else 0x380BF
    return state
