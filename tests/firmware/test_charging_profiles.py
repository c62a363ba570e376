# The running box: what the limit of each connector is, and when it is found anew.
import gc
import os
import time

import isoformat
from charging_bench import DEFAULT, MAX, T0, TX, Box, profile
from ocpp16 import composer

DAY = 86400


# req: SC-EVAL-04, SC-EVAL-05, SC-EVAL-08
# The limit changes in the second in which the schedule does, and nothing is evaluated in between.
def test_followed():
    box = Box()
    assert box.ma() is None
    assert box.set(1, profile(DEFAULT, [(0, 16), (60, 0), (120, 9.5)], id=7, schedule={"duration": 180})) == "Accepted"
    counted = []
    seen = []
    for t in range(200):
        if not seen or seen[-1][1] != box.ma():
            seen.append((t, box.ma(), box.reason()))
        due = box.profiles.due
        box.run(1)
        counted.append(box.profiles.due != due)
    assert seen == [
        (0, 16000, "TxDefaultProfile 7"),
        (60, 0, "TxDefaultProfile 7"),
        (120, 9500, "TxDefaultProfile 7"),
        (180, None, ""),
    ]
    assert sum(counted) == 3


# req: SC-EVAL-04
# Daily and weekly schedules, from a start in the past.
def test_recurring():
    box = Box()
    rows = [(0, 10), (3600, 16)]
    daily = profile(DEFAULT, rows, "Recurring", start=-3 * DAY - 1800, recurrencyKind="Daily", schedule={"duration": 7200})
    assert box.set(1, daily) == "Accepted"
    assert box.composite(1, DAY) == [(0, 10), (1800, 16), (5400, 32), (DAY - 1800, 10)]
    weekly = profile(DEFAULT, rows, "Recurring", level=1, start=DAY, recurrencyKind="Weekly", schedule={"duration": 7200})
    assert box.set(1, weekly) == "Accepted"
    assert box.ma() == 10000
    expected = [(DAY, 10), (DAY + 3600, 16), (DAY + 7200, 32), (2 * DAY - 1800, 10)]
    assert [row for row in box.composite(1, 2 * DAY) if row[0] >= DAY - 1800][1:] == expected[1:]
    # It does not begin before its start, and is there again a week after.
    assert [row for row in box.composite(1, 9 * DAY) if row[0] == 8 * DAY + 3600] == [(8 * DAY + 3600, 16)]


# req: SC-EVAL-03
# A default of a connector replaces the station's of the same level; among levels the higher one wins, wherever it stands.
def test_levels():
    box = Box(2)
    assert box.set(0, profile(DEFAULT, [(0, 10)], id=1)) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 12)], id=2)) == "Accepted"
    assert (box.ma(1), box.ma(2)) == (12000, 10000)
    assert box.set(0, profile(DEFAULT, [(0, 20)], id=3, level=1)) == "Accepted"
    assert (box.ma(1), box.ma(2)) == (20000, 20000)
    assert box.clear(id=3) == "Accepted"
    # Replaced is replaced, also when the one that replaces is over.
    assert box.set(1, profile(DEFAULT, [(0, 12)], id=2, schedule={"duration": 10})) == "Accepted"
    box.run(10)
    assert (box.ma(1), box.ma(2)) == (None, 10000)


# req: SC-SET-07, SC-EVAL-02
def test_default_during_transaction():
    box = Box()
    box.begin(1)
    assert box.ma() is None
    assert box.set(0, profile(DEFAULT, [(0, 10)], id=1)) == "Accepted"
    assert box.ma() == 10000
    assert box.set(1, profile(TX, [(0, 16)], id=2, schedule={"duration": 60})) == "Accepted"
    assert box.ma() == 16000
    box.run(60)
    assert box.ma() == 10000
    assert box.clear(id=1) == "Accepted"
    assert box.ma() is None


# req: SC-EVAL-04, SC-SET-04
# Relative, and what has no start of its own, counts from the start of the transaction; a station limit from its reception.
def test_relative():
    box = Box()
    assert box.set(0, profile(MAX, [(0, 20), (100, 13)], start=None)) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 10), (30, 16)], start=None)) == "Accepted"
    box.run(50)
    assert box.ma() == 10000  # as a transaction would have that began now
    box.begin(1)
    box.run(29)
    assert box.ma() == 10000
    box.run(1)
    assert box.ma() == 16000
    box.run(20)
    assert box.ma() == 13000
    assert box.reason().startswith("ChargePointMaxProfile ")
    box.end(1)
    box.begin(1)
    assert box.ma() == 10000


