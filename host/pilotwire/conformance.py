"""`make conformance`: which rows of docs/ocpp16-requirements.md have a passing test.

A test names the rows it covers in a comment above it, `# req: TX-08`. A row is due when its `Needs` is among the parts given
on the command line, its level is M, S or D, and docs/not-applicable.txt does not name it.

    python -m pilotwire.conformance core tls
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| ([A-Z]+(?:-[A-Z]+)*-\d+) \| ([MSDX])\b.*\| ([a-z]+) \|$")
_SECTION = re.compile(r"^## (\d+)\. (.+)$")
_DUE_LEVELS = "MSD"


@dataclass(frozen=True)
class Row:
    """A requirement: its id, level (M, S, D, X), the part of the firmware it needs, and its section's title."""

    id: str
    level: str
    needs: str
    section: str


def rows(text: str) -> list[Row]:
    """The rows of the requirements table."""
    found, section = [], ""
    for line in text.splitlines():
        heading = _SECTION.match(line)
        if heading:
            section = f"{heading[1]}. {heading[2]}"
        row = _ROW.match(line)
        if row:
            found.append(Row(row[1], row[2], row[3], section))
    return found


def not_applicable(text: str) -> dict[str, str]:
    """{id: reason} of the rows that cannot apply."""
    return dict(line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#"))


@dataclass(eq=False)  # pytest keeps plugins in sets
class Recorder:
    """pytest plugin: keeps the tests that name rows, and learns how they end."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        quick = [item for item in items if _ids(item) and not item.get_closest_marker("exhaustive")]
        covered = {name for item in quick for name in _ids(item)}
        # A row that only long tests cover is worth its time; any other is not.
        chosen = set(quick)
        keep = [item for item in items if item in chosen or _ids(item) - covered]
        kept = set(keep)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = keep

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = _ids(report)
        if report.failed:
            self.failed |= ids
        elif report.when == "call" and report.passed:
            self.passed |= ids


def _ids(test: pytest.Item | pytest.TestReport) -> set[str]:
    """The rows that a test names."""
    return {str(value) for name, value in test.user_properties if name == "req"}


def report(found: list[Row], due: set[str], covered: set[str], exempt: dict[str, str]) -> tuple[list[str], bool]:
    """The lines to print, and whether every due row is covered."""
    lines: list[str] = []
    missing: list[Row] = []
    total = done = 0
    for section in dict.fromkeys(row.section for row in found):
        mine = [
            row
            for row in found
            if row.section == section and row.needs in due and row.level in _DUE_LEVELS and row.id not in exempt
        ]
        if not mine:
            continue
        good = [row for row in mine if row.id in covered]
        missing += [row for row in mine if row.id not in covered]
        total, done = total + len(mine), done + len(good)
        lines.append(f"{len(good):4} of {len(mine):3}  {section}")
    if missing:
        lines.append("without a passing test: " + ", ".join(row.id for row in missing))
    for name, reason in exempt.items():
        lines.append(f"cannot apply: {name} ({reason})")
    lines.append(f"conformance: {done} of {total} rows")
    return lines, done == total


def main(arguments: list[str]) -> int:
    """Runs the tests that name rows; 0 if every due row has one that passes, and none fails."""
    found = rows((ROOT / "docs/ocpp16-requirements.md").read_text())
    recorder = Recorder()
    # In one process, so that the plugin sees every report.
    pytest.main(["-q", "-p", "no:cacheprovider", str(ROOT / "tests")], plugins=[recorder])
    unknown = (recorder.passed | recorder.failed) - {row.id for row in found}
    exempt = not_applicable((ROOT / "docs/not-applicable.txt").read_text())
    lines, complete = report(found, set(arguments), recorder.passed - recorder.failed, exempt)
    if unknown:
        lines.insert(0, "tests name rows that do not exist: " + ", ".join(sorted(unknown)))
    print("\n".join(lines))
    return 0 if complete and not unknown else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
