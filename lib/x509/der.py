"""Reads DER, strictly: definite lengths of the shortest form, low tag numbers, no bytes left over, bounded depth.

    reader = der.Reader(data)
    inner = reader.enter(SEQUENCE)         one constructed element, in which to read on
    number = inner.integer()
    inner.end()                            DerError if something is left

Everything that is wrong is a DerError. Nothing is copied but what is returned; data is bytes, or der.File(file) of what is
to stay on disk.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


SEQUENCE = const(0x30)
SET = const(0x31)
_INTEGER = const(2)
_BIT_STRING = const(3)
OCTET_STRING = const(4)
NULL = const(5)
OID = const(6)
_BOOLEAN = const(1)

_MAX_DEPTH = const(10)


class DerError(ValueError):
    """Not the DER that was to be read."""


class File:
    """A binary file in the place of bytes, of which no more is in memory than what is asked for."""

    def __init__(self, file):
        self._file = file
        self._size = file.seek(0, 2)

    def __len__(self):
        return self._size

    def __getitem__(self, at):
        """A byte, or data[start:stop], both of them within the file."""
        one = isinstance(at, int)
        self._file.seek(at if one else at.start)
        data = self._file.read(1 if one else at.stop - at.start)
        return data[0] if one else data


class Reader:
    """Reads the elements of data[at:stop] in turn; .at is where the next one starts."""

    def __init__(self, data, at=0, stop=None, depth=0):
        self.data = data
        self._depth = depth
        self.at = at
        self.stop = len(data) if stop is None else stop

    def tag(self):
        """The tag of the next element, 0 at the end."""
        return self.data[self.at] if self.at < self.stop else 0

    def span(self, tag):
        """(start, stop) of the content of the next element, which must have this tag; goes past it."""
        if self.tag() != tag or not tag or tag & 31 == 31:
            raise DerError("tag %d in place of %d" % (self.tag(), tag))
        data = self.data
        at = self.at + 2
        if at > self.stop:
            raise DerError("short")
        size = data[at - 1]
        if size & 0x80:
            count = size & 0x7F
            # 64 KB is more than a charger can hold
            if not 1 <= count <= 2 or at + count > self.stop:
                raise DerError("length")
            size = int.from_bytes(data[at : at + count], "big")
            if size < (0x80 if count == 1 else 0x100):
                raise DerError("length is not the shortest")
            at += count
        stop = at + size
        if stop > self.stop:
            raise DerError("short")
        self.at = stop
        return at, stop

    def enter(self, tag):
        """A Reader of the content of the next element."""
        if self._depth >= _MAX_DEPTH:
            raise DerError("too deep")
        at, stop = self.span(tag)
        return Reader(self.data, at, stop, self._depth + 1)

    def end(self):
        """DerError unless all was read."""
        if self.at != self.stop:
            raise DerError("something is left over")

    def content(self, tag):
        """Bytes of the content of the next element."""
        at, stop = self.span(tag)
        return bytes(self.data[at:stop])

    def boolean(self):
        """A BOOLEAN that is DEFAULT FALSE: absent, or true."""
        if self.tag() != _BOOLEAN:
            return False
        if self.content(_BOOLEAN) != b"\xff":
            raise DerError("boolean")
        return True

    def number(self):
        """Bytes of an INTEGER, of the shortest form."""
        body = self.content(_INTEGER)
        if not body or (len(body) > 1 and body[0] in (0, 0xFF) and not (body[0] ^ body[1]) & 0x80):
            raise DerError("integer")
        return body

    def integer(self):
        """Value of an INTEGER that is not negative."""
        body = self.number()
        if body[0] & 0x80:
            raise DerError("negative")
        return int.from_bytes(body, "big")

    def oid(self):
        """Encoded content of an OBJECT IDENTIFIER."""
        body = self.content(OID)
        first = True
        for byte in body:
            if first and byte == 0x80:
                break
            first = not byte & 0x80
        else:
            if body and first:
                return body
        raise DerError("object identifier")

    def bits(self):
        """(start, stop, unused bits) of a BIT STRING; the unused bits are zero."""
        at, stop = self.span(_BIT_STRING)
        data = self.data
        unused = data[at] if at < stop else 8
        at += 1
        if unused > 7 or (unused and (at == stop or data[stop - 1] & ((1 << unused) - 1))):
            raise DerError("bit string")
        return at, stop, unused
