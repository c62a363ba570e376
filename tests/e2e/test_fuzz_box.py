"""`make fuzz SECONDS=n`: the running wallbox under mutated messages charges on, does not starve, and bills the transaction."""

import contextlib
import os
import random
import time

import pytest
from fuzzing import JSON_WORDS, messages, mutations

from pilotwire.csms.frames import CallError
from pilotwire.errors import PilotwireError

SECONDS = float(os.environ.get("FUZZ_SECONDS", "120")) / 4
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
_BATCH = 50
_GROWTH = 8192  # bytes of heap, as the box reports it between two collections


@pytest.mark.exhaustive
async def test_mutated_messages(bench):
    bench.allowed = [""]  # what a message makes it complain of is its own affair; what counts is below
    charger = await bench.start()
    await bench.charge()
    rng = random.Random(SEED)
    # Orders that stop the transaction, or the charger, by right.
    ends = (b"Reset", b"RemoteStop", b"UpdateFirmware", b"ChangeConfiguration", b"UnlockConnector", b"ChangeAvailability")
    seeds = [seed for seed in messages() if not any(word in seed for word in ends)]
    inputs = mutations(rng, seeds, JSON_WORDS)
    end, count, heap = time.monotonic() + SECONDS, 0, []
    while time.monotonic() < end:
        for _ in range(_BATCH):
            with contextlib.suppress(PilotwireError):  # it may have closed the connection, and comes back
                await charger.send(next(inputs).decode("utf-8", "replace"))
                count += 1
        await bench.passes(70)
        heap.append(bench.box.state()["heap"])
        await bench.told(lambda c: c.connected, 600)
        with contextlib.suppress(CallError):
            await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]}, timeout=60)
    print(f"\nfuzz: {count} messages to the running wallbox, heap {heap[0]} to {heap[-1]}, seed {SEED}")
    assert bench._restarts == 0 and bench.state()["status"] in ("Charging", "SuspendedEVSE")
    half = len(heap) // 2 or 1
    assert min(heap[half:] or heap) < min(heap[:half]) + _GROWTH
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions and all(t.stops == 1 for t in c.transactions.values()), 600)
    charger.schema_errors.clear(), charger.violations.clear()
