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
