"""`make footprint`: docs/footprint.md, from the figures of a whole `make bench` in docs/bench.json.

    python -m pilotwire.footprint_page [bench.json]    takes these figures over into docs/bench.json, and writes the page
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotwire import build
from pilotwire.errors import PilotwireError

Figures = dict[str, dict[str, Any]]
_LARGEST = 15  # modules in the table of sizes
_KB = 1024


@dataclass(frozen=True)
class Row:
    """A figure of the first table: what it is, what is aimed at, and what the peer's figure is of."""

    name: str
    what: str
    aim: float | None = None
    peer: str = ""


_ROWS = (
    Row("heap_accepted_bytes", "Heap that lives at Accepted, TLS up, all profiles", 60 * _KB, "MicroOcpp, C++"),
    Row("heap_peak_bytes", "Peak of anything below", 90 * _KB),
    Row("warm_total_bytes", "Modules that stay loaded"),
    Row("mpy_total_bytes", "All code of the app, packed as it lies on the flash", 121_170, "MicroOcpp's minimal build"),
    Row("mpy_unpacked_bytes", "The same before it is packed"),
    Row("slot_flash_blocks", "Blocks of the flash that a version takes, of 384"),
    Row("flash_erases_per_session_hour", "Erases in a session of an hour, a sample a minute", 1, "MicroOcpp: whole files"),
    Row("flash_erases_per_idle_day", "Erases on a day on which nothing happens"),
    Row("update_erases", "Erases by an update into an empty slot"),
    Row("boot_to_accepted_ms", "From power on to Accepted"),
    Row("call_get_configuration_chip_ms", "GetConfiguration of everything"),
    Row("queue_drain_messages_per_s", "Queue, drained"),
    Row("composite_24h_20_profiles_chip_ms", "Composite schedule of a day, 20 profiles"),
    Row("tls_handshake_esp32_ms", "TLS handshake"),
)
_PEAKS = {
    "heap_peak_session_bytes": "session",
    "heap_peak_get_configuration_bytes": "GetConfiguration",
    "heap_peak_send_local_list_100_bytes": "list of 100",
    "heap_peak_send_local_list_500_bytes": "list of 500",
    "heap_peak_20_profiles_bytes": "20 profiles",
    "heap_peak_certificate_renewal_bytes": "renewal",
    "heap_peak_certificate_10000_bytes": "chain of 10,000",
    "heap_peak_upload_http_bytes": "upload HTTP",
    "heap_peak_upload_https_bytes": "HTTPS",
    "heap_peak_upload_ftp_bytes": "FTP",
    "heap_peak_upload_ftps_bytes": "FTPS",
    "heap_peak_update_bytes": "update",
}
_LINE_KB = 104
_HEAD = """# Footprint

Made by `make footprint` from `docs/bench.json`, the figures of `make bench` that were taken over last. Bytes of heap are bytes of
the chip, times of bytecode are estimates for an ESP32 at 240 MHz (`docs/link.md` has the methods). Lines: a stock ESP32 without
PSRAM still connects over TLS beside a Python heap of 104 KB, and 80 KB at rest leave room for a job.

| | measured | must | aim | peer | |
|---|---:|---:|---:|---:|---|
"""


def page(figures: Figures) -> str:
    """The page, as it should lie in docs/.

    Args:
        figures: name -> an object of bench.json.
    """
    return _HEAD + "".join(_row(row, figures.get(row.name)) for row in _ROWS) + _peaks(figures) + _modules(figures)


def load(file: Path) -> Figures:
    """{name: figure} of a bench.json; PilotwireError."""
    try:
        return {figure["name"]: figure for figure in json.loads(file.read_text("utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        why = "it is not there, or no bench.json"
        raise PilotwireError(f"cannot read figures from {file}", why, "run `make bench`") from None


def _row(row: Row, figure: dict[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        why = "not measured" if figure is None else "does not pass in any heap that was tried"
        return f"| {row.what} | {why} | | {_number(row.aim)} | | |\n"
    holds = {True: "holds", False: "**does not hold**", None: ""}[_holds(figure)]
    peer = _number(figure["peer"]) + (f" ({row.peer})" if figure["peer"] is not None and row.peer else "")
    must = _number(figure["budget"])
    return f"| {row.what} | {_number(figure['value'])} {figure['unit']} | {must} | {_number(row.aim)} | {peer} | {holds} |\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def _holds(figure: dict[str, Any]) -> bool | None:
    return None if figure["budget"] is None else figure["value"] <= figure["budget"]


def _peaks(figures: Figures) -> str:
    known = {what: figures[name]["value"] for name, what in _PEAKS.items() if figures.get(name, {}).get("value")}
    missing = [what for what in _PEAKS.values() if what not in known]
    text = "\n## Peaks\n\nThe smallest heap in which each passes, beside TLS and a charging session, in KB; the line is at 104.\n"
    if known:
        names = ", ".join(f'"{what}"' for what in known)
        bars = ", ".join(f"{value / _KB:.0f}" for value in known.values())
        line = ", ".join([str(_LINE_KB)] * len(known))
        text += f"""
```mermaid
xychart-beta horizontal
    x-axis [{names}]
    y-axis "KB" 0 --> {max(_LINE_KB, *(int(value / _KB) for value in known.values())) + 8}
    bar [{bars}]
    line [{line}]
```

| | bytes |
|---|---:|
""" + "".join(f"| {what} | {value:,} |\n" for what, value in known.items())
    if missing:
        text += f"\nNot measured, or in no heap that was tried: {', '.join(missing)}.\n"
    return text


def _modules(figures: Figures) -> str:
    warm = _named(figures, "warm_bytes ")
    text = "\n## What stays loaded\n\nHeap of each warm module, once it is loaded after those that it needs.\n"
    text += "\n| module | bytes |\n|---|---:|\n" + "".join(f"| `{name}` | {size:,} |\n" for name, size in warm if size)
    merged = [f"`{name}`" for name, size in warm if not size]
    if merged:
        text += f"\nPart of others: {', '.join(sorted(merged))}.\n"
    sizes = _named(figures, "mpy_bytes ")[:_LARGEST]
    text += "\n## The largest .mpy\n\n| module | bytes |\n|---|---:|\n"
    return text + "".join(f"| `{name}` | {size:,} |\n" for name, size in sizes)


def _named(figures: Figures, prefix: str) -> list[tuple[str, int]]:
    """What follows the prefix, with its value, the largest first."""
    found = [(name.removeprefix(prefix), figure["value"]) for name, figure in figures.items() if name.startswith(prefix)]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def main() -> int:
    """Exit status 1 if there are no figures."""
    docs = build.repository() / "docs"
    kept = docs / "bench.json"
    try:
        if len(sys.argv) > 1:
            load(Path(sys.argv[1]))
            kept.write_text(Path(sys.argv[1]).read_text("utf-8"))
        text = page(load(kept))
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    (docs / "footprint.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
