"""`make bench`: measures, prints a table, writes bench.json: [{"name", "value", "unit", "budget", "peer"}, ...].

    python -m pilotwire.bench [--out FILE] [--only PART]...

A part is a module of this package with a function `figures() -> list[Figure]`, e.g. `size`, `heap`, `websocket`. One that says
`LONG = True` is left out unless it is named.

`budget` is what the design or the issue asks for (a lower bound for ratios, an upper one for bytes), `peer` what the best of the
others needs, as far as it is known. Bytes of heap are bytes of the chip, see pilotwire.heapscale. docs/link.md has the method.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from pilotwire import bench
from pilotwire.bench.figure import Figure
from pilotwire.errors import PilotwireError


def parts() -> list[str]:
    """Names of the modules that measure something."""
    return [m.name for m in pkgutil.iter_modules(bench.__path__) if hasattr(_module(m.name), "figures")]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"pilotwire.bench.{name}") if name != "__main__" else ModuleType(name)


def _largest(figures: list[Figure]) -> list[Figure]:
    """heap_peak_bytes, the largest of all jobs that were measured; None if one of them does not pass in any heap of its range."""
    peaks = [f.value for f in figures if f.name.startswith("heap_peak_")]
    known = [peak for peak in peaks if peak is not None]
    if not peaks:
        return []
    return [Figure("heap_peak_bytes", max(known) if len(known) == len(peaks) else None, "B", 104 * 1024)]


def show(figures: list[Figure]) -> None:
    """The table on the terminal; single modules are in the file only."""
    table = Table("figure", "value", "unit", "budget", "peer", "holds")
    for f in figures:
        if f.name.startswith(("mpy_bytes", "warm_bytes")):
            continue
        holds = {True: "yes", False: "no", None: ""}[f.holds]
        numbers = ["" if n is None else f"{n:,}" for n in (f.value, f.budget, f.peer)]
        table.add_row(f.name, numbers[0], f.unit, numbers[1], numbers[2], holds)
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def main() -> int:
    """Exit status 0 whatever the figures are: a budget is judged by who reads them."""
    parser = argparse.ArgumentParser(prog="python -m pilotwire.bench")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--only", choices=parts(), action="append")
    options = parser.parse_args()
    figures: list[Figure] = []
    try:
        for name in options.only or [name for name in parts() if not getattr(_module(name), "LONG", False)]:
            print(f"{name} ...", file=sys.stderr)
            figures += _module(name).figures()
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    figures += [] if options.only else _largest(figures)
    show(figures)
    options.out.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
