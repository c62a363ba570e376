"""Time of bytecode in the Unix port, without that of loading modules, which on the chip is the file system's: see bench.core."""

import builtins
import sys
import time

_import = __import__
_loading = [0, 0, 0]  # depth, modules, microseconds


def _counted(name, *args):
    if name in sys.modules:
        return _import(name, *args)
    begin = time.ticks_us()
    _loading[0] += 1
    try:
        module = _import(name, *args)
        _loading[1] += hasattr(module, "__file__")  # else it is built in
        return module
    finally:
        _loading[0] -= 1
        if not _loading[0]:
            _loading[2] += time.ticks_diff(time.ticks_us(), begin)


builtins.__import__ = _counted


class Watch:
    """Time since it was made, less what went into loading modules."""

    def __init__(self):
        _loading[1] = _loading[2] = 0
        self._begin = time.ticks_us()

    def stop(self):
        """(microseconds of bytecode, modules loaded)."""
        took = time.ticks_diff(time.ticks_us(), self._begin)
        return took - _loading[2], _loading[1]


def median_loop():
    """The yardstick: microseconds of 100,000 turns of a loop."""
    took = []
    for _ in range(5):
        begin = time.ticks_us()
        for _ in range(100000):
            pass
        took.append(time.ticks_diff(time.ticks_us(), begin))
    return sorted(took)[2]
