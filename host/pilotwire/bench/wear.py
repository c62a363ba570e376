"""Erases of the flash: in a session of an hour with a sample each minute, and on a day on which nothing happens.

Ledgers, log, and files on LittleFS count alike; NVS (wear of the contactor) takes an entry without one. Those of an update are in
pilotwire.bench.update.
"""

import tempfile
from pathlib import Path

from pilotwire.bench.figure import Figure
from pilotwire.bench.profiles import Desk
from pilotwire.errors import PilotwireError

_SESSIONS = 24
_HEAP = 8 << 20
_PEER = 10  # whole files that MicroOcpp writes again in a session, at the least


def measure(sessions: int = _SESSIONS) -> tuple[float, int]:
    """(erases of a session, erases of an idle day)."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), "wear")
        found = desk.run(_HEAP, str(sessions), timeout=900)
        if not isinstance(found, dict):
            raise PilotwireError("the bench of the flash's wear has failed", desk.said[-500:])
        return round(found["sessions"] / sessions, 2), found["day"]


def figures() -> list[Figure]:
    session, day = measure()
    return [
        Figure("flash_erases_per_session_hour", session, "erases", 3, _PEER),
        Figure("flash_erases_per_idle_day", day, "erases"),
    ]
