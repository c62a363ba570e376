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
from ocpp_bench import Bench
from store import Store
from watch import Watch, median_loop

_DAY_S = 86400
_STACKED = (1, 5, 10, 20)
_PER_MESSAGE = 100
_PIECE = 512


def check(holds, what):
    """An assert that is there at -O3 as well."""
    if not holds:
        raise ValueError(what)


def boot(folder):
    """A charge point on the files of a folder, accepted, with a car that charges."""
    bench = Bench()
    bench.store = Store(folder)
    bench.start()
    bench.connect()
    bench.plug()
    bench.present("A")
    return bench


def answer(bench, message):
    """What it says to a message, piece by piece, as the connection sends it; the last piece."""
    bench.cp.receive(message, bench.clock.ms)
    frame = bench.cp.next_frame(bench.clock.ms)
    last = frame
    if not isinstance(frame, str):
        for piece in frame:
            last = piece
    return last


def call(bench, action, payload):
    return answer(bench, json.dumps([2, "1", action, payload]))


# -- SendLocalList


def entries(first, count):
    info = {"expiryDate": "2036-11-22T10:00:00.000Z", "status": "ConcurrentTx"}
    for k in range(count):
        number = first + k * 37 % count
        info["parentIdTag"] = f"PARENT-OF-THE-{number:06d}"
        text = json.dumps({"idTag": f"Authorization-{number:06d}", "idTagInfo": info})
        yield ("," + text if k else text).encode()


def send(bench, total):
    """In messages of a hundred at most; each comes in pieces, as from the network."""
    for first in range(0, total, _PER_MESSAGE):
        kind = "Differential" if first else "Full"
        head = json.dumps([2, "12345678-1234-1234-1234-123456789012", "SendLocalList"])[:-1]
        head += f', {{"listVersion": {first + 1}, "updateType": "{kind}", "localAuthorizationList": ['
        head = head.encode()
        reader = bench.cp.rpc.large(head)
        reader.take(head)
        arrived = b""
        for entry in entries(first, min(_PER_MESSAGE, total - first)):
            arrived += entry
            if len(arrived) >= _PIECE:
                reader.take(memoryview(arrived)[:_PIECE])
                arrived = arrived[_PIECE:]
        reader.take(arrived + b"]}]")
        said = answer(bench, reader)
        check('"Accepted"' in said, said)


# -- charging profiles


def install(bench, count):
    for k in range(count):
        periods = [{"startPeriod": 3600 * j, "limit": 6 + (7 * j + k) % 26} for j in range(24)]
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": 3600 * (24 - k)}
        schedule["startSchedule"] = f"2026-11-20T{k:02d}:00:00Z"
        purpose = ("ChargePointMaxProfile", "TxDefaultProfile")[k % 2]
        what = {"chargingProfileId": k, "stackLevel": k // 2 % 9, "chargingProfilePurpose": purpose}
        what.update(chargingProfileKind="Recurring", recurrencyKind="Daily", chargingSchedule=schedule)
        number = k % 2 if k < 18 else 0
        if k >= 18:  # all levels are taken
            what.update(chargingProfilePurpose="TxDefaultProfile", stackLevel=k - 18)
        said = call(bench, "SetChargingProfile", {"connectorId": number, "csChargingProfiles": what})
        check('"Accepted"' in said, said)
    check(bench.cp.profiles.installed == count, count)


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
