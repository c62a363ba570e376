"""What the tests of the device run on: firmware, libraries, stand-ins and test files compiled at -O0.

Below build/devicetest: app/ (firmware and libraries as they lie on the flash), tests/<folder>/, virtual/<name>/ (a stand-in
each, since a folder on the path cannot be taken in parts) and runner/.
"""

import ast
import os
import re
import shutil
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from pilotwire import build, schemas
from pilotwire.devicetest import asserts
from pilotwire.errors import PilotwireError
from pilotwire.packaged import packaged

_HERE = Path(__file__).parent
_FOLDERS = ("tests/lib", "tests/firmware")
_FLAGS = ("-O0",)  # from -O1 on asserts are gone
# Stand-ins that a test gets only if it asks: most tests must fail when the code under test touches the chip.
_ASKED_FOR = ("machine", "esp32", "network", "socket")
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+)')
ITEMS = "items.jsonl"  # what the runner is to run
_OURS = ("runner.py", "asyncio/core.py", "asyncio/funcs.py", "<string>", "<stdin>")


def imported(text: str) -> set[str]:
    """Names of the modules that a source may import when it is itself imported: for `from a import b`, a and a.b."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


class Suite:
    """The device tests of a repository at `root`."""

    def __init__(self, root: Path):
        self.root = root
        self.out = root / "build" / "devicetest"
        self._built = False
        self._errors: list[str] = []
        self._imports: dict[Path, set[str]] = {}  # of each compiled file of tests, runner and stand-ins

    def import_folders(self) -> list[Path]:
        """Where sans-I/O modules are imported from under CPython."""
        return [self.root / "firmware", *build.libraries(self.root)]

    def holds(self, path: Path) -> bool:
        """Is this file run inside MicroPython?"""
        return any(path.is_relative_to(self.root / folder) for folder in _FOLDERS)

    def build(self) -> None:
        """Compile what has changed, once per session. A file that does not compile is left out, and said later."""
        if self._built:
            return
        with build.locked(self.out):
            wanted: set[Path] = set()
            for name, path in build.sources(self.root).items():
                if name not in build.RUN_AS_SOURCE:
                    self._compile(path, self.out / "app" / name, wanted)
            texts = [path.read_text("utf-8") for path in build.sources(self.root).values()]
            for name, path in packaged(texts).items():
                self._compile(path, self.out / "app" / name, wanted)
            for path in (self.root / "firmware").rglob("*.txt"):
                self._write(
                    self.out / "app" / path.relative_to(self.root / "firmware"),
                    path.read_bytes(),
                    wanted,
                )
            self._write(self.out / "app/ocpp16/schemas.txt", schemas.generate().encode(), wanted)
            for folder in _FOLDERS:
                for path in sorted((self.root / folder).rglob("*.py")):
                    if "__pycache__" not in path.parts:
                        self._compile(path, self.out / path.relative_to(self.root), wanted, is_test=True)
            for path in sorted((self.root / "boards/virtual").glob("*.py")):
                self._compile(path, self.out / "virtual" / path.stem / path.name, wanted)
            self._compile(_HERE / "runner.py", self.out / "runner/runner.py", wanted)
            self._compile(_HERE / "canary.py", self.out / "runner/canary.py", wanted, is_test=True)
            self._remove_others(wanted)
        self._built = True

    def folders(self, path: Path, stand_ins: tuple[str, ...] = ()) -> list[Path]:
        """Where the interpreter that runs the test file `path` imports from."""
        folder = self.out / path.parent.relative_to(self.root)
        virtual = sorted(p for p in (self.out / "virtual").glob("*") if p.is_dir())
        unknown = set(stand_ins) - {p.name for p in virtual}
        if unknown:
            raise PilotwireError(
                f"{path.name} asks for the stand-ins {', '.join(sorted(unknown))}",
                "boards/virtual has " + (", ".join(p.name for p in virtual) or "none"),
            )
        taken = [p for p in virtual if p.name in stand_ins or p.name not in _ASKED_FOR]
        top = next(self.out / f for f in _FOLDERS if path.is_relative_to(self.root / f))
        return [self.out / "runner", *dict.fromkeys([folder, top]), *taken, self.out / "app"]

    def rom(self, path: Path, stand_ins: tuple[str, ...], items: bytes) -> bytes:
        """What a chip has none of on its heap, as a file system whose modules run where they are (MicroPython's vfs.VfsRom):
        runner, stand-ins, the test file `path` and what it imports from beside it. `items` become its file ITEMS."""
        rom = VfsRomWriter()
        rom.mkfile(ITEMS, items)
        virtual = [folder for folder in self.folders(path, stand_ins) if folder.parent.name == "virtual"]
        for file in sorted({*self._own(path, stand_ins), *(file for folder in virtual for file in folder.glob("*.mpy"))}):
            rom.mkfile(file.name, file.read_bytes())
        return rom.finalise()

    def imports(self, path: Path, stand_ins: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """(stand-ins, modules of firmware and libraries) that are imported with the test file."""
        own = self._own(path, stand_ins)
        names = {name for file in own for name in self._imports.get(file, ())}
        ours = sorted(name for name in names if (self.out / "app" / f"{name.replace('.', '/')}.mpy").exists())
        return [file.stem for file in own if file.is_relative_to(self.out / "virtual")], ours

    def _own(self, path: Path, stand_ins: tuple[str, ...]) -> list[Path]:
        """What is imported for a test file, firmware and libraries apart."""
        folders = self.folders(path, stand_ins)[:-1]
        wanted, found = ["runner", "canary", path.stem, *stand_ins], {}
        while wanted:
            name = wanted.pop()
            file = next((f for f in (folder / f"{name}.mpy" for folder in folders) if f.exists()), None)
            if file and name not in found:
                found[name] = file
                wanted += self._imports.get(file, ())
        return list(found.values())

    def environment(self) -> dict[str, str]:
        """Environment of an interpreter that imports firmware and libraries."""
        return {**os.environ, "MICROPYPATH": f"{self.out / 'app'}:.frozen"}

    def explain(self, traceback: str) -> str:
        """A MicroPython traceback without the runner's frames: the error, then each line with its source below."""
        all_lines = [line for line in traceback.rstrip().splitlines() if not line.startswith("Traceback (most")]
        lines = [line for line in all_lines if not _FRAME.match(line)]
        for frame in filter(None, map(_FRAME.match, all_lines)):
            if frame[1] not in _OURS:
                lines += [frame.string, "    " + self._line(frame[1], int(frame[2]))]
        if self._errors and ("ImportError" in traceback or "no module" in traceback):
            lines += ["", "these files do not compile, and are missing:", *self._errors]
        return "\n".join(lines)

    def _line(self, name: str, number: int) -> str:
        try:
            return (self.root / name).read_text("utf-8").splitlines()[number - 1].strip()
        except (OSError, IndexError):
            return ""

    def _compile(self, path: Path, target: Path, wanted: set[Path], is_test: bool = False) -> None:
        target = target.with_suffix(".mpy")
        # Tracebacks show the path from the root, which a terminal can open.
        name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name
        if path.parent == _HERE:
            name = path.name
        try:
            text = path.read_text("utf-8")
            if not target.is_relative_to(self.out / "app"):
                self._imports[target] = imported(text)
            data = build.compile_module(path, name, _FLAGS, (asserts.rewrite(text) if is_test else text).encode())
        except (PilotwireError, SyntaxError) as error:
            self._errors.append(str(error))
            return
        self._write(target, data, wanted)

    def _write(self, target: Path, data: bytes, wanted: set[Path]) -> None:
        wanted.add(target)
        if not target.exists() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            build.replace(target, data)

    def _remove_others(self, wanted: set[Path]) -> None:
        for path in sorted(self.out.rglob("*"), reverse=True):
            if path.is_file() and path not in wanted and path.name != ".lock":
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                shutil.rmtree(path, ignore_errors=True)