# req: SC-SET-06, SC-SET-09
# Station and default profiles survive a restart; those of a transaction end with it.
def test_persistent():
    box = Box()
    box.begin(1)
    assert box.set(0, profile(MAX, [(0, 20)], id=1)) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 10)], id=2)) == "Accepted"
    assert box.set(1, profile(TX, [(0, 13)], id=3)) == "Accepted"
    box.reboot()
    assert box.profiles.installed == 2
    assert box.ma() == 10000
    assert box.clear(id=3) == "Unknown"
    box.begin(1)
    assert box.set(1, profile(TX, [(0, 13)], id=3)) == "Accepted"
    assert box.ma() == 13000
    box.end(1)
    assert box.ma() == 10000
    assert box.profiles.installed == 2
    assert box.clear(id=3) == "Unknown"


# req: SC-RS-01, SC-EVAL-09
# The profile of a remote start is there before the transaction is, and goes with it; or when nothing comes of it.
def test_remote_start():
    box = Box()
    c = box.connectors[0]
    assert box.set(0, profile(DEFAULT, [(0, 10)])) == "Accepted"

    def remote(limit, purpose=TX):
        return box.remote(1, profile(purpose, [(0, limit)], level=2, transactionId=99))

    assert not remote(16, DEFAULT)
    assert remote(16)
    box.auth = ("TAG", 1)  # Authorize is under way
    box.tick()
    assert box.ma() == 16000
    box.run(5)
    c.tag, box.auth = "TAG", None  # authorised, waits for the cable
    box.run(5)
    assert box.ma() == 16000
    c.tag = None
    box.begin(1, 4)
    assert box.ma() == 16000
    assert box.set(1, profile(TX, [(0, 12)], level=2, transactionId=4)) == "Accepted"
    assert box.ma() == 12000
    assert box.profiles.installed == 2
    box.end(1)
    assert box.ma() == 10000
    assert remote(14)
    c.tag = "TAG"
    box.tick()
    assert box.ma() == 14000
    c.tag = None  # ConnectionTimeOut
    box.tick()
    assert box.ma() == 10000
    assert box.profiles.installed == 1


# req: SC-EVAL-02
# Connectors share the station's limit: none gets less than another unless it wants less, none is offered less than 6 A.
def test_shared():
    box = Box(3)
    assert box.set(0, profile(MAX, [(0, 40), (100, 17), (200, 11.5), (300, 5), (400, 60)])) == "Accepted"
    assert box.set(2, profile(DEFAULT, [(0, 8)])) == "Accepted"
    box.begin(1)
    assert box.ma(1) is None  # the hardware's 32 A are less
    box.run(1)
    box.begin(2)
    assert (box.ma(1), box.ma(2)) == (None, 8000)
    box.run(1)
    box.begin(3)
    assert (box.ma(1), box.ma(2), box.ma(3)) == (16000, 8000, 16000)
    box.run(98)
    assert (box.ma(1), box.ma(2), box.ma(3)) == (9000, 8000, 0)  # 17 A are enough for two, the last has to wait
    box.run(100)
    assert (box.ma(1), box.ma(2), box.ma(3)) == (11500, 0, 0)
    box.run(100)
    assert box.ma(1) == 5000  # that suspends it: below 6 A
    assert (box.ma(2), box.ma(3)) == (0, 0)
    box.run(100)
    assert (box.ma(1), box.ma(2), box.ma(3)) == (26000, 8000, 26000)
    box.hardware(3, 16000)  # it takes no more: the others get it
    assert (box.ma(1), box.ma(2), box.ma(3)) == (None, 8000, None)
    box.hardware(3, 32000)
    box.end(1)
    assert (box.ma(2), box.ma(3)) == (8000, None)


# req: SC-EVAL-07
# A paused transaction leaves its share to the others.
def test_paused_takes_no_share():
    box = Box(2)
    assert box.set(0, profile(MAX, [(0, 16)])) == "Accepted"
    box.begin(1)
    box.begin(2)
    assert (box.ma(1), box.ma(2)) == (8000, 8000)
    assert box.set(1, profile(TX, [(0, 0)], id=9)) == "Accepted"
    assert (box.ma(1), box.ma(2)) == (0, 16000)
    assert box.clear(id=9) == "Accepted"
    assert (box.ma(1), box.ma(2)) == (8000, 8000)


# While UTC is unknown: what counts from the transaction works; of the others the lowest limit holds, since any may be in force.
def test_time_unknown():
    box = Box()
    assert box.set(1, profile(DEFAULT, [(0, 16), (60, 12)], "Relative", id=1)) == "Accepted"
    box.reboot()
    base, box.clock.base = box.clock.base, None
    box.begin(1)
    assert box.ma() == 16000
    box.run(60)
    assert box.ma() == 12000
    box.clock.base = base
    assert box.set(1, profile(DEFAULT, [(0, 20), (3600, 14)], level=1, id=2)) == "Accepted"
    assert box.ma() == 20000
    box.clock.base = None
    box.tick()
    assert box.ma() == 12000  # 20, 14 or 12
    assert box.clear(id=1) == "Accepted"
    assert box.ma() == 14000
    box.run(5)
    box.clock.base = base + 3
    box.tick()
    assert box.ma() == 20000


