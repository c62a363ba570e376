"""Interns the long strings of warm modules.

The compiler interns strings of up to ten characters. A longer one is an object and its characters, 48 bytes for 20, each time
that it stands in a module; interned it would take 27, once. When a module is loaded, a string of it that is interned already
is taken from there: so the charger first loads, and drops, a module whose names are these strings. Only identifiers can be names
in a source; the others get stand-ins of the same length, which are replaced in the .mpy.
"""

import ast
from collections.abc import Iterable

from pilotwire.errors import PilotwireError

MODULE = "vocabulary.py"
_SHORT = 10  # characters that the compiler interns by itself, MICROPY_ALLOC_PARSE_INTERN_STRING_LEN
_LONG = 100  # bytes: in a .mpy the length of a name takes one byte up to 127


def strings(texts: Iterable[str]) -> list[str]:
    """Those of these sources that are worth it, in order."""
    found: set[str] = set()
    for text in texts:
        tree = ast.parse(text)
        idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in idle:
                if len(node.value) > _SHORT and len(node.value.encode()) <= _LONG:
                    found.add(node.value)
    return sorted(found)


def source(found: Iterable[str]) -> str:
    """A module that has these strings, or what stands for them, as names; nothing in it is ever called."""
    return "def _(x):\n    pass\n" + "".join(f"    x.{_name(text, number)}\n" for number, text in enumerate(found))


def compiled(mpy: bytes, found: Iterable[str]) -> bytes:
    """The .mpy of `source()` with the strings themselves.

    Raises:
        PilotwireError: a stand-in is not in it just once.
    """
    for number, text in enumerate(found):
        name = _name(text, number).encode()
        if name == text.encode():
            continue
        if mpy.count(name) != 1:
            raise PilotwireError("cannot intern strings", f"{name.decode()} is {mpy.count(name)} times in the .mpy")
        mpy = mpy.replace(name, text.encode())
    return mpy


def _name(text: str, number: int) -> str:
    if text.isidentifier() and text.isascii():
        return text
    return f"z{number}q".ljust(len(text.encode()), "q")
