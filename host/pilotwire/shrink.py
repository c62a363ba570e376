"""Pieces of source that are changed before it is compiled; lines stay where they are.

Every name costs its characters and seven bytes in the pool of interned strings of MicroPython. `pilotwire.renaming` puts these
together for the firmware. `shrink` is for a module that meets others which stay as they are: only its private names
(`_register_id`), which mean nothing outside of it, get short ones, the same in all modules: `_a`, `_b`.
"""

import ast
import builtins
import io
import itertools
import re
import string
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence

from pilotwire.errors import PilotwireError

# Bases that bring no private names of Python with them.
_FOREIGN_BASES = {"IOBase"}

_BY_NAME = re.compile(r"# by name: (\S.*)")

# ((row, column), end column, new text), in characters; rows from 1.
Edit = tuple[tuple[int, int], int, str]


def shrink(text: str, name: str) -> str:
    """The source of a module with short private names and without imports of `const`.

    Args:
        text: source of the module.
        name: for errors.

    Raises:
        PilotwireError: a class inherits from one of another module: the short names of the two could be the same.
    """
    tree = ast.parse(text)
    check_bases(tree, name)
    text = without_const(text)
    short = _names(tree, text)
    names = (t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.NAME)
    return apply(text, [(t.start, t.end[1], short[t.string]) for t in names if t.string in short])


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with pieces of its lines replaced."""
    lines = text.splitlines(keepends=True)
    for (row, start), end, new in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + new + line[end:]
    return "".join(lines)


def place(node: ast.arg | ast.expr, line: str) -> tuple[tuple[int, int], int]:
    """Start and end of a node within its first line, in characters; `ast` counts bytes."""
    columns = [len(line.encode()[:at].decode()) for at in (node.col_offset, node.end_col_offset or 0)]
    return (node.lineno, columns[0]), columns[1]


def dotted(node: ast.AST) -> str:
    """`cold.call` of a name or attribute; "?" stands for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def said_by_name(text: str, node: ast.stmt | ast.expr | ast.arg) -> set[str]:
    """Words of the comment `# by name: ...` on the lines of a node: what its strings may be."""
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return {word for line in lines if (found := _BY_NAME.search(line)) for word in re.findall(r"\w+", found[1])}


def keywords(texts: Iterable[str]) -> frozenset[str]:
    """The names by which arguments are passed anywhere in these sources."""
    found: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.keyword):
                found.add(node.arg or "**")
    return frozenset(found)


def without_const(text: str) -> str:
    """The source without `const`, which is known to the compiler: its import, with the fallback for CPython, costs bytes."""
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if _imports_const(node):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = "\n"
    return "".join(lines)


def with_const(text: str) -> str:
    """The source with `const` around private whole numbers at top level: the compiler writes them out and drops the name."""
    tree = ast.parse(text)
    bound = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    shared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    lines = text.splitlines()
    edits: list[Edit] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            number = isinstance(value, ast.Constant) and type(value.value) is int
            if number and is_private(name) and bound.count(name) == 1 and name not in shared:
                start, end = place(value, lines[node.lineno - 1])
                edits.append((start, end, f"const({lines[node.lineno - 1][start[1] : end]})"))
    return apply(text, edits)


def constants(tree: ast.Module) -> set[str]:
    """Names at top level that stand for a `const()`."""
    return {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "const"
    }


def short_arguments(text: str, passed: Collection[str], names: Sequence[str], free: Collection[str] = ()) -> str:
    """The source with the same few names for the arguments of every function, where nobody passes them by name.

    Args:
        text: source of the module.
        passed: `keywords` of all the sources that may call it.
        names: for the arguments; the module may use some of them already.
        free: names that cost nothing as they are.
    """
    if "**" in passed:
        return text
    tree = ast.parse(text)
    taken = {token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME}
    lines = text.splitlines()
    edits: list[Edit] = []
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
        left = (name for name in names if name not in taken)
        for argument in arguments:
            old = argument.arg
            if old in ("self", "cls") or old.startswith("_") or old in free or old in passed or old in bound:
                continue
            new = next(left, None)
            if new is None:
                break
            for node in [argument, *(node for node in inner if isinstance(node, ast.Name) and node.id == old)]:
                start, _ = place(node, lines[node.lineno - 1])
                edits.append((start, start[1] + len(old), new))
    return apply(text, edits)


def _imports_const(node: ast.stmt) -> bool:
    if isinstance(node, ast.Try):
        return len(node.body) == 1 and _imports_const(node.body[0])
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "micropython"
        and [alias.name for alias in node.names] == ["const"]
    )


def is_private(name: str) -> bool:
    """Is it of a module, or of one of its classes?"""
    return len(name) > 1 and name.startswith("_") and not name.startswith("__")


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
        if token.type == tokenize.NAME and is_private(token.string) and len(token.string) > 2
    ]
    wanted = [name for name in dict.fromkeys(used) if name in defined and name not in strings]
    free = (name for name in _short_names() if name not in text)
    return dict(zip(wanted, free, strict=False))


def _short_names() -> Iterator[str]:
    for size in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=size):
            yield "_" + "".join(letters)


def check_bases(tree: ast.AST, name: str) -> None:
    """PilotwireError if a class inherits from one of another module."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "?") for base in node.bases}
        foreign = {base for base in bases - own - _FOREIGN_BASES if not hasattr(builtins, base)}
        if foreign:
            raise PilotwireError(
                f"{name}:{node.lineno}: {node.name} inherits from {', '.join(sorted(foreign))}",
                "short names of two modules could clash",
                "hold the other object instead of inheriting from it",
            )


def without_unused(text: str, words: Collection[str]) -> str:
    """A module of others without its functions and methods that neither it nor we name.

    Args:
        words: names that the program says.
    """
    tree = ast.parse(text)
    while True:
        said = {*words, *(getattr(node, field, "") for node in ast.walk(tree) for field in ("id", "attr", "value"))}
        unused = 0
        for owner in ast.walk(tree):
            if isinstance(owner, ast.Module | ast.ClassDef):
                left = [node for node in owner.body if (name := getattr(node, "name", "__"))[:2] == "__" or name in said]
                unused += len(owner.body) - len(left)
                owner.body = left or [ast.Pass()]
        if not unused:
            return ast.unparse(tree)
