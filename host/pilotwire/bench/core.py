"""The Core profile: start, answers to the central system, the queue, and what a transaction takes of the flash.

Times of bytecode are measured in the Unix port and told in milliseconds of an ESP32: by how long both need for the same loop, and
with what loading modules takes there.
Boot to Accepted is time of the virtual clock, to which erases, imports and collections of the chip are charged.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from pilotwire import build, runtime
from pilotwire.bench.figure import Figure
from pilotwire.csms import CentralSystem
from pilotwire.devicetest.suite import Suite
from pilotwire.errors import PilotwireError
from pilotwire.sim import Supervisor

# On an ESP32 at 240 MHz: 100,000 turns of an empty loop take 0.4 to 0.55 s; to load a module see boards/virtual/costs.py.
_LOOP_CHIP_MS = 475
_IMPORT_CHIP_MS = 8
_ID = "BENCH-2"


def chip_ms(us: float, modules: float, loop: float) -> float:
    """Milliseconds of an ESP32 for what took so long here, beside loading so many modules."""
    return us * _LOOP_CHIP_MS / loop + modules * _IMPORT_CHIP_MS


def _bytecode() -> dict:
    """What tests/bench/core_profile.py prints."""
    root = build.repository()
    suite = Suite(root)
    suite.build()
    path = [folder for folder in suite.folders(root / "tests/firmware/ocpp_bench.py") if folder.name != "time"]  # the real time
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        script = root / "tests" / "bench" / "core_profile.py"
        done = runtime.run([script], heap=8 << 20, path=path, cwd=folder, timeout=300)
    if done.returncode:
        raise PilotwireError("the bench of the Core profile has failed", done.stdout.strip()[-500:])
    return json.loads(done.stdout.splitlines()[-1])


async def _boot_ms() -> int:
    """Virtual time from power on to the answer to BootNotification."""
    with tempfile.TemporaryDirectory() as folder:
        async with CentralSystem() as central:
            settings = {"CentralSystemURL": central.url, "ChargePointId": _ID}
            async with Supervisor(Path(folder) / "box", settings=settings, speed=1.0) as box:
                begin = box.time_ms
                await box.do("wait", until={"registered": "Accepted"}, timeout_s=60)
                return box.time_ms - begin


def figures() -> list[Figure]:
    found = _bytecode()

    def ms(name: str) -> float:
        us, modules = found[name]
        return chip_ms(us, modules, found["loop"])

    return [
        Figure("boot_to_accepted_ms", asyncio.run(_boot_ms()), "ms"),
        Figure("call_get_configuration_chip_ms", round(ms("get_configuration"), 1), "ms", 50),
        Figure("call_remote_start_chip_ms", round(ms("remote_start"), 1), "ms", 50),
        Figure("queue_drain_messages_per_s", round(1000 / ms("drain"), 1), "messages/s"),
        Figure("flash_erases_per_transaction", found["erases_permille"] / 1000, "erases"),
    ]
