"""Records that share their first bytes with the one before; ledgers in parts of a partition."""

import gc

from ledger import DONE, LIVE, REFUSED, Ledger, LedgerError, LedgerFull
from nor import SECTOR, Nor, PowerCut, Region

START, SAMPLE = 1, 2
SHARED = 10
flash = bytearray(7 * SECTOR)  # one for all tests: the heap is small, and so are its holes


def chip(sectors=4):
    gc.collect()
    for at in range(0, len(flash), 256):
        flash[at : at + 256] = b"\xff" * 256
    return Nor(flash, sectors * SECTOR)


def find(what):
    """Where it is in the first sector."""
    return bytes(memoryview(flash)[:SECTOR]).find(what)


def reopen(nor, droppable=()):
    return Ledger(Region(nor, 0, nor.size // SECTOR), droppable)


def sample(n, size=18, transaction=1):
    return b"\x01tx%07d" % transaction + bytes([n & 0xFF]) * size


def add(ledger, n, size=18, transaction=1):
    return ledger.append(SAMPLE, sample(n, size, transaction), SHARED)


def listed(ledger, **options):
    return [(id, kind, bytes(payload), state) for id, kind, payload, state in ledger.records(**options)]


def ids_of(ledger, **options):
    return [record[0] for record in ledger.records(**options)]


def raises(error, call, *args):
    try:
        call(*args)
    except error:
        return True
    return False


def test_joined_records_come_back_whole_with_ids_of_their_own():
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(60)]
    assert ids == list(range(ids[0], ids[0] + 60))
    wanted = [(ids[n], SAMPLE, sample(n), LIVE) for n in range(60)]
    assert listed(ledger) == wanted
    assert listed(reopen(nor)) == wanted
    assert listed(reopen(nor), after=ids[40]) == wanted[41:]


def test_a_joined_record_is_one_program_of_five_bytes_more_than_its_own():
    ledger = reopen(chip())
    add(ledger, 0)
    programs, room = ledger.programs, ledger.pos
    for n in range(50):
        add(ledger, n)
    assert ledger.programs == programs + 50
    assert ledger.pos == room + 50 * 23


def test_what_differs_is_a_record_of_its_own():
    nor = chip()
    ledger = reopen(nor)
    appended = []
    for kind, payload, shared in (
        (SAMPLE, b"aaaa1", 4),
        (SAMPLE, b"aaaa2", 4),  # joins
        (SAMPLE, b"aaab3", 4),
        (SAMPLE, b"aaab4", 3),
        (START, b"aaab5", 3),
        (START, b"aaab6", 0),
        (START, b"aaab7", 3),
        (START, b"aaa", 3),  # nothing of its own
        (START, b"aaa" + bytes(128), 3),  # too long
        (START, b"aaa" + bytes(127), 3),  # joins
    ):
        appended.append((ledger.append(kind, payload, shared), kind, payload, LIVE))
    assert listed(ledger) == appended
    assert listed(reopen(nor)) == appended
    assert bytes(memoryview(flash)[:SECTOR]).count(b"\xa6") == 8


def test_shared_must_be_a_part_of_the_payload_that_fits_the_buffer():
    ledger = reopen(chip())
    assert raises(LedgerError, ledger.append, SAMPLE, b"abc", 4)
    assert raises(LedgerError, ledger.append, SAMPLE, b"abc", -1)
    assert raises(LedgerError, ledger.append, SAMPLE, bytes(300), 241)
    written = [bytes([n]) * 240 + bytes([k]) for n in range(2) for k in range(3)]
    for payload in written:
        ledger.append(SAMPLE, memoryview(payload), 240)
    assert [record[2] for record in listed(ledger)] == written


def test_any_size_joins_and_sectors_are_filled_to_the_end():
    nor = chip(3)
    ledger = reopen(nor)
    count = used = 0
    try:
        while True:
            size = 1 + count % 127
            add(ledger, count, size)
            used += max(16, size + 5)
            count += 1
    except LedgerFull:
        pass
    assert used > 3 * (SECTOR - 200)
    for ledger in (ledger, reopen(nor)):
        n = 0
        for record in ledger.records():
            assert record[2] == sample(n, 1 + n % 127)
            n += 1
        assert n == count


def test_the_smallest_ones_do_not_overflow_the_count_of_a_sector():
    nor = chip(3)
    ledger = reopen(nor)
    ids = []
    try:
        while True:
            ids.append(ledger.append(SAMPLE, b"abc", 2))
    except LedgerFull:
        pass
    assert len(ids) == 3 * 254  # 16 bytes each, the head of the first one as well
    for ledger in (ledger, reopen(nor)):
        assert ids_of(ledger, live=True) == ids and ledger.waiting() == len(ids)
    for id in ids:
        assert ledger.done(id)
    assert ledger.waiting() == 0
    assert not listed(reopen(nor), live=True)
    assert ledger.free() >= 2 * (SECTOR - 16)


def test_each_is_delivered_by_itself():
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(9)]
    programs = ledger.programs
    for id in (ids[0], ids[1], ids[5]):
        assert ledger.done(id) and ledger.done(id)
    assert ledger.programs == programs + 3
    assert ledger.done(ids[7], refused=True)
    states = [DONE, DONE, LIVE, LIVE, LIVE, DONE, LIVE, REFUSED, LIVE]
    for ledger in (ledger, reopen(nor)):
        assert [record[3] for record in listed(ledger)] == states
        assert ids_of(ledger, live=True) == [ids[n] for n in (2, 3, 4, 6, 8)]
    add(ledger, 9)
    for record in listed(ledger, live=True):
        assert ledger.done(record[0])
    assert not listed(reopen(nor), live=True)
    assert ledger.live[ledger.sector] == 0


