"""Smart Charging and the local list: time and heap of their largest jobs.

Heap: how much must be free, by bisection, for the charge point of tests/firmware to do the job. Time: as in
bench.core; files are the desktop's.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from pilotwire import build, runtime
from pilotwire.bench.core import chip_ms
from pilotwire.bench.figure import Figure
from pilotwire.errors import PilotwireError

_STACKED = (1, 5, 10, 20)
_ENTRIES = (10, 48, 100, 500)
_LISTED = 1000
_HEAP = 256 * 1024
_MOST = 48 * 1024
_STEP = 128
_ROUNDS = 5
# What the budgets of the whole firmware leave to a job: 104 KB at any moment, 80 KB when nothing happens and TLS is up.
_BUDGET = 24 * 1024
_SOURCES = ("boards/virtual/nor.py", "tests/firmware/ocpp_bench.py", "tests/bench/watch.py", "tests/bench/large_orders.py")


class Desk:
    """The firmware's own .mpy files beside the bench and a script of tests/bench, which works in a folder of its own."""

    def __init__(self, folder: Path, script: str = "profiles"):
        root = build.repository()
        self.folder = folder
        self.code = folder / "code"
        extra = {path.name: path for path in (root / source for source in (*_SOURCES, f"tests/bench/{script}.py"))}
        start = f"import {script}\n"
        for name, data in build.modules(extra=extra, beside=[start]).items():
            if name.startswith("/a/"):
                path = self.code / name.removeprefix("/a/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        (self.folder / "data").mkdir()
        self._start = self.folder / "start.py"
        self._start.write_text(start)

    def run(self, heap: int, *arguments: str, timeout: float = 300) -> Any:
        """The JSON of the last line that it prints, None if it failed."""
        done = runtime.run([self._start, *arguments], heap=heap, path=[self.code], cwd=self.folder, timeout=timeout)
        self.said = done.stdout.strip()
        return None if done.returncode else json.loads(self.said.splitlines()[-1])

    def prepare(self) -> None:
        """Makes the files that the jobs need."""
        if self.run(8 << 20, "prepare") is None:
            raise PilotwireError("the bench of charging profiles has failed", self.said[-500:])

    def heap(self, job: str, count: int) -> int:
        """What must be free, in bytes of the chip."""
        low, high = 0, _MOST // _STEP
        while low < high:
            middle = (low + high) // 2
            if self.run(_HEAP, job, str(count), str(runtime.heap_bytes(middle * _STEP))) is None:
                low = middle + 1
            else:
                high = middle
        return high * _STEP

    def ms(self, job: str, count: int) -> float:
        """Median, in milliseconds of the chip."""
        rounds = [self.run(_HEAP, job, str(count)) for _ in range(_ROUNDS)]
        if None in rounds:
            raise PilotwireError(f"the bench of {job} {count} has failed", self.said[-500:])
        took = sorted(chip_ms(*found) for found in rounds if found)
        return round(took[len(took) // 2], 1)


def figures() -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.prepare()
        for job, what, counts in (
            ("composite", "composite_24h_%d_profiles", _STACKED),
            ("send", "send_local_list_%d", _ENTRIES),
            ("lookup", "local_list_lookup_in_%d", (_LISTED,)),
        ):
            for count in counts:
                name = what % count
                found.append(Figure(f"{name}_chip_ms", desk.ms(job, count), "ms"))
                found.append(Figure(f"{name}_peak_heap_bytes", desk.heap(job, count), "B", _BUDGET))
    return found
