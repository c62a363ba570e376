"""Runs in the Unix port for pilotwire.bench.profiles: one job of the charge point on the bench, in as little heap as it is given.

    profiles.py prepare                 writes profiles of 24 periods, and a list of 1,000, into files
    profiles.py JOB [N]                 boots on such files, does the job, and prints [microseconds of bytecode, modules loaded, loop]

Jobs: idle, composite N (24 h, N stacked profiles), send N (SendLocalList of N entries of maximal size), lookup N (in a list of N).
"""

import gc
import json
import sys

from ocpp_bench import Bench
from store import Store
import cold
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
    gc.collect()
    gc.threshold(6144)  # as the firmware does it
    return bench


def answer(bench, message):
    """What it says to a message, piece by piece, as the connection sends it; the last piece."""
    bench.cp.receive(message, bench.clock.ms)
    frame = bench.cp.next_frame(bench.clock.ms)
    piece = frame
    if not isinstance(frame, str):
        for piece in frame:
            pass
    return piece


# -- SendLocalList


def entries(first, count):
    text = '{"idTag":"Authorization-%06d","idTagInfo":{"expiryDate":"2036-11-22T10:00:00.000Z",'
    text += '"parentIdTag":"PARENT-OF-THE-%06d","status":"ConcurrentTx"}}'
    for k in range(count):
        number = first + k * 37 % count
        yield (("," if k else "") + text % (number, number)).encode()


def send(bench, total):
    """In messages of a hundred at most; each comes in pieces, as from the network."""
    for first in range(0, total, _PER_MESSAGE):
        kind = "Differential" if first else "Full"
        head = '[2,"12345678-1234-1234-1234-123456789012","SendLocalList",{"listVersion":%d,"updateType":"%s",'
        head = (head % (first + 1, kind) + '"localAuthorizationList":[').encode()
        reader = bench.cp.rpc.large(head)
        reader.take(head)
        buffer = bytearray(_PIECE)
        filled = 0
        for entry in entries(first, min(_PER_MESSAGE, total - first)):
            for at in range(len(entry)):
                buffer[filled] = entry[at]
                filled += 1
                if filled == _PIECE:
                    reader.take(buffer)
                    filled = 0
        reader.take(memoryview(buffer)[:filled])
        reader.take(b"]}]")
        said = answer(bench, reader)
        check('"Accepted"' in said, said)


# -- charging profiles


def install(bench, count):
    for k in range(count):
        periods = [{"startPeriod": 3600 * j, "limit": 6 + (7 * j + k) % 26} for j in range(24)]
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": 3600 * (24 - k)}
        schedule["startSchedule"] = "2026-11-20T%02d:00:00Z" % k
        purpose = ("ChargePointMaxProfile", "TxDefaultProfile")[k % 2]
        what = {"chargingProfileId": k, "stackLevel": k // 2 % 9, "chargingProfilePurpose": purpose}
        what.update(chargingProfileKind="Recurring", recurrencyKind="Daily", chargingSchedule=schedule)
        number = k % 2 if k < 18 else 0
        if k >= 18:  # all levels are taken
            what.update(chargingProfilePurpose="TxDefaultProfile", stackLevel=k - 18)
        said = answer(bench, json.dumps([2, "p%d" % k, "SetChargingProfile", {"connectorId": number, "csChargingProfiles": what}]))
        check('"Accepted"' in said, said)
    check(bench.cp.profiles.installed == count, count)


def composite(bench, count):
    check(bench.cp.profiles.installed == count, count)
    said = answer(bench, '[2,"c","GetCompositeSchedule",{"connectorId":1,"duration":%d}]' % _DAY_S)
    check("]}}" in said or said == "]", said)


def lookup(bench, count):
    number = count * 2 // 3
    check(cold.call("ocpp16.local_list", "find", bench.cp, "AUTHORIZATION-%06d" % number), number)
    check(not cold.call("ocpp16.local_list", "find", bench.cp, "NOBODY"), "NOBODY")


def idle(bench, count):
    bench.run(0)


def prepare():
    for count in (0,) + _STACKED:
        bench = boot("composite%d" % count)
        install(bench, count)
    for name in ("idle0", "send10", "send48", "send100", "send500"):
        boot(name)
    send(boot("lookup1000"), 1000)


if sys.argv[1] == "prepare":
    prepare()
else:
    job, count = sys.argv[1], int(sys.argv[2])
    loop = median_loop()
    bench = boot(job + str(count))
    watch = Watch()
    {"idle": idle, "composite": composite, "send": send, "lookup": lookup}[job](bench, count)
    took, modules = watch.stop()
    print(json.dumps([took, modules, loop]))