def test_online_samples_leave_nothing_behind():
    nor = chip(3)
    ledger = reopen(nor)
    for n in range(2000):
        ledger.done(add(ledger, n))
        if n % 10 == 0:
            ledger.prepare()
    assert ledger.dropped == 0 and 10 < ledger.erases < 14
    assert not listed(reopen(nor), live=True)


def test_a_reader_meets_what_joins_while_it_stands_at_the_end():
    ledger = reopen(chip())
    add(ledger, 0)
    reader = ledger.records(live=True)
    seen = [next(reader)[2]]
    for n in range(1, 30):
        if n == 20:
            ledger.append(START, b"")
            assert next(reader)[1] == START
        add(ledger, n)
        id, _, payload, _ = next(reader)
        ledger.done(id)
        seen.append(payload)
    assert seen == [sample(n) for n in range(30)]


def test_preparing_a_sector_ends_the_joining_since_it_draws_an_id():
    nor = chip()
    ledger = reopen(nor)
    wanted = []
    for n in range(12):
        wanted.append((add(ledger, n), sample(n)))
        if n == 5:
            assert ledger.prepare()
    assert wanted[6][0] == wanted[5][0] + 2
    assert [(r[0], r[2]) for r in listed(ledger)] == wanted
    assert [(r[0], r[2]) for r in listed(reopen(nor))] == wanted


def test_a_torn_one_is_set_aside_and_closes_its_sector():
    for tear in (("bytes", 1), ("bytes", 3), ("bytes", 9), ("bits", 1), ("tail", 2), None):
        nor = chip()
        ledger = reopen(nor)
        ids = [add(ledger, n) for n in range(5)]
        nor.cut(0, tear)
        assert raises(PowerCut, add, ledger, 5)
        nor.cut(-1)
        ledger = reopen(nor)
        assert ids_of(ledger) == ids
        assert ledger.corrupt == (0 if tear is None else 1)
        last = add(ledger, 6)
        assert last > ids[-1] and listed(ledger)[-1] == (last, SAMPLE, sample(6), LIVE)
        assert ids_of(reopen(nor)) == ids + [last]


def test_after_a_restart_a_record_of_its_own_comes_first():
    nor = chip()
    ids = []
    for _ in range(4):
        ledger = reopen(nor)
        ids += [add(ledger, n) for n in range(3)]
    assert bytes(memoryview(flash)[:SECTOR]).count(b"\xa6") == 4
    assert ids_of(reopen(nor)) == ids


def test_one_that_fails_may_be_appended_again():
    class Failing(Region):
        left = 0

        def writeblocks(self, block, buf, offset=None):
            if self.left:
                self.left -= 1
                raise OSError(5)
            super().writeblocks(block, buf, offset)

    nor = chip()
    region = Failing(nor, 0, 4)
    ledger = Ledger(region)
    first = add(ledger, 1)
    region.left = 1
    assert raises(OSError, add, ledger, 2)
    assert add(ledger, 2) > first
    assert [record[2] for record in listed(ledger)] == [sample(1), sample(2)]
    assert [record[2] for record in listed(reopen(nor))] == [sample(1), sample(2)]


def test_a_turn_that_fails_leaves_nothing_to_join():
    class Failing(Region):
        failing = False

        def writeblocks(self, block, buf, offset=None):
            if self.failing and len(buf) == 1:  # a marker
                raise OSError(5)
            super().writeblocks(block, buf, offset)

    nor = chip()
    region = Failing(nor, 0, 4)
    ledger = Ledger(region)
    for id in [add(ledger, n, 100) for n in range(38)]:
        ledger.done(id)
    region.failing = True
    assert raises(OSError, add, ledger, 38, 127)  # settles the first sector
    region.failing = False
    for n in range(3):
        add(ledger, n)
    wanted = [sample(n) for n in range(3)]
    assert [record[2] for record in listed(ledger, live=True)] == wanted
    assert [record[2] for record in listed(reopen(nor), live=True)] == wanted


def test_a_copy_in_another_place_is_not_believed():
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(4)]
    at = find(b"\x01" * 18) - 5
    nor._bytes[at + 23 : at + 46] = nor._bytes[at : at + 23]
    assert ids_of(reopen(nor)) == ids[:2] + ids[3:]


