"""The head of an HTTP/1.1 answer, parsed without I/O; every length is bounded.

head = Head(); used = head.received(data) until head.complete

What a server may not say is a TransferError of kind "server".
"""

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_PART = const(64)  # that the parser copies
_HEAD = const(16384)  # bytes of all headers, interim answers among them
_LINE = const(2048)  # of a Location; longer ones are passed over
_SHORT = const(256)  # of any other header
_LARGEST = const(0x3FFFFFFF)


async def read(wire, stream, n):
    """(head of an HTTP answer, of which n bytes are in `view`, and the bounds there of what came after it)."""
    head = Head()
    view = wire.view[:256]
    while n:
        used = 0
        while used < n:
            used += head.received(view[used : min(n, used + _PART)])
            if head.complete:
                return head, used, n
        n = await wire.read(stream, view)
    raise TransferError("short", "%s: connection closed" % wire.doing)


class Head:
    """Status line and headers of an answer; interim answers (1xx) are passed over."""

    def __init__(self):
        self.complete = False
        self._total = 0
        self._reset()

    def _reset(self):
        self.status = 0
        self.reason = b""
        self.length = None  # of the body
        self.chunked = False
        self.coded = False  # compressed, or whatever else we did not ask for
        self.location = None
        self.etag = ""
        self.modified = ""
        self.first = None  # of a range: its first byte
        self.size = None  # the whole file's size, where a range says it
        self._line = bytearray()
        self._long = False

    def received(self, data):
        """Bytes of `data` that belong to the head; `complete` when that was its end."""
        data = bytes(data)
        at = 0
        while at < len(data) and not self.complete:
            end = data.find(b"\n", at) + 1
            part = data[at : end or len(data)]
            at += len(part)
            self._total += len(part)
            if self._total > _HEAD:
                raise TransferError("server", "headers over %d bytes" % _HEAD)
            size = len(self._line) + len(part)
            if size > _LINE or self.status and size > _SHORT and (self._line[:9] + part)[:9].lower() != b"location:":
                self._long = True
                self._line = bytearray()
            if not self._long:
                self._line.extend(part)
            if not self.status:
                start = bytes(self._line[:7])
                if self._long or start != b"HTTP/1."[: len(start)]:
                    raise TransferError("server", "the answer is not HTTP")
            if end:
                line = bytes(self._line).rstrip(b"\r\n")
                long = self._long
                self._line = bytearray()
                self._long = False
                if not self.status:
                    self._start(line)
                elif line:
                    self._header(line)
                elif not long:
                    self._finish()
        return at

    def _start(self, line):
        code = line[9:12]
        if len(code) < 3 or not code.isdigit() or line[8:9] != b" " or line[12:13] not in b" ":
            raise TransferError("server", "the answer is not HTTP")
        self.status = int(code)
        if self.status < 100 or self.status == 101:
            raise TransferError("server", "status %d was not asked for" % self.status)
        self.reason = line[13:93]

    def _header(self, line):
        name, _, value = line.partition(b":")
        name = name.lower()
        value = value.strip()
        if name == b"content-length":
            n = _number(value)
            if self.length is not None and self.length != n:
                raise TransferError("server", "two lengths")
            self.length = n
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or self.chunked:
                raise TransferError("server", "unknown transfer encoding")
            self.chunked = True
        elif name == b"content-encoding":
            self.coded = value.lower() not in (b"", b"identity")
        elif name == b"location":
            self.location = value
        elif name == b"etag":
            if value[:1] == b'"':  # a weak one does not vouch for bytes
                self.etag = _printable(value)
        elif name == b"last-modified":
            self.modified = _printable(value)
        elif name == b"content-range":
            self._range(value)

    def _range(self, value):
        # bytes 0-99/1000, bytes 0-99/*, bytes */1000
        unit, _, value = value.partition(b" ")
        span, _, size = value.strip().partition(b"/")
        if unit.lower() != b"bytes":
            raise TransferError("server", "range in no bytes")
        if size != b"*":
            self.size = _number(size)
        if span != b"*":
            self.first = _number(span.partition(b"-")[0])

    def _finish(self):
        if self.status < 200:
            self._reset()
        else:
            self.complete = True

    def resume(self, place):
        """What the answer to a GET means for `place`: (bytes to pass over, is it another file)."""
        if self.coded:
            raise TransferError("server", "the file comes compressed")
        offset = place.offset
        status = self.status
        size = self._whole()
        mark = self._mark(place.mark)
        changed = bool(place.mark and mark and mark != place.mark)
        if place.size is not None and size is not None and size != place.size:
            changed = True
        if status == 416:
            return 0, changed or size != offset
        if status == 200:
            return offset, bool(offset) and (changed or size is not None and size < offset)
        if self.first is None or self.first > offset:
            raise TransferError("server", "the range is not the one that was asked for")
        return offset - self.first, changed

    def note(self, place):
        """Keep in `place` which file it is, and how long."""
        if not place.offset:
            place.mark = self._mark("")
        size = self._whole()
        if size is not None or not place.offset:
            place.size = size

    def _whole(self):
        # the size of the whole file, None: not said
        return self.length if self.status == 200 and not self.chunked else self.size

    def _mark(self, like):
        # ETag or date, whichever `like` is; if that is none, the better one of this answer
        if like[:1] == '"' or not like and self.etag:
            return self.etag
        return self.modified


def _number(text):
    n = int(text) if text.isdigit() and len(text) <= 10 else -1
    if not 0 <= n <= _LARGEST:
        raise TransferError("server", "bad length")
    return n


def _printable(value):
    if len(value) > 128:
        return ""
    for c in value:
        if not 32 <= c < 127:
            return ""
    return value.decode()
