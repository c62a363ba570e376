"""Room for the files of a bundle in an idle directory: what does not belong there goes."""

import os
from binascii import crc32

from bundle import BundleError, entry

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_BLOCK = const(4096)
_SPARE = const(12)  # blocks for directories, and for LittleFS to work with
_DIRECTORY = const(0x4000)
_BATCH = const(16)  # paths in RAM at a time
_SMALL = const(0x3FFFFFFF)  # what an integer may be that is no object of its own


def make(listed, root, image):
    """Steps; BundleError "full" before anything is touched. The arguments are those of Install, root with a slash."""
    names = set()  # as checksums: a slot's names themselves are 5 KB. Of two that are alike, one file stays for nothing.
    need = _SPARE
    with open(listed, "rb") as lines:
        line = lines.readline()
        while line:
            name, size, _ = entry(line)
            line = lines.readline()
            if line or not image:
                names.add(_checksum(name))
                need += (size + _BLOCK - 1) // _BLOCK
            yield
    have = os.statvfs("/")[3]
    for _, size in _walk(root[:-1]):
        have += (size + _BLOCK - 1) // _BLOCK
        yield
    if need > have:
        raise BundleError("full", "it takes %d blocks of flash, there are %d" % (need, have))
    while True:
        stale = []
        for path, _ in _walk(root[:-1]):
            if len(stale) < _BATCH and _checksum(path[len(root) :]) not in names:
                stale.append(path)
            yield
        if not stale:
            return
        try:
            os.remove(root + "build.json")  # from here on the directory is no app
        except OSError:
            pass  # it is none already
        for path in stale:
            if path != root + "build.json":
                os.remove(path)
            yield


def _walk(top):
    """(path, size) of every file below."""
    try:
        found = os.ilistdir(top)  # type: ignore  MicroPython's
    except OSError:
        return
    for about in found:
        path = top + "/" + about[0]
        if about[1] & _DIRECTORY:
            yield from _walk(path)
        else:
            yield path, os.stat(path)[6]


def _checksum(name):
    return crc32(name.encode()) & _SMALL
