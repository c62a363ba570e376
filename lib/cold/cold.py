"""Cold modules: loaded for one job and forgotten after it, so that only their job costs RAM.

    cold.call("ocpp16.authorization", "decide", cp, tag)         a function of it, once
    await cold.run("transfer", "get", url, sink)                 the same of a coroutine

What the module imports is forgotten with it, unless it was there before. What a function returns may live
on, but keeps alive what it refers to.

Modules may lie in one file beside this one, modules.pack: on LittleFS each file of its own takes a block of
4 KB, and it takes long to find one of many. Import finds them from when this module is loaded on; a module
that lies beside the pack comes before one in it. The format, numbers big-endian: a byte 1, two bytes with the
number of records, these in the order of their bytes (CRC-32 of the path, "/port/line.mpy"; kind: 0 a
directory, 1 a module, 2 a module as a raw deflate stream; three bytes with its place in the file), modules.
"""

import os
import sys
from binascii import crc32

HERE = __file__.rpartition("/")[0]
_PACK = HERE + "/modules.pack"
_running = []  # what was loaded before each run() that has not ended


class Pack:
    """A file system for vfs.mount, of which only import asks anything."""

    def __init__(self, path):
        self._path = path
        self._file = open(path, "rb")
        head = self._file.read(3)
        self._count = head[1] << 8 | head[2]

    def mount(self, readonly, mkfs):
        """Nothing has to be done."""

    def stat(self, path):
        """Ten numbers, of which the first says file or directory; OSError."""
        return (0x8000 if self._find(path)[4] else 0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path, mode):
        """The module as a stream; a file beside the pack for those who look beside their module."""
        try:
            found = self._find(path)
        except OSError:
            return open(HERE + path, mode)
        file = open(self._path, "rb")
        file.seek(int.from_bytes(found[5:], "big"))
        if found[4] == 1:
            return file
        from deflate import RAW, DeflateIO

        return DeflateIO(file, RAW, 10, True)

    def _find(self, path):
        key = crc32(path.encode()).to_bytes(4, "big")
        low, high = 0, self._count
        while low < high:
            middle = (low + high) >> 1
            self._file.seek(3 + 8 * middle)
            found = self._file.read(8)
            if found[:4] == key:
                return found
            if found < key:
                low = middle + 1
            else:
                high = middle
        raise OSError(2)


def load(name):
    """The module `name`, which may be a part of a package; ImportError. To be dropped by drop()."""
    return __import__(name, None, None, ("*",))  # by name: whatever is asked


def call(name, function, *args):
    """What `function` of the module returns."""
    before = set(sys.modules)
    try:
        return getattr(load(name), function)(*args)  # by name: renamed where cold is called
    finally:
        drop(name)
        _restore(before)


async def run(name, function, *args):
    """What the coroutine `function` of the module returns; others may load, run and drop modules meanwhile.

    Runs that overlap may share modules: what they loaded is forgotten when the last of them ends.
    """
    before = _running[0] if _running else set(sys.modules)
    _running.append(before)
    try:
        return await getattr(load(name), function)(*args)  # by name: renamed where cold is called
    finally:
        _running.pop()
        if not _running:
            drop(name)
            _restore(before)


def drop(name):
    """Forget the module; the next collection takes it."""
    sys.modules.pop(name, None)
    package, _, part = name.rpartition(".")
    package = sys.modules.get(package)
    if package and hasattr(package, part):  # by name: modules
        delattr(package, part)  # by name: modules


def _restore(before):
    """Forget our modules that were not loaded before; those of the system stay."""
    for name in [name for name in sys.modules if name not in before]:  # few: memory may be short
        if getattr(sys.modules[name], "__file__", "").startswith(HERE):
            drop(name)


try:
    os.stat(_PACK)
except OSError:
    pass  # all modules have files of their own
else:
    import vfs

    vfs.mount(Pack(_PACK), HERE + "~")
    sys.path.insert(sys.path.index(HERE) + 1, HERE + "~")
