"""Runs in the Unix port for pilotwire.bench.fragmentation: sessions by the thousand, with large random messages between them.

    sessions.py COUNT EVERY SEED    prints `@SESSIONS` and what micropython.mem_info() says, after every EVERY sessions, at rest
"""

import gc
import json
import random
import sys

import micropython
from large_orders import call, check, install, send
from ocpp_bench import Bench

_TAGS = 50
_ENTRIES = (1, 10, 30, 48, 100)  # none that 37 divides, see large_orders.entries


def _garbage(bench):
    call(bench, "DataTransfer", {"vendorId": "org.nobody", "data": "x" * random.randrange(4000)})


def _list(bench):
    send(bench, random.choice(_ENTRIES))


def _profiles(bench):
    call(bench, "ClearChargingProfile", {})
    install(bench, random.randrange(1, 21))
    call(bench, "GetCompositeSchedule", {"connectorId": 1, "duration": 86400})
    call(bench, "ClearChargingProfile", {})


def _setting(bench):
    call(bench, "ChangeConfiguration", {"key": "CpoName", "value": "c" * random.randrange(64)})


_LARGE = (_garbage, _list, _profiles, _setting, lambda bench: call(bench, "GetConfiguration", {}))


def session(bench):
    """One car: by tag or remote start, with meter values on its way, and not always told at once."""
    tag = f"T{random.randrange(_TAGS)}"
    away = random.randrange(10) == 0
    if away:
        bench.disconnect()
    bench.plug()
    bench.present(tag)
    bench.charge(random.randrange(1, 20000))
    bench.run(random.randrange(1, 4))
    if away:
        bench.connect()
    bench.present(tag)
    bench.unplug()
    bench.run(1)
    bench.cp.transactions.prepare()


def main(count, every, seed):
    random.seed(seed)
    bench = Bench(sectors=24, MeterValueSampleInterval="2", AllowOfflineTxForUnknownId="true")
    bench.connect()
    for k in range(1, count + 1):
        session(bench)
        if random.randrange(20) == 0:
            random.choice(_LARGE)(bench)
        started = len(bench.payloads("StartTransaction")), len(bench.payloads("StopTransaction"))
        check(started == (1, 1) and not bench.cp.transactions.queued, started)
        for kept in (bench.sent, bench.replies, bench.lines):
            del kept[:]
        if k % every == 0:
            gc.collect()
            print(f"@{k}")
            micropython.mem_info()


gc.threshold(6144)  # as the firmware has it
main(*[int(argument) for argument in sys.argv[1:]])
print(json.dumps([]))
