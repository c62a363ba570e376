"""Runs in the Unix port for pilotwire.bench.profiles: one job of the charge point on the bench, in as little heap as it is given.

    profiles.py prepare             writes profiles of 24 periods, and a list of 1,000, into files
    profiles.py JOB N [FREE]        boots on such files, does the job, and prints what it took: microseconds of bytecode, modules
                                    that were loaded, microseconds of a loop; FREE: it is left so many bytes of heap

Jobs: composite N (24 h, N stacked profiles), send N (SendLocalList of N entries of maximal size), lookup N (in a list of N).
"""

import gc
import json
import sys

import cold
from large_orders import call, check, install, send
from ocpp_bench import Bench
from store import Store
from watch import Watch, median_loop

_DAY_S = 86400
_STACKED = (1, 5, 10, 20)


def boot(folder):
    """A charge point on the files of a folder, accepted, with a car that charges."""
    bench = Bench()
    bench.store = Store(folder)
    bench.start()
    bench.connect()
    bench.plug()
    bench.present("A")
    return bench


def composite(bench, count):
    check(bench.cp.profiles.installed == count, count)
    said = call(bench, "GetCompositeSchedule", {"connectorId": 1, "duration": _DAY_S})
    check("]}}" in said or said == "]", said)


def lookup(bench, count):
    number = count * 2 // 3
    check(cold.call("ocpp16.local_list", "find", bench.cp, f"AUTHORIZATION-{number:06d}"), number)
    check(not cold.call("ocpp16.local_list", "find", bench.cp, "NOBODY"), "NOBODY")


def leave(free):
    """Take all of the heap but so many bytes, the holes first: a chain of tuples of one block each."""
    gc.collect()
    chain = None
    for _ in range((gc.mem_free() - free) // 32):
        chain = (chain, None)
    return chain


def prepare():
    for count in _STACKED:
        bench = boot(f"composite{count}")
        install(bench, count)
    for name in ("send10", "send48", "send100", "send500"):
        boot(name)
    send(boot("lookup1000"), 1000)
    print("[]")


if sys.argv[1] == "prepare":
    prepare()
else:
    job, count = sys.argv[1], int(sys.argv[2])
    loop = median_loop()
    bench = boot(job + str(count))
    if len(sys.argv) > 3:
        ballast = leave(int(sys.argv[3]))
        gc.threshold(6144)  # as the firmware has it; here a collection takes far more of the time than on the chip
    watch = Watch()
    {"composite": composite, "send": send, "lookup": lookup}[job](bench, count)
    took, modules = watch.stop()
    print(json.dumps([took, modules, loop]))
