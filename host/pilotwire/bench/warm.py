"""The warm modules and what each costs: heap that lives once it is loaded, in the order in which the firmware loads them.

Drivers, sockets and asyncio are stubs here, which cost nothing: they are frozen on the chip. A module that the build has put into
another one counts there. What the warm objects of a running charger cost beside their code is heap_accepted_bytes less this.
"""

import json
import tempfile
from pathlib import Path

from pilotwire import build, interning, runtime
from pilotwire.bench.figure import Figure
from pilotwire.errors import PilotwireError
from pilotwire.warm import warm_modules

_HEAP = 4 << 20
_STUBBED = "asyncio machine esp32 network socket select tls".split()
_POOL = 640 * 6  # bytes by which the pool of names grows at last
_JOB = """
import gc, json, sys
class Stub:
    def __getattr__(self, name): return Stub()
    def __call__(self, *a, **k): return self
for name in STUBBED: sys.modules[name] = Stub()
number = 0
while True:  # what the pool of names takes in steps is no module's
    used = gc.mem_alloc()
    hasattr(sys, "~%d" % number)
    number += 1
    if gc.mem_alloc() - used > POOL: break
sys.path[:] = ["a"]
found = [0] * len(MODULES)
gc.collect()
before = gc.mem_alloc()
for k, name in enumerate(MODULES):
    __import__(name)
    gc.collect()
    found[k] = gc.mem_alloc()
print(json.dumps([before] + found))
"""


def measure() -> dict[str, int]:
    """{module: bytes of the chip that live when it was loaded after those before it}."""
    program = build.program()
    modules = {name: program.module(name) for name in warm_modules(build.sources(build.repository()))}
    loaded = [program.module(interning.MODULE.removesuffix(".py")), *dict.fromkeys(modules.values())]
    with tempfile.TemporaryDirectory() as folder:
        for name, data in build.modules().items():
            path = Path(folder) / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        script = Path(folder) / "job.py"
        script.write_text(f"STUBBED, POOL, MODULES = {_STUBBED!r}, {_POOL}, {loaded!r}\n{_JOB}")
        done = runtime.run([script], heap=_HEAP, cwd=folder)
    if done.returncode:
        raise PilotwireError("the warm modules can not be loaded alone", done.stdout.strip()[-500:])
    lives = json.loads(done.stdout.splitlines()[-1])
    cost = {name: runtime.chip_bytes(after - before) for name, before, after in zip(loaded, lives, lives[1:], strict=False)}
    found = {"strings of them all": cost.pop(loaded[0])}
    for name, module in modules.items():
        found[name] = cost.pop(module, 0)
    return found


def figures() -> list[Figure]:
    """The sum, then each."""
    found = measure()
    rows = [Figure(f"warm_bytes {name}", size, "B") for name, size in sorted(found.items(), key=lambda row: -row[1])]
    return [Figure("warm_total_bytes", sum(found.values()), "B"), *rows]
