"""Cold modules: loaded for one job and forgotten after it, so that only their job costs RAM.

    cold.call("ocpp16.authorization", "decide", cp, tag)        a function of it, once
    module = cold.load(name) ... finally: cold.drop(name)       nothing of it may be kept beyond this
"""

import sys


def load(name):
    """The module `name`, which may be a part of a package; ImportError."""
    return __import__(name, None, None, ("*",))


def call(name, function, *args):
    """What `function` of the module returns; it must not return a part of the module."""
    try:
        return getattr(load(name), function)(*args)
    finally:
        drop(name)


def drop(name):
    """Forget the module; the next collection takes it."""
    sys.modules.pop(name, None)
    package, _, part = name.rpartition(".")
    package = sys.modules.get(package)
    if package and hasattr(package, part):
        delattr(package, part)
