"""FTP replies (RFC 959, 2428), without I/O.

replies = Replies(); replies.received(data); replies.reply() -> (code, last line's text as bytes) or None
"""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LINE = const(1024)
_REPLY = const(16384)  # bytes of all lines of one reply


class Replies:
    """Call reply() until it is None before the next received(): that bounds what is kept."""

    def __init__(self):
        self._data = b""
        self._code = None  # of a reply of several lines, of which the last is still to come
        self._total = 0

    @property
    def pending(self):
        """Has anything arrived after the last reply?"""
        return bool(self._data)

    def received(self, data):
        """More bytes of the control connection."""
        self._data += bytes(data)

    def reply(self):
        """The next reply, or None until it is whole; TransferError."""
        while True:
            end = self._data.find(b"\n")
            if end > _LINE or end < 0 and len(self._data) > _LINE:
                raise TransferError("server", "reply with a line over %d bytes" % _LINE)
            if end < 0:
                return None
            line = self._data[:end].rstrip()
            self._data = self._data[end + 1 :]
            self._total += end + 1
            if self._total > _REPLY:
                raise TransferError("server", "reply over %d bytes" % _REPLY)
            code = line[:3]
            if len(code) == 3 and code.isdigit():
                code = int(code)
                mark = line[3:4]
            else:
                code = 0
            if self._code is None:
                if not 100 <= code < 600 or mark not in b" -":
                    raise TransferError("server", "the server does not speak FTP")
                if mark == b"-":
                    self._code = code
                    continue
            elif code != self._code or mark == b"-" or mark not in b" ":
                continue  # inside a reply any text may stand
            self._code = None
            self._total = 0
            return code, line[4:]


def extended_port(text):
    """Port in the reply to EPSV: (|||6446|); TransferError."""
    inside = text.partition(b"(")[2].partition(b")")[0]
    parts = inside.split(inside[:1]) if inside else ()
    return _port(parts[3] if len(parts) == 5 and not parts[1] + parts[2] + parts[4] else b"")


def passive_port(text):
    """Port in the reply to PASV: h1,h2,h3,h4,p1,p2. The address is not believed; TransferError."""
    numbers = bytes([c if 48 <= c < 58 or c == 44 else 32 for c in text])
    for word in numbers.split():
        parts = word.strip(b",").split(b",")
        if len(parts) == 6:
            values = [int(p) if p.isdigit() and len(p) < 4 else 256 for p in parts]
            if max(values) < 256:
                return _port(b"%d" % (values[4] * 256 + values[5]))
    return _port(b"")


def _port(text):
    port = int(text) if text.isdigit() and len(text) < 6 else 0
    if not 0 < port < 65536:
        raise TransferError("server", "no port in the reply to passive mode")
    return port


def size(text):
    """Number in the reply to SIZE; None if there is none."""
    text = text.strip()
    n = int(text) if text.isdigit() and len(text) <= 10 else -1
    return n if 0 <= n < 1 << 30 else None
