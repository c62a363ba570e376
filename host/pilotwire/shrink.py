"""Makes a module smaller in the charger's RAM before it is compiled, without a trace in the sources.

Every name costs its characters and seven bytes in the pool of interned strings of MicroPython. Private names (`_register_id`)
mean nothing outside of their module, so each module gets short ones, the same in all: `_a`, `_b`. And `const` is known to
the compiler: importing it, with the fallback that CPython needs, only costs bytes. Lines stay where they are.
"""

import ast
import builtins
import io
import itertools
import string
import tokenize
from collections.abc import Iterator

from pilotwire.errors import PilotwireError

# Bases that bring no private names of Python with them.
_FOREIGN_BASES = {"IOBase"}


def shrink(text: str, name: str) -> str:
    """The source of a module with short private names and without imports of `const`.

    Args:
        text: source of the module.
        name: for errors.

    Raises:
        PilotwireError: a class with private attributes inherits from one of another module: the short names of the two
            could be the same.
    """
    tree = ast.parse(text)
    _check_bases(tree, name)
    lines = text.splitlines(keepends=True)
    for node in tree.body:
        if _imports_const(node):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = "\n"
    text = "".join(lines)
    short = _names(tree, text)
    edits = [
        (token.start, token.end, short[token.string])
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and token.string in short
    ]
    lines = text.splitlines(keepends=True)
    for (row, start), (_, end), new in reversed(edits):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + new + line[end:]
    return "".join(lines)


def _imports_const(node: ast.stmt) -> bool:
    if isinstance(node, ast.Try):
        return len(node.body) == 1 and _imports_const(node.body[0])
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "micropython"
        and [alias.name for alias in node.names] == ["const"]
    )


def _is_private(name: str) -> bool:
    return len(name) > 2 and name.startswith("_") and not name.startswith("__")


def _names(tree: ast.AST, text: str) -> dict[str, str]:
    """{private name: short name} of what this module defines."""
    defined: set[str] = set()
    strings: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            defined.add(node.attr)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)  # for getattr
        elif isinstance(node, ast.JoinedStr):  # one token up to Python 3.11, so its names can't be changed
            strings.update(
                inner.attr if isinstance(inner, ast.Attribute) else inner.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Attribute | ast.Name)
            )
    used = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and _is_private(token.string)
    ]
    wanted = [name for name in dict.fromkeys(used) if name in defined and name not in strings]
    free = (name for name in _short_names() if name not in text)
    return dict(zip(wanted, free, strict=False))


def _short_names() -> Iterator[str]:
    for size in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=size):
            yield "_" + "".join(letters)


def _check_bases(tree: ast.Module, name: str) -> None:
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "?") for base in node.bases}
        foreign = {base for base in bases - own - _FOREIGN_BASES if not hasattr(builtins, base)}
        private = any(
            _is_private(inner.attr if isinstance(inner, ast.Attribute) else inner.name)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Attribute | ast.FunctionDef | ast.AsyncFunctionDef)
        )
        if foreign and private:
            raise PilotwireError(
                f"{name}:{node.lineno}: {node.name} has private names and inherits from {', '.join(sorted(foreign))}",
                "short names of two modules could clash",
                "hold the other object instead of inheriting from it",
            )
