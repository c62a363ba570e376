"""The ledger on an emulated NOR flash of a few sectors; every cut is in tests/host/properties."""

import gc

from ledger import DONE, LIVE, MAX_PAYLOAD, REFUSED, Ledger, LedgerError, LedgerFull
from nor import SECTOR, Nor, PowerCut, Region, blank

START, SAMPLES, STOP = 1, 2, 3


def chip(sectors=4):
    gc.collect()
    return Nor(blank(sectors))


def reopen(nor, droppable=()):
    return Ledger(Region(nor, 0, nor.size // SECTOR), droppable)


def listed(ledger, **options):
    return [(id, kind, bytes(payload), state) for id, kind, payload, state in ledger.records(**options)]


def fill(ledger, kind=SAMPLES, size=1000):
    ids = []
    try:
        while True:
            ids.append(ledger.append(kind, bytes(size)))
    except LedgerFull:
        return ids


def raises(error, call, *args):
    try:
        call(*args)
    except error:
        return True
    return False


def test_records_come_back_in_order_with_their_payload():
    nor = chip()
    ledger = reopen(nor)
    written = []
    for size in (0, 1, 15, 16, 17, 239, 240, 241, 255, 256, 257, 512, 513, MAX_PAYLOAD):
        payload = bytes((size + i) & 0xFF for i in range(size))
        written.append((ledger.append(START, payload), START, payload, LIVE))
    assert listed(ledger) == written
    assert listed(reopen(nor)) == written


def test_what_cannot_be_stored_is_refused_before_anything_is_written():
    ledger = reopen(chip())
    assert raises(LedgerError, ledger.append, START, bytes(MAX_PAYLOAD + 1))
    assert raises(LedgerError, ledger.append, 256, b"")
    assert ledger.programs == 0


def test_any_buffer_can_be_a_payload():
    ledger = reopen(chip())
    for payload in (b"abc", bytearray(b"abc"), memoryview(b"xabc")[1:]):
        ledger.append(START, payload)
    assert [record[2] for record in listed(ledger)] == [b"abc"] * 3


def test_an_append_is_one_program_and_no_erase_after_prepare():
    ledger = reopen(chip())
    assert ledger.prepare()
    assert not ledger.prepare()
    programs, erases = ledger.programs, ledger.erases
    for size in (10, 100, 1000, 2000):
        ledger.append(START, bytes(size))
    assert ledger.programs == programs + 4
    assert ledger.erases == erases == 1


def test_sectors_can_be_erased_far_ahead():
    ledger = reopen(chip(6))
    ledger.append(START, b"")
    count = 0
    while ledger.prepare(4):
        count += 1
    assert count == 4
    erases = ledger.erases
    for _ in range(15):
        ledger.append(SAMPLES, bytes(1000))
    assert ledger.erases == erases


def test_done_once_or_twice_or_after_a_restart():
    nor = chip()
    ledger = reopen(nor)
    first, second = ledger.append(START, b"1"), ledger.append(STOP, b"2")
    assert ledger.done(first)
    programs = ledger.programs
    assert ledger.done(first) and ledger.programs == programs
    ledger = reopen(nor)
    assert listed(ledger) == [(first, START, b"1", DONE), (second, STOP, b"2", LIVE)]
    assert listed(ledger, live=True) == [(second, STOP, b"2", LIVE)]
    assert not ledger.done(second + 1)


def test_a_record_is_marked_by_its_id_right_after_a_start():
    nor = chip()
    ledger = reopen(nor)
    id = ledger.append(START, b"a")
    ledger.prepare()
    before = bytes(nor._bytes[3 * SECTOR :])
    assert reopen(nor).done(id)
    assert [state for _, _, _, state in listed(reopen(nor))] == [DONE]
    assert bytes(nor._bytes[3 * SECTOR :]) == before


def test_refused_records_are_overwritten_last():
    nor = chip(5)
    ledger = reopen(nor)
    refused = ledger.append(START, b"kept")
    assert ledger.done(refused, refused=True)
    for id in fill(ledger):
        ledger.done(id)
    ledger = reopen(nor)
    for _ in range(30):
        ledger.done(ledger.append(SAMPLES, bytes(1000)))
    assert listed(ledger)[0] == (refused, START, b"kept", REFUSED)
    fill(ledger)
    assert refused not in [record[0] for record in ledger.records()]


def test_droppable_records_make_room_and_are_counted():
    nor = chip()
    ledger = reopen(nor, (SAMPLES,))
    for _ in range(40):
        ledger.append(SAMPLES, bytes(1000))
    assert ledger.dropped >= 20
    kept = ledger.append(STOP, b"never dropped")
    for _ in range(40):
        ledger.append(SAMPLES, bytes(1000))
    records = listed(ledger, live=True)
    assert (kept, STOP, b"never dropped", LIVE) in records
    assert all([ledger.done(record[0]) for record in records])
    assert not listed(reopen(nor, (SAMPLES,)), live=True)


def test_full_is_typed_and_ends_when_the_oldest_sector_is_done():
    ledger = reopen(chip())
    ids = fill(ledger)
    assert len(ids) == 16 - 4 and ledger.free() < 1024  # three of 1024 bytes fit into a sector
    assert not ledger.prepare()
    for id in ids[:3]:
        ledger.done(id)
    assert ledger.free() >= 4080
    assert ledger.append(STOP, bytes(1000)) > ids[-1]
    assert len(listed(ledger)) == 10


def test_the_current_sector_is_not_erased_since_it_holds_the_last_id():
    ledger = reopen(chip())
    ids = fill(ledger)
    for id in ids[-3:]:
        ledger.done(id)
    assert not ledger.prepare()
    assert raises(LedgerFull, ledger.append, START, bytes(1024))


def test_one_stuck_record_costs_one_sector_only():
    ledger = reopen(chip())
    stuck = ledger.append(START, b"stuck")
    for _ in range(100):
        ledger.done(ledger.append(SAMPLES, bytes(1000)))
    assert listed(ledger, live=True) == [(stuck, START, b"stuck", LIVE)]
    assert listed(ledger)[0][0] == stuck


def test_ids_go_on_after_every_record_was_overwritten_and_after_restarts():
    nor = chip(3)
    last = 0
    for _ in range(20):
        ledger = reopen(nor)
        for _ in range(7):
            id = ledger.append(START, bytes(700))
            assert id > last
            last = id
            ledger.done(id)


def test_ids_of_heads_are_not_used_twice_either():
    nor = chip(6)
    reopen(nor).prepare()
    reopen(nor).prepare(2)
    ledger = reopen(nor)
    ids = [ledger.append(START, bytes(1500)) for _ in range(12)]
    assert [record[0] for record in listed(reopen(nor))] == ids


def test_a_reader_continues_where_it_was_while_the_ring_turns():
    ledger = reopen(chip())
    ids = [ledger.append(START, bytes(900)) for _ in range(4)]
    reader = ledger.records()
    assert next(reader)[0] == ids[0]
    for id in ids:
        ledger.done(id)
    later = [ledger.append(STOP, bytes(900)) for _ in range(3)]
    while ledger.prepare(3):
        pass  # the sector that the reader stands in is erased
    assert [record[0] for record in reader] == later
    assert [record[0] for record in ledger.records(after=later[0])] == later[1:]
    assert [record[0] for record in ledger.records(after=later[2])] == []
    assert [record[0] for record in ledger.records(after=1)] == later


def test_a_reader_whose_sector_was_used_again_meets_its_records_in_their_turn():
    ledger = reopen(chip())
    ids = [ledger.append(START, bytes(900)) for _ in range(4)]
    reader = ledger.records()
    next(reader)
    for id in ids:
        ledger.done(id)
    later = [ledger.append(STOP, bytes(900)) for _ in range(12 + 3)]
    assert [record[0] for record in reader] == later


def test_after_finds_its_place_anywhere():
    nor = chip(5)
    ledger = reopen(nor)
    ids = []
    for n in range(60):
        ids.append(ledger.append(START, bytes(200)))
        if n % 10 == 5:
            ledger.prepare(2)
    for n in range(0, 60, 7):
        fresh = reopen(nor)
        assert [record[0] for record in fresh.records(after=ids[n])] == ids[n + 1 :]
        assert fresh.done(ids[n])


def test_draining_a_full_ledger_does_not_read_it_again_for_each_record():
    nor = chip(8)
    ledger = reopen(nor)
    ids = fill(ledger, START, 60)
    reads = nor.reads
    for _ in ids:
        id = next(ledger.records(live=True))[0]  # one at a time, as a queue is drained
        ledger.done(id)
    assert not listed(ledger, live=True)
    assert nor.reads - reads < 60 * len(ids)


def test_a_start_skips_settled_sectors():
    nor = chip(8)
    ledger = reopen(nor)
    for id in fill(ledger, START, 60):
        ledger.done(id)
    reads = nor.reads
    reopen(nor)
    assert nor.reads - reads < 150


def test_a_cut_after_the_last_sector_was_settled_loses_no_ids():
    nor = chip()
    ledger = reopen(nor)
    ledger.append(START, b"")
    ledger.prepare(2)
    ledger.prepare(2)
    nor.cut(0, ("bytes", 20))
    assert raises(PowerCut, ledger.append, STOP, bytes(100))
    nor.cut(-1)
    ledger = reopen(nor)  # leaves a gap in the ids, far above the base of the next sector
    last = [ledger.append(START, bytes(1300)) for _ in range(3)]
    for record in listed(ledger, live=True):
        ledger.done(record[0])
    nor.cut(1)  # the sector is settled, but nothing is in the next one yet
    assert raises(PowerCut, ledger.append, START, bytes(1300))
    nor.cut(-1)
    ledger = reopen(nor)
    id = ledger.append(STOP, b"")
    assert id > last[-1]
    assert listed(reopen(nor), live=True) == [(id, STOP, b"", LIVE)]


def test_a_torn_record_closes_its_sector():
    nor = chip()
    ledger = reopen(nor)
    whole = ledger.append(START, b"whole")
    nor.cut(0, ("bytes", 20))
    assert raises(PowerCut, ledger.append, STOP, bytes(100))
    nor.cut(-1)
    ledger = reopen(nor)
    assert ledger.corrupt == 1
    assert listed(ledger) == [(whole, START, b"whole", LIVE)]
    erases = ledger.erases
    ledger.append(STOP, bytes(100))
    assert ledger.erases == erases + 1


def test_a_torn_marker_is_mended_at_the_start():
    nor = chip()
    ledger = reopen(nor)
    id = ledger.append(START, b"")
    nor._bytes[16 + 15] = 0b10101111  # two of four bits cleared: done
    ledger = reopen(nor)
    assert listed(ledger)[0][3] == DONE
    assert nor._bytes[16 + 15] == 0x0F
    id = ledger.append(START, b"")
    nor._bytes[32 + 15] = 0b11011111  # a single bit: not done
    ledger = reopen(nor)
    assert listed(ledger)[1][3] == LIVE
    assert ledger.done(id) and nor._bytes[32 + 15] == 0x0F


def test_a_second_done_mends_what_a_failed_one_left_and_frees_the_sector():
    class Failing(Region):
        failing = False

        def writeblocks(self, block, buf, offset=None):
            if self.failing:
                self.nor.tear(("program", block * SECTOR + offset, bytes(buf)), ("bits", 1))
                raise OSError(5)
            super().writeblocks(block, buf, offset)

    nor = chip()
    region = Failing(nor, 0, 4)
    for seed in range(8):
        ledger = Ledger(region)
        id = ledger.append(START, bytes(8 + seed))
        region.failing = True
        assert raises(OSError, ledger.done, id)
        region.failing = False
        assert ledger.done(id)
        assert ledger.live[ledger.sector] == 0
        assert not listed(ledger, live=True)


def test_an_append_that_fails_may_be_called_again():
    class Failing(Region):
        left = 0

        def writeblocks(self, block, buf, offset=None):
            if self.left:
                self.left -= 1
                raise OSError(5)
            super().writeblocks(block, buf, offset)

    region = Failing(chip(), 0, 4)
    ledger = Ledger(region)
    first = ledger.append(START, b"1")
    region.left = 1
    assert raises(OSError, ledger.append, START, b"2")
    assert ledger.append(START, b"2") > first
    assert [record[2] for record in listed(ledger)] == [b"1", b"2"]


def test_flash_that_does_not_take_a_record_is_noticed():
    class Worn(Region):
        bad = 1  # sector in which a bit never clears

        def writeblocks(self, block, buf, offset=None):
            if block == self.bad and offset:
                buf = bytearray(buf)
                buf[len(buf) - 1] = 0xFF
            super().writeblocks(block, buf, offset)

    region = Worn(chip(), 0, 4)
    ledger = Ledger(region)
    ids = [ledger.append(START, b"\x00" * 1008) for _ in range(9)]
    assert [record[0] for record in listed(ledger)] == ids
    assert [record[0] for record in listed(Ledger(region))] == ids
    assert ledger.corrupt == 1


def test_a_rotten_record_is_set_aside_and_its_neighbours_stay():
    nor = chip()
    ledger = reopen(nor)
    for payload in (b"one", b"two", b"six"):
        ledger.append(START, payload)
    nor._bytes[16 + 32 + 17] ^= 4
    ledger = reopen(nor)
    assert [record[2] for record in listed(ledger)] == [b"one", b"six"]
    assert ledger.corrupt == 1


def test_a_record_inside_a_rotten_payload_is_not_believed():
    nor = chip()
    ledger = reopen(nor)
    ledger.done(ledger.append(START, b"forged"))
    copy = bytes(nor._bytes[16:48])
    while ledger.sector != 0 or ledger.base == 1:  # until the sector lives again
        ledger.done(ledger.append(SAMPLES, bytes(2000)))
    carrier = ledger.append(STOP, copy)
    at = bytes(nor._bytes).find(copy)
    nor._bytes[at - 16] = 0
    seen = listed(reopen(nor))
    assert carrier not in [record[0] for record in seen]
    assert b"forged" not in [record[2] for record in seen]


def test_a_sector_that_reads_blank_is_erased_before_its_first_use():
    nor = chip()
    for sector in range(4):
        nor.weak.add(sector)  # programming one of these raises
    ledger = reopen(nor)
    assert len(fill(ledger)) == 12
    assert ledger.erases == 4


def test_an_unknown_version_is_left_alone():
    nor = chip()
    ledger = reopen(nor)
    ledger.append(START, b"of the future")
    ledger.frame(ledger.buf, 0xC5, 2, 0, 1, 0)
    nor._bytes[:16] = ledger.buf[:16]
    before = bytes(nor._bytes)
    assert raises(LedgerError, reopen, nor)
    assert bytes(nor._bytes) == before


def test_nor_keeps_the_rules_of_nor_flash():
    nor = chip(2)
    region = Region(nor, SECTOR, 1)
    assert region.ioctl(4, 0) == 1 and region.ioctl(5, 0) == SECTOR
    region.writeblocks(0, b"\xf0\x0f", 10)
    region.writeblocks(0, b"\x3c\x3c", 10)
    buf = bytearray(4)
    region.readblocks(0, buf, 9)
    assert buf == b"\xff\x30\x0c\xff"
    region.writeblocks(0, b"\x55" * SECTOR)
    region.readblocks(0, buf)
    assert buf == b"\x55" * 4
    assert (nor.reads, nor.programs, nor.erases) == (2, 3, 1)
    assert raises(OSError, region.readblocks, 1, buf)
    assert raises(OSError, region.writeblocks, 0, buf, SECTOR - 3)


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok", name)
