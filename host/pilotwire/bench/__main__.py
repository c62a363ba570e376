"""`make bench`: measures, prints a table, writes bench.json: [{"name", "value", "unit", "budget", "peer"}, ...].

    python -m pilotwire.bench [--out FILE] [--only heap|websocket|size]

`budget` is what the design or the issue asks for (a lower bound for ratios, an upper one for bytes), `peer` what the best of the
others needs, as far as it is known. Bytes of heap are bytes of the chip, see pilotwire.heapscale. docs/link.md has the method.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pilotwire import build
from pilotwire.bench import websocket
from pilotwire.errors import PilotwireError


@dataclass(frozen=True)
class Figure:
    """One line of bench.json; `value` is None where it could not be measured."""

    name: str
    value: float | None
    unit: str
    budget: float | None = None
    peer: float | None = None

    @property
    def holds(self) -> bool | None:
        """Is it within its budget? None without one."""
        if self.budget is None or self.value is None:
            return None if self.budget is None else False
        return self.value >= self.budget if self.unit == "ratio" else self.value <= self.budget


def sizes() -> list[Figure]:
    """Bytes of .mpy: all of them, and those that are there for the link."""
    files = {name: len(data) for name, data in build.files().items() if name.endswith(".mpy")}
    found = [Figure("mpy_total_bytes", sum(files.values()), "B", 160 * 1024, 121_170)]
    return found + [Figure(f"mpy_bytes {name.removeprefix('/a/')}", n, "B") for name, n in sorted(files.items())]


def heaps() -> list[Figure]:
    """The wallbox over TLS."""
    from pilotwire.bench import heap

    accepted, peak = heap.measure()
    return [
        Figure("heap_accepted_bytes", accepted, "B", 80 * 1024, 12_300),
        Figure("heap_peak_session_bytes", peak, "B", 104 * 1024),
    ]


def websockets() -> list[Figure]:
    """Ours against the better peer at each size, and the heap of each."""
    found, mpy = websocket.measure()
    figures = []
    for what, size, budget in (("send", 200, 1.2), ("send", 4096, 2), ("send", 65536, 5), ("receive", 4096, 0.9)):
        key = f"{what} {size}"
        best = max((found[peer].get(key, 0.0) for peer in websocket.PEERS), default=0.0)
        ours = found["ours"].get(key)
        ratio = round(ours / best, 2) if ours and best else None
        figures.append(Figure(f"ws_{what}_ratio_{size}", ratio, "ratio", budget, 1.0))
    for size in (200, 65536):
        for client in found:
            figures += [Figure(f"ws_{client}_receive_{size}", round(found[client].get(f"receive {size}", 0)), "messages/s")]
    for client in found:
        for size in websocket.SIZES:
            figures += [Figure(f"ws_{client}_send_{size}", round(found[client].get(f"send {size}", 0)), "messages/s")]
    least = min(found[p]["import"] + found[p]["connect"] for p in websocket.PEERS)
    ours = found["ours"]["import"] + found["ours"]["connect"]
    figures.append(Figure("ws_heap_bytes", round(ours), "B", round(least), round(least)))
    for client, values in found.items():
        figures.append(Figure(f"ws_{client}_heap_import_bytes", round(values["import"]), "B"))
        figures.append(Figure(f"ws_{client}_heap_connect_bytes", round(values["connect"]), "B"))
        figures.append(Figure(f"ws_{client}_mpy_bytes", mpy[client], "B"))
    return figures


PARTS = {"size": sizes, "websocket": websockets, "heap": heaps}


def show(figures: list[Figure]) -> None:
    """The table on the terminal; single modules are in the file only."""
    table = Table("figure", "value", "unit", "budget", "peer", "holds")
    for f in figures:
        if f.name.startswith("mpy_bytes"):
            continue
        holds = {True: "yes", False: "no", None: ""}[f.holds]
        numbers = ["" if n is None else f"{n:,}" for n in (f.value, f.budget, f.peer)]
        table.add_row(f.name, numbers[0], f.unit, numbers[1], numbers[2], holds)
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def main() -> int:
    """Exit status 0 whatever the figures are: a budget is judged by who reads them."""
    parser = argparse.ArgumentParser(prog="python -m pilotwire.bench")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--only", choices=sorted(PARTS))
    options = parser.parse_args()
    figures: list[Figure] = []
    try:
        for name, part in PARTS.items():
            if options.only in (None, name):
                print(f"{name} ...", file=sys.stderr)
                figures += part()
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    show(figures)
    options.out.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
