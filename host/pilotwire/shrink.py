"""Makes a module smaller in the charger's RAM before it is compiled, without a trace in the sources.

Every name costs its characters and seven bytes in the pool of interned strings of MicroPython. Private names (`_register_id`)
mean nothing outside of their module, so each module gets short ones, the same in all: `_a`, `_b`. So do arguments that are
never passed by name. And `const` is known to the compiler: importing it, with the fallback that CPython needs, only costs
bytes. Lines stay where they are.
"""

import ast
import builtins
import io
import itertools
import string
import tokenize
from collections.abc import Iterable, Iterator

from pilotwire.errors import PilotwireError

# Bases that bring no private names of Python with them.
_FOREIGN_BASES = {"IOBase"}


def keywords(texts: Iterable[str]) -> frozenset[str]:
    """The names by which arguments are passed anywhere in these sources."""
    found: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.keyword):
                found.add(node.arg or "**")
    return frozenset(found)


def shrink(text: str, name: str, passed: frozenset[str] | None = None) -> str:
    """The source of a module with short private names and arguments, and without imports of `const`.

    Args:
        text: source of the module.
        name: for errors.
        passed: `keywords` of all the sources that may call it; None leaves the arguments as they are.

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
        (token.start, token.end[1], short[token.string])
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and token.string in short
    ]
    lines = text.splitlines(keepends=True)
    if passed is not None and "**" not in passed:
        edits += _arguments(ast.parse(text), passed, lines)
    for (row, start), end, new in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + new + line[end:]
    return "".join(lines)


def _arguments(tree: ast.Module, passed: frozenset[str], lines: list[str]) -> list[tuple[tuple[int, int], int, str]]:
    """Edits ((row, start), end, new) that give arguments the same few names in every function."""
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taken |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    taken |= {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
              for alias in node.names}  # fmt: skip
    taken |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    free = [letter for letter in string.ascii_lowercase if letter not in taken]
    edits = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = [*function.args.posonlyargs, *function.args.args]
        # Only its body: defaults and decorators are of the scope around it.
        inner = [node for statement in function.body for node in ast.walk(statement)]
        # A name that an inner function or an f-string uses as well is left alone: rare, and hard to get right.
        bound = {node.arg for node in inner if isinstance(node, ast.arg)}
        for node in inner:
            if isinstance(node, ast.JoinedStr | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                bound |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            elif isinstance(node, ast.Global | ast.Nonlocal):
                bound |= set(node.names)
        names = iter(free)
        for argument in arguments:
            old = argument.arg
            if old in ("self", "cls") or len(old) < 3 or old.startswith("_") or old in passed or old in bound:
                continue
            new = next(names, None)
            if new is None:
                break
            places = [argument, *(node for node in inner if isinstance(node, ast.Name) and node.id == old)]
            for place in places:
                line = lines[place.lineno - 1]
                start = len(line.encode()[: place.col_offset].decode())
                edits.append(((place.lineno, start), start + len(old), new))
    return edits


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
