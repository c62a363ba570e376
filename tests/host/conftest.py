"""Cold modules of the device under CPython: loaded and forgotten as often as there, but found and compiled only once.

MicroPython loads what is compiled already. CPython would go through the whole path and compile the source at each of the
thousands of loads of a test. What a load is for, a module that is new, stays so.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

from stand_ins import ROOT  # with it comes `micropython`, for which the whole path would be searched as well

_DEVICE = (str(ROOT / "firmware"), str(ROOT / "lib"))


class _Loader(SourceFileLoader):
    _code = None

    def get_code(self, fullname):
        self._code = self._code or super().get_code(fullname)
        return self._code


class _Finder:
    def __init__(self):
        self._found: dict[str, ModuleSpec] = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self._found:
            spec = PathFinder.find_spec(name, path)
            if not (spec and spec.origin and spec.origin.startswith(_DEVICE)):
                return None
            spec.loader = _Loader(name, spec.origin)
            self._found[name] = spec
        return self._found[name]


sys.meta_path.insert(0, _Finder())
