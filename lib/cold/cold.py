"""Cold modules: loaded for one job and forgotten after it, so that only their job costs RAM.

    cold.call("ocpp16.authorization", "decide", cp, tag)         a function of it, once
    await cold.run("transfer", "get", url, sink)                 the same of a coroutine

What the module imports is forgotten with it, unless it was there before. What a function returns may live
on, but keeps alive what it refers to.

Modules may lie in one file beside this one, modules.pack: on LittleFS each file of its own takes a block of
4 KB, and it takes long to find one of many. Import finds them from when this module is loaded on; a module
that lies beside the pack comes before one in it. The format, numbers big-endian: a byte 1, a byte with the
number of directories, two with that of modules; the CRC-32 of each directory's path ("/port"); a record for
each module, in the order of their bytes (CRC-32 of the path, "/port/line.mpy"; a byte 1, or 2 for one that is
a raw deflate stream; three bytes with its place in the file); the modules.
"""

import gc
import sys
from binascii import crc32

HERE = __file__.rpartition("/")[0]
_FILE = (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_DIRECTORY = (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_MICROPYTHON = sys.implementation.name == "micropython"
_names = tuple if _MICROPYTHON else set  # a set takes more, but a desktop has a thousand
_running = []  # what was loaded before each run() that has not ended


class Pack:
    """A file system for vfs.mount, of which only import asks anything."""

    def __init__(self, path):
        self._path = path
        with open(path, "rb") as file:
            head = file.read(4)
            self._count = head[2] << 8 | head[3]
            self._directories = file.read(4 * head[1])

    def mount(self, readonly, mkfs):
        """Nothing has to be done."""

    def stat(self, path):
        """Ten numbers, of which the first says file or directory; OSError."""
        if path[-4:] == ".mpy":
            try:
                found = self._find(path)
            except MemoryError:
                return _FILE  # open() will say so: import takes whatever is raised here for "there is none"
            if found:
                found[0].close()
                return _FILE
        elif _key(path) in self._directories:
            return _DIRECTORY
        raise OSError(2)

    def open(self, path, mode):
        """The module as a stream; a file beside the pack for those who look beside their module."""
        if path[-4:] != ".mpy":
            return open(HERE + path, mode)
        found = self._find(path)
        if not found:
            raise MemoryError  # stat() had none to look: it may be a module of the system
        file, kind = found
        if kind == 1:
            return file
        from deflate import RAW, DeflateIO

        return DeflateIO(file, RAW, 10, True)

    def _find(self, path):
        """(the pack, open at the module, its kind), or None."""
        key = _key(path)
        file = open(self._path, "rb")  # each time: LittleFS counts the blocks of a file twice that is open twice
        low, high = 0, self._count
        while low < high:
            middle = (low + high) >> 1
            file.seek(4 + len(self._directories) + 8 * middle)
            found = file.read(8)
            if found[:4] == key:
                file.seek(int.from_bytes(found[5:], "big"))
                return file, found[4]
            if found < key:
                low = middle + 1
            else:
                high = middle
        file.close()
        return None


def _key(path):
    return crc32(path.encode()).to_bytes(4, "big")


def load(name):
    """The module `name`, which may be a part of a package; ImportError. To be dropped by drop()."""
    # An allocation that fails collects deep down in the loader, where the stack still holds much that is dead.
    if _MICROPYTHON and name not in sys.modules and gc.mem_free() << 3 < gc.mem_alloc():
        gc.collect()
    return __import__(name, None, None, ("*",))  # by name: whatever is asked


def call(name, function, *args):
    """What `function` of the module returns."""
    before = _names(_loaded())
    try:
        return getattr(load(name), function)(*args)  # by name: renamed where cold is called
    finally:
        drop(name)
        _restore(before)


async def run(name, function, *args):
    """What the coroutine `function` of the module returns; others may load, run and drop modules meanwhile.

    Runs that overlap may share modules: what they loaded is forgotten when the last of them ends.
    """
    before = _running[0] if _running else _names(sys.modules)
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


def _loaded(before=()):
    """Names of modules, but for those in `before` and in what a run() that has not ended has noted: few, memory may be short."""
    noted = _running[0] if _running else ()
    return [name for name in sys.modules if name not in noted and name not in before]


def _restore(before):
    """Forget our modules that were not loaded before; those of the system stay."""
    for name in _loaded(before):
        if getattr(sys.modules[name], "__file__", "").startswith(HERE):
            drop(name)


try:
    _pack = Pack(HERE + "/modules.pack")
except OSError:
    pass  # all modules have files of their own
else:
    import vfs

    vfs.mount(_pack, HERE + "~")
    sys.path.insert(sys.path.index(HERE) + 1, HERE + "~")
