"""Runs in the Unix port for pilotwire.bench.core: what the Core profile costs in bytecode, on the charge point of tests/firmware.

Prints one line of JSON: [microseconds of bytecode, modules loaded] of the medians, and the microseconds of a loop of 100,000
turns. Loading a module is the file system's work on the chip, so it is counted and not timed.
"""

import json
import sys

from ocpp_bench import Bench
from watch import Watch, median_loop

_ROUNDS = 21
_QUEUED = 50  # transactions that wait, each a Start and a Stop


def answer(action, payloads):
    """Median from a CALL of the central system to the last piece of its answer."""
    bench = Bench()
    bench.connect()
    took = []
    for k in range(_ROUNDS):
        text = json.dumps([2, f"b{k}", action, payloads(k)])
        watch = Watch()
        bench.cp.receive(text, bench.clock.ms)
        frame = bench.cp.next_frame(bench.clock.ms)
        size = len(frame) if isinstance(frame, str) else sum([len(piece) for piece in frame])
        took.append(watch.stop())
        assert size > 20
        bench.run(0)
    return sorted(took)[_ROUNDS // 2]


def session(bench, tag):
    bench.plug()
    bench.present(tag)
    bench.charge(100)
    bench.present(tag)
    bench.unplug()
    bench.run(1)


def drain():
    """Time of one message of the queue, from its record on flash to the end of its answer."""
    bench = Bench(sectors=16, AllowOfflineTxForUnknownId="true")
    bench.connect()
    bench.disconnect()
    for k in range(_QUEUED):
        session(bench, f"T{k}")
    sent = len(bench.sent)
    bench.cp.connected(bench.clock.ms)
    watch = Watch()
    bench.exchange()
    took, loaded = watch.stop()
    told = [a for a, _ in bench.sent[sent:] if a.endswith("Transaction")]
    assert len(told) == 2 * _QUEUED, told
    return took // len(told), loaded / len(told)


def erases(sessions):
    """Erases of the ledgers in so many online sessions without samples, times 1000, for one of them."""
    bench = Bench(sectors=64)
    bench.connect()
    before = bench.nor.erases
    stops = 0
    for k in range(sessions):
        session(bench, f"T{k % 10}")
        bench.cp.transactions.prepare()
        stops += len(bench.payloads("StopTransaction"))
        for kept in (bench.sent, bench.replies, bench.lines):
            del kept[:]
    assert stops == sessions
    return (bench.nor.erases - before) * 1000 // sessions


print(
    json.dumps(
        {
            "loop": median_loop(),
            "get_configuration": answer("GetConfiguration", lambda k: {}),
            "remote_start": answer("RemoteStartTransaction", lambda k: {"idTag": f"R{k}", "connectorId": 1}),
            "drain": drain(),
            "erases_permille": erases(600),
        }
    )
)
sys.exit(0)
