"""How much more heap the firmware needs on a 64-bit desktop than on the chip: heap64 / heap32, measured.

    MICROPYTHON32=/path/to/micropython python -m pilotwire.heapscale     prints a table, writes heapscale.json beside this file

The virtual wallbox runs in a build of the Unix port of 32 bits (tools/micropython32.sh makes one), where a pointer, a block of
the heap and a small integer are as wide as on the chip, and in the usual one of 64. Two things are compared, stand-ins not
counted: what is live once the central system has accepted it over TLS, and the smallest heap in which it uploads its diagnostics
over TLS, which is among what comes next to the line of 104 KB. The smallest ratio is the scale of heaps that are given: what
comes next to the line and passes in a heap that was scaled by it passes in as many bytes of the chip. (A session has a lower
ratio, and 10 KB to spare.) Near its smallest heap an upload passes at some times only, so here it has to do so three times. The
ratio of the live heap is for that which the firmware reports.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pilotwire import runtime
from pilotwire.bench import heap, transfers
from pilotwire.bench.certificates import Authority
from pilotwire.errors import PilotwireError

_BUILD = "tools/micropython32.sh SOURCES FOLDER makes one; then set MICROPYTHON32=FOLDER/micropython (docs/link.md)"
_UPLOADS = ("https", "ftps")


@dataclass(frozen=True)
class Compared:
    """One figure of both builds, in bytes of their own heaps."""

    what: str
    heap32: int
    heap64: int

    @property
    def percent(self) -> int:
        """heap64 / heap32 in per cent, rounded down."""
        return self.heap64 * 100 // self.heap32


def program32() -> str:
    """Path of the build of 32 bits; PilotwireError if there is none."""
    asked = os.environ.get("MICROPYTHON32")
    if not asked:
        raise PilotwireError("cannot measure the heap of the chip", "MICROPYTHON32 is not set", _BUILD)
    with interpreter(asked):
        [path] = runtime.micropython()
        if runtime.pointer_bytes() != 4:
            raise PilotwireError("cannot measure the heap of the chip", f"{asked} is no build of 32 bits", _BUILD)
    return path


@contextlib.contextmanager
def interpreter(path: str | None) -> Iterator[None]:
    """What is run meanwhile runs in this build, None: the installed one."""
    before = os.environ.pop("MICROPYTHON", None)
    try:
        if path:
            os.environ["MICROPYTHON"] = path
        yield
    finally:
        os.environ.pop("MICROPYTHON", None)
        if before is not None:
            os.environ["MICROPYTHON"] = before


def measure(tell=lambda text: None) -> list[Compared]:
    """The live heap, then the uploads."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Authority(Path(folder))
        server = root.issue("server")
        for path in (program32(), None):
            with interpreter(path):
                runtime.same_mpy(writes=runtime.compiler_mpy(), runs=runtime.interpreter_mpy())
                heaps = [runtime.live_heap_bytes(heap.accepted(root, server))]
                for scheme in _UPLOADS:
                    passes = transfers.peak(root, server, scheme, 1024, 3)
                    if passes is None:
                        raise PilotwireError("cannot measure the heap", "no upload passes in any heap that was tried")
                    tell(f"upload over {scheme}: {passes // 1024} KB")
                    heaps.append(runtime.heap_bytes(passes))
                found.append(heaps)
    what = ["live heap, accepted over TLS", *(f"smallest heap of an upload over {scheme}" for scheme in _UPLOADS)]
    return [Compared(*row) for row in zip(what, *found, strict=True)]


def main() -> int:
    """`make heap-scale`."""
    try:
        compared = measure(lambda text: print(text, file=sys.stderr))
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    table = Table("bytes", "32 bit", "64 bit", "ratio")
    for row in compared:
        table.add_row(row.what, f"{row.heap32:,}", f"{row.heap64:,}", f"{row.heap64 / row.heap32:.3f}")
    Console(width=80 if not sys.stdout.isatty() else None).print(table)
    taken = min(compared, key=lambda row: row.percent)
    made = {"percent": taken.percent, "heap32": taken.heap32, "heap64": taken.heap64, "what": taken.what}
    made["live_percent"] = compared[0].percent
    runtime.HEAP_SCALE.write_text(json.dumps(made, indent=1) + "\n")
    print(f"{runtime.HEAP_SCALE.name}: {made['percent']} %, was {runtime.HEAP_SCALE_PERCENT} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
