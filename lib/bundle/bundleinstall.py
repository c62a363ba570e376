"""Second part of a bundle: its files, into an idle directory, each read back when it is there.

What is there already, byte for byte, is not written again: an installation that was cut goes on where it was, and an update
writes what has changed. The directory counts as an app only while it has its build.json, which comes last.
"""

import os
from binascii import hexlify
from hashlib import sha256

from bundle import BundleError, entry
import cold

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_BLOCK = const(4096)
_PIECE = const(128)


class Install:
    """A sink for the bytes behind the list.

    Args:
        listed: path of the file with the list.
        root: the idle directory, "/b"; made if it is missing.
        image: partition for the last file, a MicroPython image; None if there is none.
        whole: a hash that gets every byte, None if nobody asks.
        state: what state() of an earlier one was, to go on from there.
    """

    error = BundleError  # what it raises, for who has dropped and loaded that module meanwhile

    def __init__(self, listed, root, image, whole=None, state=(None, b"", 0, None, None, 0, 0, False)):
        self._root = root + "/"
        self._image = image
        self._whole = whole
        self._listed = listed
        # Where what is being received goes, None if it is there already; the line of the list that was read ahead, and where it
        # ends; of what is being received name, SHA-256, size, bytes still to come; is the directory no app any more?
        self._out, self._next, self._at, self._name, self._digest, self._size, self._left, self._touched = state
        if self._out is True:
            self._out = self._more()

    def state(self):
        """With this another one goes on: this one and its module may go meanwhile. First comes a file that is open, or None; if
        it is closed, put True there."""
        return self._out, self._next, self._at, self._name, self._digest, self._size, self._left, self._touched

    def begin(self):
        """Steps: make room; how many bytes of the files are there already. BundleError "full" before anything is touched."""
        yield from cold.call("bundleroom", "make", self._listed, self._root, self._image)
        self._ahead()
        offset = 0
        more = self._advance()
        while more and self._out is None and not self._whole:
            offset += self._size
            yield
            more = self._advance()
        return offset

    def write(self, piece):
        """Take a piece; BundleError."""
        try:
            self._take(piece)
        except OSError as e:
            raise BundleError("flash", "%s: %s" % (self._name, e))
        if self._whole:
            self._whole.update(piece)

    def finish(self):
        """The bundle has ended; BundleError unless all of it is there."""
        if self._name is not None:
            raise BundleError("size", "it ends in " + self._name)
        self.close()

    def close(self):
        """Let go of the file that is open."""
        if self._out:
            self._out.close()
            self._out = None

    def _take(self, piece):
        at = 0
        while at < len(piece):
            if self._name is None:
                raise BundleError("size", "there is more than its list says")
            n = min(self._left, len(piece) - at)
            if self._out:
                self._out.write(piece[at : at + n])
            at += n
            self._left -= n
            while not self._left and self._name is not None:
                self._ended()

    def _ended(self):
        """The file is there: read it back, and go on to the next."""
        if self._out:
            self.close()
            if self._read_back() != self._digest:
                raise BundleError("corrupt", self._name + " is not what it should be")
        self._advance()

    def _advance(self):
        """Take the next line of the list; False at its end."""
        if not self._next:
            self._name = None
            return False
        self._name, self._size, self._digest = entry(self._next)
        self._ahead()
        self._left = self._size
        if self._image and not self._next:
            self._out = self._more()
        elif not self._there():
            self._touch()
            self._out = self._create(self._root + self._name)
        return True

    def _more(self):
        """Where what is being received goes on."""
        if self._image and not self._next:
            return cold.call("bundleimage", "Sectors", self._image, self._size - self._left)
        return open(self._root + self._name, "ab")

    def _ahead(self):
        """Read the next line of the list, which is not kept open."""
        with open(self._listed, "rb") as lines:
            lines.seek(self._at)
            self._next = lines.readline()
        self._at += len(self._next)

    def _there(self):
        try:
            return os.stat(self._root + self._name)[6] == self._size and self._read_back() == self._digest
        except OSError:
            return False

    def _touch(self):
        """From here on the directory is no app."""
        if not self._touched:
            self._touched = True
            try:
                os.remove(self._root + "build.json")
            except OSError:
                pass  # it is none already

    def _create(self, path):
        try:
            return open(path, "wb")
        except OSError:
            at = path.find("/", 1)
            while at > 0:
                try:
                    os.mkdir(path[:at])
                except OSError:
                    pass  # it is there; if not, the next line says so
                at = path.find("/", at + 1)
            return open(path, "wb")

    def _read_back(self):
        """SHA-256 of the file, in hexadecimal."""
        digest = sha256()
        buf = memoryview(bytearray(_PIECE))
        image = self._image if self._image and not self._next else None
        file = None if image else open(self._root + self._name, "rb")
        at = 0
        while at < self._size:
            part = buf[: min(_PIECE, self._size - at)]
            if image:
                image.readblocks(at // _BLOCK, part, at % _BLOCK)
            elif file.readinto(part) != len(part):
                break
            digest.update(part)
            at += len(part)
        if file:
            file.close()
        return hexlify(digest.digest()).decode()
