"""HTTP/1.1 of a client that fetches or stores one file, without I/O.

    head = Head(); used = head.received(data) until head.complete; body = Body(head)
    skip, n = body.piece(data) -> n bytes of the file after `skip` of framing; until body.done

Every length is bounded; what a server may not say is a TransferError of kind "server".
"""

from binascii import b2a_base64

from transfer import TransferError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_HEAD = const(16384)  # bytes of all headers, interim answers, and of all trailers
_LINE = const(2048)  # of one header that is kept: a Location; longer ones are passed over
_LARGEST = const(0x3FFFFFFF)

_WORDS = """400 bad request;401 wrong user or password;403 forbidden;404 not found;405 method not allowed;408 too slow;
409 conflict;410 gone;411 length required;413 too large;416 range not there;429 too many requests;500 server error;
501 not implemented;502 bad gateway;503 not available;504 gateway timed out;507 no space"""


def request(method, url, lines=()):
    """Bytes of the request's head; TransferError when a line would break it."""
    out = [method + " " + url.path + " HTTP/1.1", "Host: " + url.authority]
    out.append("User-Agent: micropython-transfer")
    out.append("Accept-Encoding: identity")
    out.append("Connection: close")
    if url.user is not None:
        login = b2a_base64(url.user + b":" + (url.password or b""))
        out.append("Authorization: Basic " + login.decode().replace("\n", ""))
    for line in lines:
        for c in line:
            if not " " <= c <= "~":
                raise TransferError("url", "header with a character that it may not have")
        out.append(line)
    out.append("\r\n")
    return "\r\n".join(out).encode()


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
            if len(self._line) + len(part) > _LINE:
                self._long = True
                self._line = bytearray()
            if not self._long:
                self._line.extend(part)
            if not self.status:
                start = bytes(self._line[:7])
                if self._long or start != b"HTTP/1."[: len(start)]:
                    raise TransferError("server", "the answer is not HTTP")
            if end:
                line = bytes(self._line).strip()
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
                self.etag = _mark(value)
        elif name == b"last-modified":
            self.modified = _mark(value)
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

    def mark_like(self, mark):
        """ETag or date, whichever `mark` is; for no mark the better one of this answer."""
        if mark[:1] == '"' or not mark and self.etag:
            return self.etag
        return self.modified


def _number(text):
    n = int(text) if text.isdigit() and len(text) <= 10 else -1
    if not 0 <= n <= _LARGEST:
        raise TransferError("server", "bad length")
    return n


def _mark(value):
    if len(value) > 128:
        return ""
    for c in value:
        if not 32 <= c < 127:
            return ""
    return value.decode()


class Body:
    """Takes the framing off a body; `done` at its end, which a close may be as well."""

    def __init__(self, head):
        self._left = -1  # bytes to come of the body, or of this chunk; -1: until the server closes
        self._chunked = head.chunked
        self._size = -1  # of a chunk, while its line is being read; -1: no digit yet
        self._state = 0  # 0 size, 1 rest of that line, 2 line end after a chunk, 3 trailer at its line's start, 4 in it
        self._total = 0
        if head.chunked:
            self._left = 0
        elif head.length is not None:
            self._left = head.length
        if head.status in (204, 304):
            self._left = 0
            self._chunked = False
        self.done = not self._left and not self._chunked

    def piece(self, data):
        """(bytes of framing, bytes of the file after them) at the start of `data`: call again for the rest."""
        have = len(data)
        if not self._chunked:
            if self._left < 0:
                return 0, have
            n = min(have, self._left)
            self._left -= n
            self.done = not self._left
            return 0, n
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
        if c == 13:
            # before a line feed; anywhere else it does no harm
            if state == 0 and self._size >= 0:
                self._state = 1
        elif state == 2:
            if c != 10:
                raise TransferError("server", "chunk is longer than it says")
            self._state = 0
        elif state == 0 and c not in b"\n; \t":
            digit = b"0123456789abcdefABCDEF".find(bytes((c,)))
            if digit < 0:
                raise TransferError("server", "bad chunk size")
            if digit > 15:
                digit -= 6
            if self._size > _LARGEST >> 4:
                raise TransferError("server", "chunk too large")
            self._size = max(self._size, 0) * 16 + digit
        elif state < 2:
            self._total += 1
            if self._size < 0:
                raise TransferError("server", "chunk without a size")
            self._state = 1
            if c == 10:
                self._left = self._size
                self._state = 2 if self._left else 3
                self._size = -1
        else:
            if c == 10:
                self.done = state == 3
            self._state = 3 if c == 10 else 4
            self._total += 1
        if self._total > _HEAD:
            raise TransferError("server", "chunk headers over %d bytes" % _HEAD)

    def ended(self):
        """The server has closed; TransferError if something is missing."""
        if not self.done:
            if self._chunked or self._left > 0:
                raise TransferError("short", "connection closed before the end of the file")
            self.done = True


def resume(head, place):
    """What an answer to a GET means for `place`: (bytes to pass over, is it another file)."""
    offset = place.offset
    status = head.status
    size = head.length if status == 200 and not head.chunked else head.size
    mark = head.mark_like(place.mark)
    changed = bool(place.mark and mark and mark != place.mark)
    if place.size is not None and size is not None and size != place.size:
        changed = True
    if status == 416:
        return 0, changed or size != offset
    if status == 200:
        return offset, changed or size is not None and size < offset
    if head.first is None or head.first > offset:
        raise TransferError("server", "the range is not the one that was asked for")
    return offset - head.first, changed


def refusal(url, head, body=b""):
    """The error that a status means, in words; an object store says more in its body."""
    status = head.status
    if status in (401, 403, 407):
        kind = "auth"
    elif status in (404, 410):
        kind = "missing"
    elif status in (413, 507):
        kind = "full"
    elif status >= 500 or status in (408, 425, 429):
        kind = "server"
    else:
        kind = "refused"
    words = url.clean(head.reason)
    if not words:
        at = _WORDS.find("%d " % status) + 4
        words = _WORDS[at:].partition(";")[0] if at > 3 else "not as it should be"
    text = "%d %s" % (status, words)
    at = body.find(b"<Code>")
    if at >= 0:
        code = url.clean(body[at + 6 : at + 66].partition(b"<")[0])
        if code:
            text += " (" + code + ")"
    return TransferError(kind, url.where + " answers " + text)
