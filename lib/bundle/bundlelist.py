"""First part of a bundle: head, list of files, signature. The list goes into a file, since it is 10 KB."""

import json
from binascii import a2b_base64
from hashlib import sha256

from bundle import BundleError, Complete, entry

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_FORMAT = const(1)
_LINE = const(1024)
_PART = const(256)  # of a piece that is looked at at once
_FILES = const(1000)
_FIELDS = (("version", str), ("minimum", str), ("mpy", int), ("boards", list), ("files", int), ("bytes", int))


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
        self._left = 0  # lines of the list to come
        self._sum = 0

    def write(self, piece):
        """Take a piece; Complete behind the signature, BundleError."""
        for first in range(0, len(piece), _PART):
            data = self._rest + bytes(piece[first : first + _PART])
            at = 0
            while True:
                stop = data.find(b"\n", at) + 1
                if not stop:
                    break
                self._line(data[at:stop])
                at = stop
                if self.signature is not None:
                    raise Complete(self.head, self.digest, self.signature, self.end)
            self._rest = data[at:]
            if len(self._rest) > _LINE or (self.head is None and self._rest[:6] != b'{"pwb"'[: len(self._rest)]):
                raise BundleError("format", "it is no bundle")

    def _line(self, line):
        self.end += len(line)
        if self._whole:
            self._whole.update(line)
        if self.head is None:
            self._begin(line)
        elif self._left:
            self._left -= 1
            self._sum += entry(line)[1]
            self._out.write(line)
        else:
            if self._sum != self.head["bytes"]:
                raise BundleError("format", "its sizes do not add up")
            self.digest = self._hash.digest()
            try:
                self.signature = a2b_base64(line)
            except ValueError:
                raise BundleError("format", "its signature can not be read")
            return
        self._hash.update(line)

    def _begin(self, line):
        try:
            head = json.loads(line)
            good = isinstance(head["pwb"], int)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise BundleError("format", "it is no bundle")
        if head["pwb"] != _FORMAT:
            raise BundleError("format", "it has format %d" % head["pwb"])
        for name, kind in _FIELDS:
            if not isinstance(head.get(name), kind):
                raise BundleError("format", "its head has no " + name)
        if not 0 < head["files"] <= _FILES:
            raise BundleError("format", "it has %d files" % head["files"])
        self.head = head
        self._left = head["files"]
