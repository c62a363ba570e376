"""Stand-ins of the virtual board for CPython, by path: their folder must not shadow CPython's modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def module(name, path):
    """A module from a file of the repository, known under its name from then on."""
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


if "micropython" not in sys.modules:  # modules without a way round it
    sys.modules["micropython"] = ModuleType("micropython")
    sys.modules["micropython"].const = lambda value: value  # type: ignore[attr-defined]

nor = module("nor", "boards/virtual/nor.py")
chip_boot = module("chip_boot", "boards/virtual/chip_boot.py")
