"""PEM (RFC 7468) in and out of DER.

    for der in pem.decode(text):           each certificate of a chain, one at a time, of text or a file
    text = pem.encode(der, "CERTIFICATE REQUEST")

    decoder = pem.Decoder()                of a text that arrives in pieces, cut anywhere:
    ders = list(decoder.take(piece))       those that end in this piece, each as a list of pieces
    decoder.end()                          PemError if the text may not end here

Lines may be of any length and ends in, and are of 64 columns out. Text around the blocks is passed over, as are
blocks of another label.
"""

from binascii import a2b_base64, b2a_base64
from io import BytesIO

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_MAX_BLOCK = const(8000)  # characters; OCPP's limits are 5,500 a certificate and 10,000 a chain
_MAX_BLOCKS = const(10)
_LINE = const(48)  # bytes in 64 columns
_PIECE = const(512)
_MARK = b"-----"


class PemError(ValueError):
    """Not the PEM that was to be read."""


class Decoder:
    """Keeps what is not decoded yet of a text, and the block that it is in."""

    def __init__(self, label="CERTIFICATE"):
        self._label = b" " + label.encode() + _MARK
        self._rest = b""  # what has arrived and is not looked at
        self._parts = None  # list of the DER of the block so far; None between blocks
        self._size = 0  # characters of the block
        self._count = 0  # blocks so far

    def take(self, piece):
        """DER of each block that ends in these next bytes, one at a time, as a list of bytes whose sum it is; PemError, and it
        is of no further use then."""
        self._rest += piece
        while True:
            if self._parts is None:
                if not self._begin():
                    return
            der = self._body()
            if der is None:
                return
            yield der

    def end(self):
        """The text is over; PemError in the middle of a block, or when there was none."""
        if self._parts is not None or not self._count:
            raise PemError("a block without an end" if self._count else "no" + self._label[:-5].decode())

    def _begin(self):
        """Go into the next block, if it is there."""
        begin = _MARK + b"BEGIN" + self._label
        at = self._rest.find(begin)
        if at < 0:
            self._rest = self._rest[1 - len(begin) :]
            return False
        self._rest = self._rest[at + len(begin) :]
        self._parts = []
        self._size = 0
        self._count += 1
        if self._count > _MAX_BLOCKS:
            raise PemError("too many blocks")
        return True

    def _body(self):
        """Decode what is there of a block; its DER if that was all of it."""
        rest = self._rest
        end = _MARK + b"END" + self._label
        at = rest.find(b"-")  # which base64 has not
        mark = rest[at : at + len(end)] if at >= 0 else b""
        if not end.startswith(mark):
            raise PemError("not base64")
        text = rest[:at] if mark else rest
        for blank in (b"\r", b"\n", b" ", b"\t"):
            text = text.replace(blank, b"")
        if mark and mark != end:  # it goes on in the next piece
            return None
        whole = len(text) if mark else len(text) & ~3
        self._rest = rest[at + len(end) :] if mark else text[whole:]
        self._size += whole
        if self._size > _MAX_BLOCK:
            raise PemError("a block that is too long")
        parts = self._parts
        if whole:
            if parts and len(parts[-1]) % 3:
                raise PemError("not base64")  # it had ended
            parts.append(_bytes(text[:whole]))  # type: ignore
        if not mark:
            return None
        self._parts = None
        if not parts:
            raise PemError("an empty block")
        return parts


def _bytes(text):
    # a2b_base64 passes over what it does not know: only what comes back the same was base64
    try:
        data = a2b_base64(text)
        if b2a_base64(data)[:-1] == text:
            return data
    except ValueError:
        pass
    raise PemError("not base64")


def decode(text, label="CERTIFICATE"):
    """DER of each block with this label, of str, bytes or a binary file; PemError, also when there is none."""
    decoder = Decoder(label)
    at = 0
    while True:
        piece = text.read(_PIECE) if hasattr(text, "read") else text[at : at + _PIECE]
        if not piece:
            break
        at += _PIECE
        for parts in decoder.take(piece.encode() if isinstance(piece, str) else piece):
            yield b"".join(parts)
    decoder.end()


def lines(file, label="CERTIFICATE"):
    """The lines of a block of PEM, each with its end, of a binary file of DER."""
    yield "-----BEGIN " + label + "-----\n"
    while True:
        data = file.read(_LINE)
        if not data:
            break
        yield b2a_base64(data).decode()
    yield "-----END " + label + "-----\n"


def encode(der, label="CERTIFICATE"):
    """A block of PEM with a line end behind it."""
    return "".join(lines(BytesIO(der), label))
