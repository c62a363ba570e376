"""What the firmware weighs on the flash."""

import json

from pilotwire import build
from pilotwire.bench.figure import Figure
from pilotwire.tracebacks import Names

_BLOCK = 4096  # of LittleFS: a small file takes a whole one
# The file system of a 4 MB board has 384: two slots, the 12 that an update leaves free, 15 of the authorisation cache, lists,
# certificates and directories.
_SLOT_BLOCKS = 80


def figures() -> list[Figure]:
    """Bytes of code: as it lies on the flash, and each module before it is packed."""
    made, stored = build.modules(), build.files()
    names = Names.of_build(json.loads(made["/a/build.json"])["hash"])
    files = {
        names.source(name[3:-4].replace("/", ".")): len(data) for name, data in made.items() if name.endswith(".mpy")
    }
    slot = [len(data) for name, data in stored.items() if name.startswith("/a/")]
    found = [Figure("mpy_total_bytes", sum(build.code_sizes(stored).values()), "B", 160 * 1024, 121_170)]
    found.append(Figure("mpy_unpacked_bytes", sum(files.values()), "B"))
    found.append(Figure("slot_flash_blocks", sum((size + _BLOCK - 1) // _BLOCK for size in slot), "blocks", _SLOT_BLOCKS))
    return found + [Figure(f"mpy_bytes {name}", n, "B") for name, n in sorted(files.items())]
