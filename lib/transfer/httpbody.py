"""The body of an HTTP/1.1 answer that is not in chunks (see httpchunks), without I/O.

body = Body(length); skip, n = body.piece(data): n bytes of the file after `skip` of framing, until body.done
"""

from transfer import TransferError


class Body:
    """Counts a body of `length` bytes, None: until a close; `done` at its end."""

    def __init__(self, length):
        self._left = -1 if length is None else length
        self.done = not length and length is not None

    def piece(self, data):
        """(bytes of framing, bytes of the file after them) at the start of `data`: call again for the rest."""
        n = len(data)
        if self._left >= 0:
            n = min(n, self._left)
            self._left -= n
            self.done = not self._left
        return 0, n

    def ended(self):
        """The server has closed; TransferError if something is missing."""
        if self._left > 0:
            raise TransferError("short", "connection closed before the end of the file")
        self.done = True
