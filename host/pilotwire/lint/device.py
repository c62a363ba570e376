"""Rules for code that runs on the chip: what its interpreter lacks, and what costs RAM or precision there.

    check(source, used)  -> findings

A line that breaks a rule on purpose says `# lint: REASON`.
"""

import ast
from collections.abc import Iterable, Iterator

from pilotwire.lint.findings import Finding, Source

MAX_LINES = 350
SMALL_INT = 1 << 30  # from here on an int is an object on the heap, and the safety step may not allocate

# Methods of str, int and bytes that MicroPython has not.
_MISSING = {
    "zfill",
    "removeprefix",
    "removesuffix",
    "bit_length",
    "casefold",
    "expandtabs",
    "swapcase",
    "title",
}


def names_used(sources: Iterable[Source]) -> dict[str, set[str]]:
    """{name: paths} of all names that are imported by name or read as an attribute."""
    used: dict[str, set[str]] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                used.setdefault(node.attr, set()).add(source.path)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    used.setdefault(alias.name, set()).add(source.path)
    return used


def check(source: Source, used: dict[str, set[str]]) -> list[Finding]:
    """Findings of one file, in the order of its lines; `used` as `names_used` returns it."""
    found = [
        f for f in _rules(source, used) if "# lint: " not in source.line(f.line)
    ]
    lines = source.text.count("\n")
    if lines > MAX_LINES:
        found.append(
            Finding(
                source.path,
                lines,
                f"{lines} lines",
                f"over {MAX_LINES}: look for a part with a name",
                warning=True,
            )
        )
    return sorted(found)


def _rules(source: Source, used: dict[str, set[str]]) -> Iterator[Finding]:
    def finding(node: ast.AST, what: str, do: str) -> Finding:
        return Finding(source.path, getattr(node, "lineno", 1), what, do)

    in_port = source.path.startswith("firmware/port/")
    in_evse = source.path.startswith("firmware/evse/")
    folded: set[ast.AST] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield finding(
                node,
                f"float {node.value}",
                "use an int in a smaller unit: the chip's floats have 24 bits",
            )
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield finding(node, "true division", "write // (the result of / is a float)")
        elif isinstance(node, ast.Call) and _is_time(node.func) and not in_port:
            yield finding(
                node,
                "time.time()",
                "take the time as an argument, or ask the clock: only port/ reads it",
            )
        elif isinstance(node, ast.ImportFrom) and node.module == "time" and not in_port:
            if any(alias.name == "time" for alias in node.names):
                yield finding(
                    node,
                    "from time import time",
                    "take the time as an argument: only port/ reads it",
                )
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield finding(
                node,
                "bare except",
                "name the exceptions: it would swallow CancelledError and KeyboardInterrupt",
            )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in ("startswith", "endswith") and node.args and isinstance(node.args[0], ast.Tuple):
                yield finding(
                    node,
                    f"{name} with a tuple",
                    "MicroPython takes one string only: join the calls with `or`",
                )
            elif name in _MISSING and not _defined(source.tree, name):
                yield finding(node, f".{name}()", "MicroPython has no such method")
        if in_evse and isinstance(node, ast.expr) and node not in folded:
            value = _fold(node)
            if value is not None:
                folded.update(ast.walk(node))  # (1 << 30) - 1 is small, whatever its parts are
            if value is not None and not -SMALL_INT <= value < SMALL_INT:
                yield finding(
                    node,
                    f"integer {value}",
                    "2**30 and more allocates on the chip, which the safety step may not",
                )
    yield from _constants(source, used)


def _constants(source: Source, used: dict[str, set[str]]) -> Iterator[Finding]:
    for node in source.tree.body:
        if not isinstance(node, ast.Assign) or not _is_const(node.value):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                others = used.get(target.id, set()) - {source.path}
                if not others and "# public" not in source.line(node.lineno):
                    yield Finding(
                        source.path,
                        node.lineno,
                        f"const {target.id} stays in RAM",
                        f"call it _{target.id}, or write `# public` behind it: no other module uses it",
                    )


def _is_const(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const"


def _is_time(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "time"
        and isinstance(node.value, ast.Name)
        and node.value.id in ("time", "utime")
    )


def _defined(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree))


def _fold(node: ast.AST) -> int | None:
    """Value of an integer expression of literals, as the compiler folds it; None if it is none."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _fold(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp):
        left, right = _fold(node.left), _fold(node.right)
        if left is None or right is None:
            return None
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.LShift():
                return left << right if 0 <= right < 256 else None
            case ast.Pow():
                return left**right if 0 <= right < 256 and abs(left) < 1 << 64 else None
    return None
