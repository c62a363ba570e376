"""What the firmware weighs on the flash."""

from pilotwire import build
from pilotwire.bench.figure import Figure


def figures() -> list[Figure]:
    """Bytes of .mpy: all of them, and those that are there for the link."""
    files = {name: len(data) for name, data in build.files().items() if name.endswith(".mpy")}
    found = [Figure("mpy_total_bytes", sum(files.values()), "B", 160 * 1024, 121_170)]
    return found + [Figure(f"mpy_bytes {name.removeprefix('/a/')}", n, "B") for name, n in sorted(files.items())]