def test_flash_that_does_not_take_one_is_noticed():
    class Worn(Region):
        def writeblocks(self, block, buf, offset=None):
            if block == 1 and offset and offset > 300:
                buf = bytearray(buf)
                buf[len(buf) - 1] = 0xFF
            super().writeblocks(block, buf, offset)

    nor = chip()
    ledger = Ledger(Worn(nor, 0, 4))
    ids = [add(ledger, n, 100) for n in range(80)]
    assert ledger.corrupt == 1
    assert ids_of(ledger) == ids
    assert ids_of(reopen(nor)) == ids


def test_a_rotten_one_is_set_aside_and_its_neighbours_stay():
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(6)]
    after = ledger.append(START, b"after")
    nor._bytes[find(b"\x03" * 18) + 7] ^= 4
    ledger = reopen(nor)
    wanted = ids[:3] + ids[4:] + [after]
    assert ids_of(ledger) == wanted
    assert ledger.corrupt == 1
    assert not ledger.done(ids[3])
    assert ledger.done(ids[4]) and ledger.done(ids[5])
    assert ids_of(reopen(nor), live=True) == ids[:3] + [after]


def test_a_rotten_length_or_head_costs_the_rest_of_that_record_only():
    for at in (0, 9, 12, 30):  # magic, CRC, shared, shared bytes of the first; then the length of another
        nor = chip()
        ledger = reopen(nor)
        before = ledger.append(START, b"before")
        ids = [add(ledger, n) for n in range(6)]
        after = ledger.append(START, b"after")
        nor._bytes[48 + at] ^= 2
        ledger = reopen(nor)
        assert ids_of(ledger) == [before, after]
        assert ledger.corrupt >= 1
        assert ledger.append(START, b"") > after
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(6)]
    after = ledger.append(START, b"after")
    nor._bytes[find(b"\x03" * 18) - 5] ^= 0x60
    assert ids_of(reopen(nor)) == ids[:3] + [after]


def test_a_torn_marker_is_mended_at_the_start():
    nor = chip()
    ledger = reopen(nor)
    ids = [add(ledger, n) for n in range(4)]
    at = [find(bytes([n]) * 18) - 1 for n in range(4)]
    nor._bytes[at[1]] = 0x5F  # two of four bits cleared: done
    nor._bytes[at[2]] = 0xDF  # a single bit: not done
    nor._bytes[at[3]] = 0x10
    ledger = reopen(nor)
    assert [record[3] for record in listed(ledger)] == [LIVE, DONE, LIVE, REFUSED]
    assert nor._bytes[at[1]] == 0x0F and nor._bytes[at[3]] == 0x00
    assert ledger.done(ids[2]) and nor._bytes[at[2]] == 0x0F and ledger.done(ids[0])
    assert ledger.live[ledger.sector] == 0


def test_droppable_ones_go_sector_by_sector_oldest_first_and_are_counted():
    nor = chip()
    ledger = reopen(nor, (SAMPLE,))
    kept = ledger.append(START, b"kept")
    ids = [add(ledger, n) for n in range(1500)]
    left = ids_of(ledger, live=True)
    assert left[0] == kept
    gone = ledger.dropped
    assert ledger.waiting() == len(left)
    assert 1500 - 4 * 178 <= gone and gone + len(left) == 1501
    assert left[-100:] == ids[-100:]


def test_a_cut_while_a_sector_is_given_up_leaves_it_whole_or_gone():
    for tear in (("comb", 15), ("tail", 12), ("bytes", 1), ("bits", 1)):
        nor = chip(3)
        ledger = reopen(nor, (SAMPLE,))
        for n in range(70):
            add(ledger, n, 127)
        nor.cut(0, tear)
        assert raises(PowerCut, ledger.prepare)
        nor.cut(-1)
        ledger = reopen(nor, (SAMPLE,))
        left = ids_of(ledger)
        assert len(left) in (70, 40) and left == ids_of(ledger, live=True) and ledger.waiting() == len(left)


def test_ledgers_side_by_side_do_not_touch_each_other():
    nor = chip(7)
    part = Region(nor, 0, 7)

    def opened():
        return Ledger(part, (), 0, 2), Ledger(part, (SAMPLE,), 2, 3), Ledger(part, (), first=5)

    journal, samples, registers = opened()
    stuck = journal.append(START, b"start")
    newest = None
    for n in range(1200):
        add(samples, n)
        id = registers.append(START, b"%04d" % n, 1)
        if newest:
            registers.done(newest)
        newest = id
        if n % 100 == 50:
            journal.done(journal.append(START, bytes(300)))
            samples.prepare()
            registers.prepare()
    left = len(ids_of(samples))
    assert samples.dropped > 400 and registers.erases > 4
    for ledgers in ((journal, samples, registers), opened()):
        assert ids_of(ledgers[0], live=True) == [stuck]
        assert len(ids_of(ledgers[1])) == left
        assert listed(ledgers[2], live=True) == [(newest, START, b"1199", LIVE)]


def test_what_the_default_measurands_take():
    ledger = reopen(chip())
    count = 0
    try:
        while True:
            add(ledger, count, 18, count // 60)
            count += 1
    except LedgerFull:
        pass
    assert 4 * SECTOR // count <= 23
    assert count * 80 // 4 > 200 * 60


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok", name)
