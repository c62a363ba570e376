"""Rewrites the comparisons of plain asserts, so that a failure shows the two values: MicroPython says nothing.

    assert box.duty(16000) == 266       becomes
    assert __compare((box.duty(16000)), '==', (266)), __why()

Each side is evaluated once, as before, and every line stays where it is. An assert with a message, with `and`, with a
chain of comparisons or an `await` is left alone.
"""

import ast

_OPERATORS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

# At the end of the file, so that line numbers stay; the names cannot clash with a test's.
_IMPORT = "\nfrom runner import compare as __compare, why as __why\n"


def rewrite(text: str) -> str:
    """The test file with its asserts rewritten; unchanged where there is nothing to rewrite."""
    raw = text.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column

    edits: list[tuple[int, int, bytes]] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assert) or node.msg is not None:
            continue
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or _leaves_function(test):
            continue
        left, right = test.left, test.comparators[0]
        sides = [
            raw[offset(e.lineno, e.col_offset) : offset(e.end_lineno or 0, e.end_col_offset or 0)]
            for e in (left, right)
        ]
        begin = offset(node.lineno, node.col_offset)
        end = offset(node.end_lineno or 0, node.end_col_offset or 0)
        # What lies between the sides (an operator, brackets, comments) goes; its line ends stay.
        missing = raw[begin:end].count(b"\n") - sum(side.count(b"\n") for side in sides)
        operator = _OPERATORS[type(test.ops[0])].encode()
        new = b"assert __compare((%s), '%s',%s(%s)), __why()" % (
            sides[0],
            operator,
            b"\n" * missing,
            sides[1],
        )
        edits.append((begin, end, new))
    if not edits:
        return text
    for begin, end, new in sorted(edits, reverse=True):
        raw = raw[:begin] + new + raw[end:]
    return raw.decode().rstrip("\n") + _IMPORT


def _leaves_function(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr) for inner in ast.walk(node))
