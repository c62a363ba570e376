"""Cold modules: loaded for one job and forgotten after it, so that only their job costs RAM.

    cold.call("ocpp16.authorization", "decide", cp, tag)         a function of it, once
    await cold.run("transfer", "get", url, sink)                 the same of a coroutine

What the module imports is forgotten with it, unless it was there before. What a function returns may live
on, but keeps alive what it refers to.
"""

import sys

HERE = __file__.rpartition("/")[0]
_running = []  # what was loaded before each run() that has not ended


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
