"""Cold modules: loaded for one job and forgotten after it, so that only their job costs RAM.

    core = cold.load("ocpp16.core")
    try: ... core.Profile(cp).reset(payload) ...
    finally: cold.drop("ocpp16.core")          nothing of the module may be kept beyond this
"""

import sys


def load(name):
    """The module `name`, which may be a part of a package; ImportError."""
    return __import__(name, None, None, ("*",))


def drop(name):
    """Forget the module; the next collection takes it."""
    sys.modules.pop(name, None)
    package, _, part = name.rpartition(".")
    package = sys.modules.get(package)
    if package and hasattr(package, part):
        delattr(package, part)
