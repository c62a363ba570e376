"""An update with a bundle of the whole firmware into an empty slot over HTTP: time, heap, erases, stalls. The rows name its size.

Time and the longest stall of the control step are those of the virtual clock, to which flash, imports and collections of an
ESP32 are charged; what bytecode and the network take there is not in them. The peak is the smallest heap in which it passes.
"""

import asyncio
import contextlib
import http.server
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from pilotwire import build, bundle, keys
from pilotwire.bench.figure import Figure
from pilotwire.bench.heap import smallest
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.image import make_flash
from pilotwire.publish import statuses
from pilotwire.sim import Supervisor

_ID = "BENCH-3"
_LOWEST, _HIGHEST = 88 * 1024, 176 * 1024
_STEP = 4096
_REAL_S = 400  # of a machine that is busy; what runs out of memory ends at once
_STEP_MS = 20  # of the control step
_GOOD = ["Downloading", "Downloaded", "Installing", "Installed"]


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """URL of a server for the files of a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


async def _update(heap: int, flash: bytes, url: str) -> dict[str, int] | None:
    """Figures of one update, None if it does not pass in this heap."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "flash.bin"
        image.write_bytes(flash)
        starved = False
        limit = asyncio.timeout(_REAL_S)

        def note(event) -> None:
            nonlocal starved
            if event.who == "firmware" and ("MemoryError" in event.what or "out of memory" in event.what):
                starved = True
                with contextlib.suppress(RuntimeError):  # not begun, or over
                    limit.reschedule(asyncio.get_running_loop().time())

        async with CentralSystem() as central:
            settings = {"CentralSystemURL": central.url, "ChargePointId": _ID}
            async with Supervisor(
                Path(folder) / "box", settings=settings, heap=heap, image=image, on_event=note, speed=1.0
            ) as box:
                try:
                    async with limit:
                        charger = await central.charger(_ID, timeout=_REAL_S)
                        await charger.wait_for(lambda c: len(c.statuses) == 2, timeout=_REAL_S)
                        begin, before = box.time_ms, box.state()["flash"]["erases"]
                        await charger.call("UpdateFirmware", {"location": url, "retrieveDate": "2026-01-01T00:00:00Z"})
                        box.take_gap_ms()
                        await charger.wait_for(lambda c: len(statuses(c)) > 2, timeout=_REAL_S)
                        download, longest = box.time_ms - begin, box.take_gap_ms()
                        erases = box.state()["flash"]["erases"] - before
                        if statuses(charger) != _GOOD[:3]:
                            return None
                        await charger.wait_for(lambda c: len(statuses(c)) > 3, timeout=_REAL_S)
                        if statuses(charger) != _GOOD:
                            return None
                except (PilotwireError, TimeoutError):
                    return None
                if starved:
                    return None
                return {
                    "download_ms": download,
                    "total_ms": box.time_ms - begin,
                    "erases": erases,
                    "stall_ms": max(0, longest - _STEP_MS),
                }


def figures() -> list[Figure]:
    """Time, erases and stall at the largest heap, then the smallest heap by bisection."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=keys.BITS)
    made = build.files()
    data = bundle.make(bundle.relabelled(made, "9.9.9"), key=key)
    board = (build.repository() / "boards" / "virtual" / "board.json").read_bytes()
    flash = make_flash(made | {"/board.json": board, keys.ON_BOARD: keys.public(key)})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "f.pwb").write_bytes(data)
        with _served(Path(folder)) as root:
            best = asyncio.run(_update(_HIGHEST, flash, root + "/f.pwb"))
            if best is None:
                raise PilotwireError("the update of the bench does not pass", f"in {_HIGHEST} bytes of heap")
            url = root + "/f.pwb"
            peak = smallest(lambda heap: asyncio.run(_update(heap, flash, url)) is not None, _LOWEST, _HIGHEST, _STEP)
    of = f"for {len(data) // 1000} KB"
    return [
        Figure("update_bundle_bytes", len(data), "B"),
        Figure("update_download_ms", best["download_ms"], f"ms {of}"),
        Figure("update_to_installed_ms", best["total_ms"], f"ms {of}"),
        Figure("update_erases", best["erases"], f"erases {of}"),
        Figure("update_longest_stall_ms", best["stall_ms"], f"ms {of}"),
        Figure("heap_peak_update_bytes", peak, f"B {of}", 104 * 1024),
    ]
