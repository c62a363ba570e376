"""Compiles the firmware, and makes the flash image of the virtual board.

    build.firmware(out)              out/boot.py, out/main.py, out/a/modules.pack and data: what lies on the board's flash
    build.virtual(out)               the same below out/files, and out/flash.bin
    python -m pilotwire.build        both into build/virtual, with sizes

The same sources give the same bytes. Compiled files are kept in build/cache by the hash of what they came from.
"""

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pilotwire import __date__, __minimum__, __version__, image, interning, pack, runtime, schemas
from pilotwire.build_cache import kept
from pilotwire.errors import PilotwireError
from pilotwire.module_names import module_of
from pilotwire.packaged import packaged, trimmed
from pilotwire.renaming import Program
from pilotwire.unwrapping import unwrapped
from pilotwire.warm import (
    LOADED_WHILE_ROOM,
    LOADED_WITH_A_WEBSOCKET,
    LOADED_WITHOUT_ROOM,
    modules_of_setup,
    warm_modules,
)

# A clone has the sources beside host/; a wheel carries them, and what they were compiled to (pilotwire.dist).
_CLONE = Path(__file__).resolve().parents[2]
CARRIED = Path(__file__).resolve().with_name("carried")
ROOT = _CLONE if (_CLONE / "firmware").is_dir() else CARRIED
RUN_AS_SOURCE = ("boot.py", "main.py")
_PACK = f"/a/{pack.NAME}"


def repository() -> Path:
    """Folder that holds firmware/, lib/ and boards/: the clone, or what the wheel carries; PilotwireError without either."""
    if not (ROOT / "firmware").is_dir():
        raise PilotwireError(
            "cannot find the firmware's sources",
            f"there is no firmware folder in {ROOT}",
            "install pilotwire from a clone of its repository (`pip install -e .`), or from a wheel of `make dist`",
        )
    return ROOT


def work() -> Path:
    """Folder for what is built: build/ of the clone, else this user's cache, one for each version."""
    if ROOT is not CARRIED:
        return ROOT / "build"
    import platformdirs

    return platformdirs.user_cache_path("pilotwire", appauthor=False) / f"build-{__version__}"


def libraries(root: Path) -> list[Path]:
    """The folders lib/<name>; their modules are imported flat."""
    return sorted(p for p in (root / "lib").glob("*") if p.is_dir() and p.name != "__pycache__")


def sources(root: Path) -> dict[str, Path]:
    """Modules of firmware and libraries: {name on the device below the slot, "ocpp16/core.py": file}."""
    found: dict[str, Path] = {}
    for folder in [root / "firmware", *libraries(root)]:
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder).as_posix()
            if "__pycache__" in name:
                continue
            if name in found:
                raise PilotwireError(
                    f"two modules are called {name} on the device",
                    f"{found[name].relative_to(root)} and {path.relative_to(root)}",
                    "rename one of them",
                )
            found[name] = path
    return found


