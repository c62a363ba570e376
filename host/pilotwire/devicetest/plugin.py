"""pytest plugin for tests that run inside MicroPython: tests/lib/test_*.py and tests/firmware/test_*.py.

Each file gets one interpreter, with the heap of the chip, the firmware and libraries compiled at -O0 (asserts live) and the
virtual clock. Each test function, or row of its table, is one pytest item. For all tests, also those of CPython:
`# req: TX-08` above a test puts ("req", "TX-08") into the item's user_properties, and makes `-k TX-08` find it.
The form of the files is described in docs/testing.md.
"""

import ast
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pilotwire import runtime
from pilotwire.devicetest import outline as outlines
from pilotwire.devicetest.suite import ITEMS, Suite
from pilotwire.errors import PilotwireError

if TYPE_CHECKING:
    from pilotwire.devicetest.on_board import TestBoard

HEAP = 104 * 1024  # bytes of the chip: the line that the heap must not cross there (design.md, rule 2)
ROOM = 256 * 1024  # for what the test file itself holds once it is imported, which is no part of the firmware
TIMEOUT_S = 60.0
_MOST_OUTPUT = 1 << 20

# The ROM lies at the start of a heap that is larger by its size, and by the room for what the test file holds.
_START = """
import gc, sys, vfs
_rom = bytearray({rom})
with open({image!r}, "rb") as file:
    file.readinto(_rom)
vfs.mount(vfs.VfsRom(_rom), "/rom")
sys.path.insert(0, "/rom")
del file
gc.collect()
_used = gc.mem_alloc()
import runner
gc.collect()
runner.main({module!r}, {near_wrap!r}, "/rom/{items}", {room} + _used - gc.mem_alloc())
"""

_suite = pytest.StashKey[Suite]()
_board: "pytest.StashKey[TestBoard | None]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pilotwire", "tests inside MicroPython")
    group.addoption(
        "--near-wrap",
        action="store_true",
        help="run tests of the device with the clock five seconds before 2^30 ms, where it wraps",
    )
    group.addoption("--board", metavar="PORT", help="run tests of the device on the board at this serial port")


