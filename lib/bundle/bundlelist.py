"""First part of a bundle: head, list of files, signature. The list goes into a file, since it is 10 KB."""

from binascii import a2b_base64
from hashlib import sha256

from bundle import BundleError, Complete, entry
import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_LINE = const(1024)
_PART = const(128)  # of a piece that is looked at at once


class List:
    """A sink for the bytes of a bundle up to its signature.

    out: file for the lines of the list; whole: a hash that gets every byte, None if nobody asks.
    """

    def __init__(self, out, whole=None):
        self.head = None  # dict of the first line
        self.digest = None  # SHA-256 of what is signed, 32 bytes
        self.signature = None
        self.end = 0  # bytes before the first file
        self._out = out
        self._whole = whole
        self._hash = sha256()
        self._rest = b""
        self._signature = bytearray()
        self._left = 0  # lines of the list to come
        self._sum = 0

    def write(self, piece):
        """Take a piece; Complete behind the signature, BundleError."""
        for first in range(0, len(piece), _PART):
            data = self._rest + bytes(piece[first : first + _PART])
            at = 0
            while stop := data.find(b"\n", at) + 1:
                self._line(memoryview(data)[at:stop])
                at = stop
                if self.signature is not None:
                    raise Complete(self.head, self.digest, self.signature, self.end)
            if self.head and not self._left:  # as a whole it would be the largest thing here
                stop = at + (len(data) - at & -4)
                self._sign(memoryview(data)[at:stop])
                at = stop
            self._rest = data = data[at:]
            if max(len(data), len(self._signature)) > _LINE or (self.head is None and data[:6] != b'{"pwb"'[: len(data)]):
                raise BundleError("format", "it is no bundle")

    def _line(self, line):
        if self.head and not self._left:
            if self._sum != self.head["bytes"]:
                raise BundleError("format", "its sizes do not add up")
            self._sign(line)
            self.digest = self._hash.digest()
            self.signature = self._signature
            return
        self._hash.update(line)
        self._count(line)
        if self.head is None:
            self.head = cold.call("bundlehead", "head", bytes(line))
            self._left = self.head["files"]
        else:
            self._left -= 1
            self._sum += entry(bytes(line))[1]
            self._out.write(line)

    def _sign(self, part):
        self._count(part)
        try:
            self._signature += a2b_base64(part)
        except ValueError:
            raise BundleError("format", "its signature can not be read")

    def _count(self, part):
        self.end += len(part)
        if self._whole:
            self._whole.update(part)
