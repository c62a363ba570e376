"""Keeps the strings of cold modules out of the table of names.

A string of up to ten characters is interned by the compiler, and so it stays in the charger's RAM when its module is gone. What
is in a tuple is not: `"wss"` becomes `("wss",)[0]`, of which `pilotwire.unwrapping` takes the tuple away again. In a warm module
it would only cost more.
"""

import ast
import io
import tokenize
from collections.abc import Collection

from pilotwire.shrink import Edit, dotted, place

_INTERNED = 10  # characters, MICROPY_ALLOC_PARSE_INTERN_STRING_LEN


def edits(text: str, tree: ast.Module, known: Collection[str], spared: Collection[int]) -> list[Edit]:
    """What to replace in a source.

    Args:
        known: strings that are interned anyway.
        spared: ids of nodes that have to stay literals.
    """
    lines = text.splitlines()
    joined = _joined(text)
    kept = set(spared)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.JoinedStr):
            kept |= {id(inner) for inner in ast.walk(node) if isinstance(node, ast.JoinedStr) or inner is node.value}
        elif isinstance(node, ast.Tuple) and all(isinstance(element, ast.Constant) for element in node.elts):
            kept |= {id(element) for element in node.elts}  # a tuple already
        elif isinstance(node, ast.Call) and (dotted(node.func) in ("const", "getattr", "hasattr") or _gets(node)):
            kept |= {id(argument) for argument in node.args}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in kept:
            continue
        start, end = place(node, lines[node.lineno - 1])
        if len(node.value.encode()) > _INTERNED or node.value in known or node.lineno != node.end_lineno or start in joined:
            continue
        found.append((start, end, f"({lines[node.lineno - 1][start[1] : end]},)[0]"))
    return found


def _gets(node: ast.Call) -> bool:
    """A setting is asked for: its name is in RAM."""
    return dotted(node.func).endswith("settings.get")


def _joined(text: str) -> set[tuple[int, int]]:
    """Places of strings that are written in several pieces."""
    found: set[tuple[int, int]] = set()
    last = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        if token.type == tokenize.STRING and last and last.type == tokenize.STRING:
            found |= {last.start, token.start}
        last = token
    return found
