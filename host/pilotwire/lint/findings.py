"""One finding of a check, and the files that the checks of device code look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Finding:
    """Where (path from the root, line), what is wrong, what to do. A warning is shown, and lets lint pass."""

    path: str
    line: int
    what: str
    do: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.what}: {self.do}"


@dataclass(frozen=True)
class Source:
    """A parsed file. path: from the root, with slashes."""

    path: str
    text: str
    tree: ast.Module

    def line(self, number: int) -> str:
        """Text of a line, counted from 1."""
        return self.text.splitlines()[number - 1]


def device_sources(root: Path, folders: tuple[str, ...] = ("firmware", "lib")) -> Iterator[Source | Finding]:
    """All code of these folders; a file that is not Python comes as a finding."""
    for top in folders:
        for path in sorted((root / top).rglob("*.py")):
            if "__pycache__" in path.parts:
                continue
            name = path.relative_to(root).as_posix()
            text = path.read_text("utf-8")
            try:
                yield Source(name, text, ast.parse(text, name))
            except SyntaxError as error:
                yield Finding(name, error.lineno or 1, f"not Python: {error.msg}", "correct it")