def pytest_configure(config: pytest.Config) -> None:
    suite = Suite(config.rootpath)
    config.stash[_suite] = suite
    config.stash[_board] = None
    port = config.getoption("--board")
    if port:
        from pilotwire.devicetest.on_board import TestBoard

        config.stash[_board] = TestBoard(port, suite.out)
    # Last on the path: `import evse.pilot`, `import ticks` under CPython, and nothing of CPython is shadowed.
    for folder in suite.import_folders():
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    board = config.stash.get(_board, None)
    if board:
        board.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Under `-n` a device file stays on one worker, since all of it runs in one interpreter.

    Not by `--dist loadgroup`, which does nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    suite = config.stash[_suite]

    class ByInterpreter(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if suite.holds(config.rootpath / path) else nodeid

    return ByInterpreter(config, log)


def pytest_report_header(config: pytest.Config) -> list[str]:
    port = config.getoption("--board")
    header = [f"device tests: on the board at {port}"] if port else []
    return header + ["device tests: clock starts 5 s before its wrap"] * bool(config.getoption("--near-wrap"))


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if parent.config.stash[_suite].holds(module_path):
        return DeviceFile.from_parent(parent, path=module_path)
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Requirement ids of CPython tests; a DeviceItem brings its own."""
    if isinstance(item, pytest.Function):
        name = item.function.__qualname__
        _require(item, _requirements(item.path).get(name, ()))


def _require(item: pytest.Item, ids: tuple[str, ...]) -> None:
    if not ids:
        return
    item.user_properties.extend(("req", one) for one in ids)
    item.extra_keyword_matches.update(ids)
    item.add_marker(pytest.mark.req(*ids))


@functools.lru_cache(maxsize=64)
def _requirements(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        text = path.read_text("utf-8")
        return outlines.requirements(text, ast.parse(text))
    except (OSError, SyntaxError, ValueError):
        return {}


class DeviceFailure(Exception):
    """A test failed inside MicroPython; the text is for the reader."""


@dataclass
class Outcome:
    """What became of one test: its failure (None: passed) and what it printed."""

    failure: str | None
    output: str = ""


@dataclass
class Run:
    """What one interpreter said."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    rest: str = ""  # printed after the last test that ended
    ended: str = ""  # why there are no more outcomes


class DeviceFile(pytest.File):
    """One test file, run by one interpreter when the first of its items is due."""

    outline: outlines.Outline
    _run: Run | None = None

    def collect(self) -> Iterator["DeviceItem"]:
        try:
            self.outline = outlines.read(self.path)
        except (outlines.OutlineError, SyntaxError) as error:
            raise self.CollectError(f"{self.path}: {error}")
        for test in self.outline.tests:
            for name, row in test.items():
                yield DeviceItem.from_parent(self, name=name, test=test, row=row)

    def outcome(self, name: str) -> Outcome:
        """Outcome of one item; runs all items of this file that the session has selected, once."""
        if self._run is None or (name not in self._run.outcomes and not self._run.ended):
            mine = [i for i in self.session.items if isinstance(i, DeviceItem) and i.parent is self]
            self._run = self._start(mine)
        run = self._run
        if name in run.outcomes:
            return run.outcomes[name]
        # Only the first one without a record is to blame; the others had no chance.
        waiting = [i.name for i in self.session.items if i.parent is self and i.name not in run.outcomes]
        if waiting and waiting[0] == name:
            return Outcome(run.ended, run.rest)
        return Outcome(f"not run: {waiting[0]} ended the interpreter ({run.ended.splitlines()[0]})")

    def _start(self, items: list["DeviceItem"]) -> Run:
        suite = self.config.stash[_suite]
        suite.build()
        heap = self.outline.heap or HEAP
        limit = self.outline.timeout or TIMEOUT_S
        near_wrap = bool(self.config.getoption("--near-wrap"))
        rows = [[i.name, i.test.name, len(i.test.parameters), i.test.table, i.row, i.test.is_async] for i in items]
        imports = suite.imports(self.path, self.outline.stand_ins)
        lines = "".join(json.dumps(line) + "\n" for line in [imports, *rows]).encode()
        board = self.config.stash[_board]
        if board:
            from pilotwire.devicetest.on_board import SLOWER

            output, ended = board.run(suite.folders(self.path), self.path.stem, near_wrap, lines, limit * SLOWER)
        else:
            output, ended = self._on_desktop(near_wrap, lines, heap, limit)
        text = output.decode("utf-8", "replace")
        run = Run(ended=ended)
        for part in text.split("\x1e"):
            record, found, printed = part.partition("\n")
            try:
                result = json.loads(record) if found else None
            except ValueError:
                result = None
            if not isinstance(result, dict):
                run.rest += part
                continue
            if "broken" in result:
                run.outcomes.update({i.name: Outcome(suite.explain(result["broken"])) for i in items})
                continue
            failure = None if result["ok"] else suite.explain(result["error"])
            if failure and result.get("row") is not None:
                failure += f"\nin row {result['row']} of the table"
            run.outcomes[result["name"]] = Outcome(failure, run.rest)
            run.rest = printed
        if run.rest.strip() and "MemoryError" in run.rest:
            run.ended += f"; heap {heap // 1024}K of the chip"
        return run

    def _on_desktop(self, near_wrap: bool, items: bytes, heap: int, limit: float) -> tuple[bytes, str]:
        """(what the runner printed, why it ended) in the Unix port, with `heap` bytes of the chip."""
        suite = self.config.stash[_suite]
        rom = suite.rom(self.path, self.outline.stand_ins, items)
        room = self.outline.room or ROOM
        # A directory of its own, which tests may write to; and the output in a file, which cannot grow over all bounds.
        with tempfile.NamedTemporaryFile() as image, tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
            image.write(rom)
            image.flush()
            command = [
                *runtime.micropython(),
                "-X",
                f"heapsize={runtime.heap_bytes(heap) + room + len(rom)}",
                "-c",
                _START.format(
                    rom=len(rom), image=image.name, module=self.path.stem, near_wrap=near_wrap, items=ITEMS, room=room
                ),
            ]
            child = subprocess.Popen(
                command,
                cwd=folder,
                env=suite.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                code = child.wait(limit)
                ended = f"the interpreter ended early, with status {code}"
            except subprocess.TimeoutExpired:
                ended = f"timed out: no end after {limit:g} s (`# timeout:` in the file sets another limit)"
            finally:
                child.kill()
                child.wait()
            output.seek(0)
            return output.read(_MOST_OUTPUT), ended


class DeviceItem(pytest.Item):
    """One test function, or one row of its table."""

    parent: DeviceFile

    def __init__(self, *, test: outlines.Test, row: int | None, **kwargs):
        super().__init__(**kwargs)
        self.test, self.row = test, row
        _require(self, test.requirements)

    def runtest(self) -> None:
        if self.config.stash[_board] and self.parent.outline.stand_ins:
            pytest.skip("needs the chip's stand-ins (" + ", ".join(self.parent.outline.stand_ins) + "), not a chip")
        outcome = self.parent.outcome(self.name)
        if outcome.output:
            self.add_report_section("call", "stdout", outcome.output)
        if outcome.failure is not None:
            raise DeviceFailure(outcome.failure)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, DeviceFailure | PilotwireError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.test.line - 1, self.name