def compile_module(path: Path, name: str, flags: tuple[str, ...], text: bytes | None = None) -> bytes:
    """Bytes of the .mpy of one file, from the cache if it was compiled before.

    Args:
        path: the source; errors name it.
        name: the name that tracebacks on the device show.
        flags: for mpy-cross, `("-O3",)`.
        text: compiled in place of what the file holds.
    """
    text = path.read_bytes() if text is None else text
    key = hashlib.sha256(b"\0".join([repr((name, flags, runtime.check())).encode(), text])).hexdigest()
    carried = CARRIED / "cache" / f"{key}.mpy"
    cached = carried if carried.exists() else work() / "cache" / key[:2] / f"{key}.mpy"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            source, target = Path(folder) / "source.py", Path(folder) / "target.mpy"
            source.write_bytes(text)
            done = subprocess.run(
                [*runtime.mpy_cross(), *flags, "-s", name, "-o", str(target), str(source)],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise PilotwireError(
                    f"{path} does not compile",
                    done.stderr.strip().replace(str(source), str(path)),
                )
            target.replace(cached)
    for used in _recorders:
        used.append(cached)
    return cached.read_bytes()


_recorders: list[list[Path]] = []


@contextlib.contextmanager
def recording() -> Iterator[list[Path]]:
    """The files of the cache that are asked for meanwhile."""
    used: list[Path] = []
    _recorders.append(used)
    try:
        yield used
    finally:
        _recorders.remove(used)


def program(extra: Mapping[str, Path] | None = None, beside: Iterable[str] = ()) -> Program:
    """The modules of firmware and libraries with the names that they have on the device; for the arguments see `files`."""
    root = repository()
    texts = {name: path.read_text("utf-8") for name, path in _modules(root, extra).items()}
    whole = [(root / "firmware" / name).read_text("utf-8") for name in RUN_AS_SOURCE]
    whole += [*beside, *trimmed(texts.values()).values()]
    data = [path.read_text("utf-8") for path in (root / "firmware").rglob("*.txt")]
    return Program(texts, whole, data, warm_modules(sources(root)), modules_of_setup(sources(root)))


def _modules(root: Path, extra: Mapping[str, Path] | None) -> dict[str, Path]:
    return {name: path for name, path in {**sources(root), **(extra or {})}.items() if name not in RUN_AS_SOURCE}


def files(opt: int = 3, lines: bool = False, extra: Mapping[str, Path] | None = None) -> dict[str, bytes]:
    """What goes onto the flash for the app: {"/boot.py": ..., "/a/modules.pack": ...}; for the arguments see `modules`."""
    made = _made(opt, lines, extra, ())
    return {name: data for name, data in made.items() if _PACK not in made or not _is_packed(name)}


def modules(
    opt: int = 3, lines: bool = False, extra: Mapping[str, Path] | None = None, beside: Iterable[str] = ()
) -> dict[str, bytes]:
    """The same with each module in a file of its own: {"/boot.py": ..., "/a/app.mpy": ...}.

    Args:
        opt: level of mpy-cross; from 1 on asserts are gone, at 3 line numbers as well.
        lines: keep line numbers, names and folders of the sources (-O2), at more bytes and much more RAM.
        extra: more modules, {"ocpp_bench.py": file}, that are renamed and compiled with the others.
        beside: sources that use the others and are compiled elsewhere; the names that they use are kept.
    """
    made = _made(opt, lines, extra, beside)
    return {name: data for name, data in made.items() if name != _PACK}


def _is_packed(name: str) -> bool:
    return name.endswith(".mpy") and name != f"/a/{pack.OUTSIDE}"


@kept
def _made(opt: int, lines: bool, extra: Mapping[str, Path] | None, beside: Iterable[str]) -> dict[str, bytes]:
    """What both have; modules that are renamed are there as files and in a pack."""
    root = repository()
    flags = ("-O2",) if lines else (f"-O{opt}",)
    made: dict[str, bytes] = {}
    for name in RUN_AS_SOURCE:
        path = root / "firmware" / name
        if not path.is_file():
            raise PilotwireError(f"firmware/{name} is missing", "the board starts with it")
        made[f"/{name}"] = path.read_bytes()
    names: dict[str, dict[str, str]] = {}
    renamed = None if lines else program(extra, beside)
    paths = _modules(root, extra)
    if renamed is None:
        for name, path in paths.items():
            made[f"/a/{name.removesuffix('.py')}.mpy"] = compile_module(path, name, flags)
    else:
        texts = {module: renamed.joined(parts) for module, parts in renamed.files().items()}
        lasting = {renamed.module(name) for name in [*warm_modules(sources(root)), *LOADED_WITH_A_WEBSOCKET]}
        strings = interning.strings(texts[module] for module in sorted(lasting & texts.keys()))
        texts[renamed.module(module_of(interning.MODULE))] = interning.source(strings)
        for module, parts in renamed.files().items():
            # Tracebacks call a module as `import` does, since that name is in RAM already.
            mpy = unwrapped(compile_module(paths[parts[0]], module, flags, texts[module].encode()))
            made[f"/a/{module.replace('.', '/')}.mpy"] = interning.compiled(mpy, strings) if parts == [interning.MODULE] else mpy
            names[module] = {"": " + ".join(parts)}
            for name in parts:
                names[module] |= renamed.names(name)
    texts = [path.read_text("utf-8") for path in paths.values()]
    short = {} if lines else trimmed(texts)
    for name, path in packaged(texts).items():
        made[f"/a/{name.removesuffix('.py')}.mpy"] = compile_module(path, name, flags, short[name].encode() if short else None)
    # What a module finds beside itself.
    data = {path.relative_to(root / "firmware"): path.read_bytes() for path in sorted((root / "firmware").rglob("*.txt"))}
    data[Path("ocpp16/schemas.txt")] = schemas.generate().encode()
    for place, content in data.items():
        made[f"/a/{place.as_posix() if lines else place.name}"] = content
    digest = hashlib.sha256()
    for name in sorted(made):
        digest.update(name.encode() + b"\0" + hashlib.sha256(made[name]).digest())
    about = {
        "version": __version__,
        "minimum": __minimum__,
        "mpy": runtime.check(),
        "hash": digest.hexdigest()[:16],
        # No clock of a charger shows less than this, in seconds since 2000-01-01.
        "date": (__date__ - datetime.date(2000, 1, 1)).days * 86400,
    }
    made["/a/build.json"] = json.dumps(about).encode()
    if renamed is not None:
        small = {name.removeprefix("/a/"): data for name, data in made.items() if _is_packed(name)}
        roomy = {*warm_modules(sources(root)), *LOADED_WHILE_ROOM} - {*LOADED_WITHOUT_ROOM}
        roomy = [renamed.module(name).replace(".", "/") + ".mpy" for name in roomy]
        made[_PACK] = pack.packed(small, roomy)
    _keep_names(names_file(about["hash"]), names)
    return made


def names_file(digest: str) -> Path:
    """Where the names of a build are kept for `pilotwire.tracebacks`: {module: {"": its source, new name: old name}}.

    Args:
        digest: the build, as `hash` of its build.json says.
    """
    return work() / "names" / f"{digest}.json"


def _keep_names(path: Path, names: dict[str, dict[str, str]]) -> None:
    text = json.dumps(names, sort_keys=True).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, text)  # also when it is there: the newest is the last that was built


