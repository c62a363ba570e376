"""What a test file holds, without importing it: tests, case tables, requirement ids, directives.

outline = read(path)
outline.tests[0]      Test(name="test_duty", line=12, cases=["6000", "16000"], requirements=("EV-03",), ...)
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

_REQUIREMENT = re.compile(r"^\s*#\s*req:\s*(.+?)\s*$")
_DIRECTIVE = re.compile(r"^#\s*(heap|room|timeout|stand-ins):\s*(.+?)\s*$", re.MULTILINE)
_SIZE = re.compile(r"^(\d+)\s*([KM]?)B?$")


@dataclass(frozen=True)
class Test:
    """One `test_` function. `cases` has a label per row of its table; None: no table, or one that is computed."""

    __test__ = False  # for pytest, which collects classes called Test

    name: str
    line: int
    is_async: bool
    parameters: tuple[str, ...]
    table: str | None
    cases: tuple[str, ...] | None
    requirements: tuple[str, ...]

    def items(self) -> list[tuple[str, int | None]]:
        """Names of the items that it makes, each with the row it runs (None: all, or no table)."""
        if self.cases is None:
            return [(self.name, None)]
        return [(f"{self.name}[{label}]", row) for row, label in enumerate(self.cases)]


@dataclass
class Outline:
    """A test file. heap: chip bytes or None; room: bytes or None; timeout: seconds or None; stand_ins: of boards/virtual."""

    tests: list[Test] = field(default_factory=list)
    heap: int | None = None
    room: int | None = None
    timeout: float | None = None
    stand_ins: tuple[str, ...] = ()


class OutlineError(Exception):
    """A test file that cannot be understood: line and reason."""

    def __init__(self, line: int, reason: str):
        super().__init__(line, reason)
        self.line, self.reason = line, reason

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def size(text: str) -> int:
    """ "104K" -> 106496; ValueError if it is no size."""
    found = _SIZE.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size such as 60K")
    return int(found[1]) * {"": 1, "K": 1024, "M": 1024 * 1024}[found[2]]


def read(path: Path) -> Outline:
    """The outline of a device test file; OutlineError if it breaks the form, SyntaxError if it is not Python."""
    text = path.read_text("utf-8")
    module = ast.parse(text, str(path))
    outline = Outline()
    for found in _DIRECTIVE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        try:
            if found[1] == "heap":
                outline.heap = size(found[2])
            elif found[1] == "room":
                outline.room = size(found[2])
            elif found[1] == "timeout":
                outline.timeout = float(found[2].removesuffix("s"))
            else:
                outline.stand_ins = tuple(re.split(r"[,\s]+", found[2]))
        except ValueError as error:
            raise OutlineError(line, str(error))
    tables = _tables(module)
    comments = requirements(text, module)
    seen: set[str] = set()
    for node in module.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        if node.name in seen:
            raise OutlineError(node.lineno, f"a second {node.name}: the first would never run")
        seen.add(node.name)
        parameters = tuple(a.arg for a in node.args.args)
        table = None
        if parameters:
            own = "CASES_" + node.name.removeprefix("test_").upper()
            table = own if own in tables else "CASES"
            if table not in tables:
                raise OutlineError(node.lineno, f"{node.name} has parameters, but there is no table {own} or CASES")
        outline.tests.append(
            Test(
                name=node.name,
                line=node.lineno,
                is_async=isinstance(node, ast.AsyncFunctionDef),
                parameters=parameters,
                table=table,
                cases=_labels(tables[table]) if table else None,
                requirements=comments.get(node.name, ()),
            )
        )
    return outline


def requirements(text: str, module: ast.Module | None = None) -> dict[str, tuple[str, ...]]:
    """{function or "Class.function": ids} from the comments `# req: TX-08, TX-09` right above each test.

    The comment may stand anywhere in the block of comments above the function and its decorators; above a class it
    holds for all of its tests.
    """
    lines = text.splitlines()
    found: dict[str, tuple[str, ...]] = {}

    def above(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        ids: list[str] = []
        at = first - 2
        while at >= 0 and lines[at].lstrip().startswith("#"):
            match = _REQUIREMENT.match(lines[at])
            if match:
                ids[:0] = [part for part in re.split(r"[,\s]+", match[1]) if part]
            at -= 1
        return tuple(ids)

    def visit(body: list[ast.stmt], prefix: str, inherited: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.", inherited + above(node))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                ids = inherited + above(node)
                if ids:
                    found[prefix + node.name] = ids

    visit((module or ast.parse(text)).body, "", ())
    return found


def _tables(module: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and (target.id == "CASES" or target.id.startswith("CASES_"))
    }


def _labels(table: ast.expr) -> tuple[str, ...] | None:
    """A label per row: its first element; None if the rows cannot be counted without running the file."""
    if not isinstance(table, ast.List | ast.Tuple) or any(isinstance(e, ast.Starred) for e in table.elts):
        return None
    labels: list[str] = []
    for row in table.elts:
        first = row.elts[0] if isinstance(row, ast.Tuple | ast.List) and row.elts else row
        label = str(first.value) if isinstance(first, ast.Constant) else ast.unparse(first)
        label = re.sub(r"[^\w.+:/ -]", "_", label)[:40] or "row"
        labels.append(label if label not in labels else f"{label}#{len(labels)}")
    return tuple(labels)
