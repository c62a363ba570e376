"""The body of an HTTP/1.1 answer in chunks, without I/O; used as the one of httpbody."""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LINES = const(16384)  # bytes of chunk extensions and trailers
_LARGEST = const(0x3FFFFFFF)


class Body:
    """Takes the framing off the body."""

    def __init__(self, length):
        self._left = 0  # of the chunk
        self._size = -1  # of a chunk, while its line is being read; -1: no digit yet
        self._state = 0  # 0 size, 1 rest of its line, 2 line end after a chunk, 3 trailer at its line's start, 4 in it
        self._total = 0
        self.done = False

    def piece(self, data):
        """See httpbody."""
        have = len(data)
        i = 0
        while i < have and not self.done:
            if self._left:
                n = min(have - i, self._left)
                self._left -= n
                return i, n
            self._framing(data[i])
            i += 1
        return i, 0

    def _framing(self, c):
        state = self._state
        self._total += 1
        if self._total > _LINES:
            raise TransferError("server", "chunk headers over %d bytes" % _LINES)
        if c == 13:  # before a line feed; anywhere else it does no harm
            if state == 0 and self._size >= 0:
                self._state = 1
        elif state == 2:
            if c != 10:
                raise TransferError("server", "chunk is longer than it says")
            self._state = 0
        elif state > 2:
            self.done = state == 3 and c == 10
            self._state = 3 if c == 10 else 4
        elif state == 0 and c not in b"\n; \t":
            digit = b"0123456789abcdefABCDEF".find(bytes((c,)))
            if digit < 0 or self._size > _LARGEST >> 4:
                raise TransferError("server", "bad chunk size")
            self._size = max(self._size, 0) * 16 + (digit if digit < 16 else digit - 6)
        else:
            if self._size < 0:
                raise TransferError("server", "chunk without a size")
            self._state = 1
            if c == 10:
                self._left = self._size
                self._state = 2 if self._left else 3
                self._size = -1
                self._total = 0

    def ended(self):
        """See httpbody."""
        if not self.done:
            raise TransferError("short", "connection closed before the end of the file")
