"""The first line of a bundle: what it is, and for what."""

import json

from bundle import BundleError

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_FORMAT = const(1)
_FILES = const(1000)
_FIELDS = (("version", str), ("minimum", str), ("mpy", int), ("boards", list), ("files", int), ("bytes", int))


def head(line):
    """The dict of the line; BundleError."""
    try:
        found = json.loads(line)
        good = isinstance(found["pwb"], int)
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise BundleError("format", "it is no bundle")
    if found["pwb"] != _FORMAT:
        raise BundleError("format", "it has format %d" % found["pwb"])
    for name, kind in _FIELDS:
        if not isinstance(found.get(name), kind):
            raise BundleError("format", "its head has no " + name)
    if not 0 < found["files"] <= _FILES:
        raise BundleError("format", "it has %d files" % found["files"])
    return found
