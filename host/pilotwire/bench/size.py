"""What the firmware weighs on the flash."""

import json

from pilotwire import build
from pilotwire.bench.figure import Figure
from pilotwire.tracebacks import Names


def figures() -> list[Figure]:
    """Bytes of .mpy: all of them, and those that are there for the link."""
    made = build.files()
    names = Names.of_build(json.loads(made["/a/build.json"])["hash"])
    files = {
        names.source(name[3:-4].replace("/", ".")): len(data) for name, data in made.items() if name.endswith(".mpy")
    }
    found = [Figure("mpy_total_bytes", sum(files.values()), "B", 160 * 1024, 121_170)]
    return found + [Figure(f"mpy_bytes {name}", n, "B") for name, n in sorted(files.items())]
