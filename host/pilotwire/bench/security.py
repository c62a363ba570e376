"""TLS handshakes and signatures: how long they take on the chip, and the longest piece in which nothing else runs.

A handshake is measured on the virtual clock, to which boards/virtual/costs.py charges what mbedTLS takes on the chip, message by
message; its longest stall is the longest of these pieces. Signatures are measured in the Unix port, step by step, and estimated
for an ESP32 as lib/p256/README.md does it: 2.1 times for integers of 32-bit limbs, then 70 times (60 to 80) for the chip.
"""

import ast
import asyncio
import contextlib
import json
import statistics
import tempfile
from pathlib import Path

from pilotwire import build, runtime
from pilotwire.bench.certificates import Authority
from pilotwire.bench.electrical import Bench
from pilotwire.bench.figure import Figure
from pilotwire.errors import PilotwireError

_ROUNDS = 3
_CHIP = 2.1 * 70
_STEP_BUDGET_MS = 40  # lib/p256 and lib/rsa say up to 20; twice that must not happen
_LIBRARIES = ("p256", "rsa", "steps", "x509", "iso8601")


def longest_piece_ms(chip: str) -> float:
    """The longest turn of a handshake in the table of costs."""
    source = (build.repository() / "boards" / "virtual" / "costs.py").read_text()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TABLE":
            return max(ast.literal_eval(node.value)[chip]["handshake"]) / 1000
    raise PilotwireError("boards/virtual/costs.py has no TABLE")


async def _handshakes(chip: str) -> list[int]:
    """Virtual ms from a TCP connection to the WebSocket over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        async with Bench().run(Path(folder), chip, Authority(Path(folder))) as bench:
            (charger,) = bench.central.chargers.values()
            for _ in range(_ROUNDS):
                count = charger.connections
                charger.drop()
                while charger.connections == count or not charger.connected:
                    with contextlib.suppress(PilotwireError):  # what is asked for does not come, a second passes
                        await bench.box.do("wait", until={"never": True}, timeout_s=1)
            up = [e.time_ms for e in bench.events if e.who == "firmware" and "link: connected to" in e.what]
            return [end - start for start, end in zip(bench.connected, up, strict=False)]


def signatures() -> dict[str, list[float]]:
    """{job: [ms of an ESP32 in all, of the longest step]}."""
    root = build.repository()
    path = [root / "lib" / name for name in _LIBRARIES] + [root / "tests" / "lib", root / "tests" / "bench"]
    done = runtime.run([root / "tests" / "bench" / "crypto.py"], heap=8 << 20, path=path, timeout=300)
    if done.returncode:
        raise PilotwireError("the bench of signatures has failed", done.stdout.strip()[-500:])
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: [round(us * _CHIP / 1000, 1) for us in pair] for name, pair in found.items()}


def figures() -> list[Figure]:
    found = []
    for chip in ("esp32", "esp32c3"):
        times = asyncio.run(_handshakes(chip))
        found.append(Figure(f"tls_handshake_{chip}_ms", round(statistics.median(times)), "ms"))
        found.append(Figure(f"tls_handshake_longest_stall_{chip}_ms", longest_piece_ms(chip), "ms", 100))
    for name, (total, step) in signatures().items():
        found.append(Figure(f"{name}_chip_ms", total, "ms"))
        found.append(Figure(f"{name}_longest_step_chip_ms", step, "ms", _STEP_BUDGET_MS))
    return found