# The clock is set: at once, unless it is the second in which UTC and uptime differ anyway.
def test_clock_set():
    box = Box()
    assert box.set(1, profile(DEFAULT, [(0, 16), (60, 12)])) == "Accepted"
    due = box.profiles.due
    box.clock.base += 1
    box.run(1)
    assert (box.profiles.due, box.ma()) == (due, 16000)
    box.clock.base += 58
    box.run(1)
    assert box.ma() == 12000
    box.clock.base -= 58
    box.run(1)
    assert box.ma() == 16000


# A file that is damaged, of another version, or away does not stop anything.
def test_damaged():
    box = Box()
    assert box.set(1, profile(DEFAULT, [(0, 16), (60, 12)])) == "Accepted"
    data = box.store.read("profiles")
    for bad in (b"", b"\x07" + data[1:], data[:3], data[:-4], None):
        if bad is None:
            box.store.remove("profiles")
        else:
            box.store.write("profiles", bad)
        box.run(61)
        box.begin(1)
        box.run(20)
        box.end(1)
        box.reboot()
    assert box.set(1, profile(DEFAULT, [(0, 16)])) == "Accepted"
    assert box.ma() == 16000
    assert os.listdir("data") == ["profiles"]


# req: SC-SET-08
# A full flash refuses the new profile and keeps the old ones.
def test_flash_full():
    box = Box()
    assert box.set(1, profile(DEFAULT, [(0, 16)])) == "Accepted"
    before = box.store.read("profiles")
    os.mkdir("data/profiles~")  # nothing can be written there
    try:
        box.set(1, profile(DEFAULT, [(0, 10)]))
        raise AssertionError
    except OSError:
        pass
    os.rmdir("data/profiles~")
    assert box.store.read("profiles") == before
    box.tick()
    assert box.ma() == 16000


def used():
    for _ in range(3):
        gc.collect()
    return gc.mem_alloc()


# A day of 20 profiles of 24 periods: a row of 80 bytes for each, and no more at its end than at its beginning.
def test_heap_and_time():
    box = Box()
    box.begin(1)
    install_twenty(box)
    assert os.stat("data/profiles")[6] == 1 + 20 * (25 + 24 * 9)
    heap = []

    def walk(look):
        """Steps of a day's composite; `look` at each of them."""
        steps = 0
        with open("data/profiles", "rb") as f:
            made = composer.Composer(f, composer.loads(box.profiles), T0, 230)
            for _ in made.periods(1, DAY):
                steps += 1
                look()
        return steps

    begun = time._real.ticks_us()  # the virtual one stands still
    steps = walk(lambda: None)
    took = time.ticks_diff(time._real.ticks_us(), begun)
    before = used()
    walk(lambda: heap.append(used() - before))
    print("composite of 24 h, 20 profiles of 24 periods: %d steps, %d us, %d B" % (steps, took, max(heap)))
    assert steps > 24
    assert max(heap) - heap[1] < 1000  # the list itself grows
    assert 0 < max(heap) < 5000  # of a desktop, where pointers are twice as wide
    box.clear()


def install_twenty(box):
    for k in range(20):
        rows = [(3600 * j, 6 + (7 * j + k) % 26) for j in range(24)]
        purpose = (MAX, DEFAULT, TX)[k % 3]
        made = profile(purpose, rows, "Recurring", k // 3, start=-60 * k, recurrencyKind="Daily")
        made["chargingSchedule"]["duration"] = 3600 * (24 - k)
        assert box.set(0 if purpose == MAX else 1, made) == "Accepted"


# The limits of a day in a row, second by second at each boundary, are what the composite promised.
def test_composite_is_kept():
    box = Box()
    box.begin(1)
    assert box.set(0, profile(MAX, [(0, 20), (500, 10)], "Recurring", start=-100, recurrencyKind="Daily")) == "Accepted"
    assert box.set(1, profile(DEFAULT, [(0, 9), (333, 25)], "Relative", schedule={"duration": 700})) == "Accepted"
    rows = box.composite(1, 900)
    for t in range(900):
        limit = [row[1] for row in rows if row[0] <= t][-1]
        assert (32000 if box.ma() is None else box.ma()) == limit * 1000
        box.run(1)
    assert isoformat.format(T0 + 905) == isoformat.format(box.clock.utc() + 5)
