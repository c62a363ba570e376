"""Does the heap stay as it is? Sessions by the thousand and large random messages, on the charge point of tests/firmware.

    make bench ARGS="--only fragmentation"      10,000 sessions; some minutes, so it is left out of `make bench`

The heap is capped at what is live after the first sessions and what a list of a hundred tags needs beside it. Looked at are live
heap and largest free block after a collection; the first quarter, in which caches and lists fill, is not judged.
"""

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from pilotwire import runtime
from pilotwire.bench.figure import Figure
from pilotwire.bench.profiles import Desk
from pilotwire.errors import PilotwireError

LONG = True
SESSIONS = 10_000
_LOOKS = 40
_FIRST = 100  # sessions that show how much is live
_LARGE = 512 * 1024
_JOB = 28 * 1024  # the budgets leave 24 KB to a job (104 KB at any moment, 80 KB at rest); the central system is in it, too
_SEED = 1
_LOOK = re.compile(r"^GC: total: \d+, used: (\d+).*?max free sz: (\d+)", re.DOTALL | re.MULTILINE)
_DRIFT = 1024


class Look(NamedTuple):
    """The heap at rest, in bytes of the chip."""

    live: int
    largest_free: int


def looks(desk: Desk, heap: int, sessions: int, every: int) -> list[Look]:
    """What the heap is after every so many sessions; PilotwireError if they do not pass in it."""
    if desk.run(heap, str(sessions), str(every), str(_SEED), timeout=3600) is None:
        raise PilotwireError(f"{sessions} sessions do not pass in a heap of {heap} bytes", desk.said[-500:])
    block = 4 * runtime.pointer_bytes()
    found = [(int(used), int(free) * block) for used, free in _LOOK.findall(desk.said)]
    return [Look(runtime.chip_bytes(used), runtime.chip_bytes(free)) for used, free in found]


def drift(found: list[Look]) -> tuple[int, int]:
    """By how much live heap has grown and the largest free block has shrunk: the worst of the last quarter against the second."""
    quarter = len(found) // 4
    second, last = found[quarter : 2 * quarter], found[-quarter:]
    grown = max(look.live for look in last) - max(look.live for look in second)
    shrunk = min(look.largest_free for look in second) - min(look.largest_free for look in last)
    return max(0, grown), max(0, shrunk)


def measure(sessions: int = SESSIONS) -> list[Look]:
    """The looks of so many sessions within the cap."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), "sessions")
        live = max(look.live for look in looks(desk, _LARGE, _FIRST, _FIRST // 4))
        return looks(desk, live + _JOB, sessions, max(1, sessions // _LOOKS))


def figures() -> list[Figure]:
    """Drift over all sessions, and the largest free block at their end."""
    found = measure()
    grown, shrunk = drift(found)
    return [
        Figure(f"heap_growth_{SESSIONS}_sessions_bytes", grown, "B", _DRIFT),
        Figure(f"heap_largest_free_loss_{SESSIONS}_sessions_bytes", shrunk, "B", _DRIFT),
        Figure(f"heap_largest_free_after_{SESSIONS}_sessions_bytes", found[-1].largest_free, "B"),
    ]
