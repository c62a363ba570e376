"""Second part of a bundle: its files, into an idle directory, each read back when it is there.

What is there already, byte for byte, is not written again: an installation that was cut goes on where it was, and an update
writes what has changed. The directory counts as an app only while it has its build.json, which comes last.
"""

import os
from binascii import crc32, hexlify
from hashlib import sha256

from bundle import BundleError, entry

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_BLOCK = const(4096)
_SPARE = const(12)  # blocks for directories, and for LittleFS to work with
_DIRECTORY = const(0x4000)
_PIECE = const(512)
_BATCH = const(16)  # paths in RAM at a time
_SMALL = const(0x3FFFFFFF)  # what an integer may be that is no object of its own
_MARK = "build.json"


class Install:
    """A sink for the bytes behind the list.

    Args:
        listed: path of the file with the list.
        root: the idle directory, "/b"; made if it is missing.
        image: partition for the last file, a MicroPython image; None if there is none.
        whole: a hash that gets every byte, None if nobody asks.
    """

    error = BundleError  # what it raises, for who has dropped and loaded that module meanwhile

    def __init__(self, listed, root, image, whole=None):
        self._root = root + "/"
        self._image = image
        self._whole = whole
        self._listed = listed
        self._lines = None
        self._next = None  # line of the list that was read ahead
        self._name = self._digest = None  # of the file that is being received
        self._size = self._left = 0
        self._out = None  # where it goes; None: it is there already
        self._touched = False

    def begin(self):
        """Steps: make room; how many bytes of the files are there already. BundleError "full" before anything is touched."""
        names = set()  # as checksums: a slot's names themselves are 5 KB. Of two that are alike, one file stays for nothing.
        need = _SPARE
        with open(self._listed, "rb") as lines:
            line = lines.readline()
            while line:
                name, size, _ = entry(line)
                line = lines.readline()
                if line or not self._image:
                    names.add(_checksum(name))
                    need += (size + _BLOCK - 1) // _BLOCK
                yield
        have = os.statvfs("/")[3]
        for _, size in self._walk(self._root[:-1]):
            have += (size + _BLOCK - 1) // _BLOCK
            yield
        if need > have:
            raise BundleError("full", "it takes %d blocks of flash, there are %d" % (need, have))
        while True:
            stale = []
            for path, _ in self._walk(self._root[:-1]):
                if len(stale) < _BATCH and _checksum(path[len(self._root) :]) not in names:
                    stale.append(path)
                yield
            if not stale:
                break
            for path in stale:
                self._touch()
                os.remove(path)
                yield
        names = stale = None
        self._lines = open(self._listed, "rb")
        self._next = self._lines.readline()
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
        """Steps: the bundle has ended; BundleError unless all of it is there."""
        if self._name is not None:
            raise BundleError("size", "it ends in " + self._name)
        self.close()
        yield

    def close(self):
        """Let go of files that are open."""
        for file in (self._lines, self._out):
            if file:
                file.close()
        self._lines = self._out = None

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
            self._out.close()
            self._out = None
            if self._read_back() != self._digest:
                raise BundleError("corrupt", self._name + " is not what it should be")
        self._advance()

    def _advance(self):
        """Take the next line of the list; False at its end."""
        if not self._next:
            self._name = None
            return False
        self._name, self._size, self._digest = entry(self._next)
        self._next = self._lines.readline()
        self._left = self._size
        if self._image and not self._next:
            self._out = _Sectors(self._image)
        elif not self._there():
            self._touch()
            self._out = self._create(self._root + self._name)
        return True

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
                os.remove(self._root + _MARK)
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

    def _walk(self, top):
        """(path, size) of every file below."""
        try:
            found = os.ilistdir(top)  # type: ignore  MicroPython's
        except OSError:
            return
        for about in found:
            path = top + "/" + about[0]
            if about[1] & _DIRECTORY:
                yield from self._walk(path)
            else:
                yield path, os.stat(path)[6]


def _checksum(name):
    return crc32(name.encode()) & _SMALL


class _Sectors:
    """Writes a partition from its start, each sector erased when it is reached."""

    def __init__(self, part):
        self._part = part
        self._at = 0

    def write(self, piece):
        done = 0
        while done < len(piece):
            sector, offset = self._at // _BLOCK, self._at % _BLOCK
            if not offset:
                self._part.ioctl(6, sector)
            n = min(_BLOCK - offset, len(piece) - done)
            self._part.writeblocks(sector, piece[done : done + n], offset)
            done += n
            self._at += n

    def close(self):
        pass