def production(made: dict[str, bytes]) -> dict[str, bytes]:
    """`files()` of which the serial line gets no prompt: Ctrl-C does nothing, and what dies starts again."""
    switch = b"_PRODUCTION = False"
    made = dict(made)
    for name in RUN_AS_SOURCE:
        if made[f"/{name}"].count(switch) != 1:
            raise PilotwireError(f"firmware/{name} has no production mode", "it has no line `_PRODUCTION = False`")
        made[f"/{name}"] = made[f"/{name}"].replace(switch, b"_PRODUCTION = True")
    return made


def firmware(out: Path, opt: int = 3, lines: bool = False) -> Path:
    """Write `files()` below `out`, remove what an earlier build left there, and return `out`."""
    with locked(out):
        _lay_out(out, files(opt, lines))
    return out


def virtual(out: Path, opt: int = 3, lines: bool = False, closed: bool = False) -> Path:
    """Firmware in out/files and the flash image of the virtual board in out/flash.bin; returns `out`. closed: for production."""
    made = files(opt, lines)
    if closed:
        made = production(made)
    board = repository() / "boards" / "virtual" / "board.json"
    if not board.is_file():
        raise PilotwireError(f"{board.relative_to(ROOT)} is missing", "it says which pins the board has")
    made["/board.json"] = board.read_bytes()
    with locked(out):
        _lay_out(out / "files", made)
        key = hashlib.sha256(repr(sorted(made.items())).encode()).hexdigest()
        stamp, flash = out / "flash.sha256", out / "flash.bin"
        if not flash.exists() or not stamp.exists() or stamp.read_text() != key:
            replace(flash, image.make_flash(made))
            replace(stamp, key.encode())
    return out


def code_sizes(made: Mapping[str, bytes]) -> dict[str, int]:
    """Bytes of each file that has code, of `files()` or `modules()`."""
    return {name: len(data) for name, data in made.items() if name.endswith((".mpy", pack.NAME))}


def _lay_out(out: Path, made: dict[str, bytes]) -> None:
    wanted = {out / name.lstrip("/") for name in made}
    for path in sorted(out.rglob("*"), reverse=True) if out.exists() else []:
        if path.is_file() and path not in wanted and path.name != ".lock":
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, data in made.items():
        path = out / name.lstrip("/")
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, data)


def replace(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Test workers build into the same folder at the same time: one after the other."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PilotwireError(f"cannot write the build into {out}", error.strerror or str(error))


def main() -> int:
    """`python -m pilotwire.build`: build the virtual board and print what it weighs."""
    try:
        out = virtual(work() / "virtual")
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    loose, stored = code_sizes(modules()), code_sizes(files())
    print(f"{len(loose)} modules, {sum(loose.values())} bytes of .mpy, {sum(stored.values())} on the flash")
    print(f"{len(schemas.generate().encode())} bytes of schemas")
    print(f"{os.path.relpath(out / 'flash.bin')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
