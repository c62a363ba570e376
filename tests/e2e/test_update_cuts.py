"""A whole update, with the supply cut at every flash operation of it, each left out or torn.

One update of the whole wallbox is recorded, while a transaction waits that the central system does not take yet. Each flash
that a cut can leave is started on paper (boot loader, boot.py): the slot that runs must be the old version or the new one,
whole, and the transaction in the ledger. Those that differ in what the charger goes on with (slot, record, request) are then
started for real: the charger must come to an end, tell the central system which version it is, and charge.
"""

import asyncio
import dataclasses
import functools
import hashlib
import json
from unittest import mock

import pytest
import update_kit as kit
from ledger import LIVE, Ledger
from micropython_images import esp_image, micropython
from paper_chip import Chip, Flash, operations
from stand_ins import nor
from update_kit import GOOD, REFUSED, charges, start, update, web

from pilotwire import boards, image
from pilotwire.csms.frames import CallError
from pilotwire.flash.firmware_image import FirmwareImage
from pilotwire.publish import statuses

TEARS = [("bytes", 13), ("tail", 16), ("bits", 1), ("weak",)]
START, STOP = 4, 6  # kinds of records, see ocpp16.transactions
OFFLINE = {"AllowOfflineTxForUnknownId": "true", "TransactionMessageAttempts": "100", "TransactionMessageRetryInterval": "86400"}


async def recorded(bench, monkeypatch, content, server):
    """(flash before the update, its operations): what happens from a start to the Installed of the new version."""
    charger = await start(bench, content, settings=OFFLINE)
    bench.central.answer["StartTransaction"] = lambda *_: CallError("InternalError", "later")
    await bench.charge()
    await bench.do("tag", id="C0FFEE01")
    await bench.leave()
    await bench.do("power", on=False)
    before, log = (bench.path / "flash.bin").read_bytes(), bench.path.parent / "flash.log"
    monkeypatch.setenv("PILOTWIRE_FLASH_LOG", str(log))
    await bench.do("power", on=True)
    await bench.told(lambda c: len(c.boots) == 2 and c.registration == "Accepted")
    await update(charger, server)
    await bench.told(lambda c: statuses(c) == GOOD, 900)
    await bench.passes(2)
    await bench.do("power", on=False)
    monkeypatch.delenv("PILOTWIRE_FLASH_LOG")
    return before, operations(log.read_bytes())


class Judge:
    """Starts flashes on paper; `states` has one flash for each way of going on that was seen."""

    def __init__(self, wanted):
        self.wanted = wanted  # slot -> its files
        self.states: dict[tuple, bytes] = {}
        self.seen: set[bytes] = set()
        self.ran: set[str] = set()

    def judge(self, flash, where):
        digest = hashlib.sha256(flash._bytes).digest()
        if digest in self.seen:
            return
        self.seen.add(digest)
        chip = Chip(flash)
        request = json.loads(chip.read("/data/update") or b"{}")
        record = chip.read("/slot")
        slot = chip.start()
        chip = Chip(flash) if record != chip.read("/slot") else chip
        assert chip.files(slot) == self.wanted[slot], f"{where}: slot {slot} is not whole"
        if record[2:3] in (b"a", b"b"):  # on trial: the way back is there as well
            assert chip.files(record[:1].decode()) == self.wanted[record[:1].decode()], where
        ledger = next(row for row in chip.table if row[4] == "ledger")
        journal = Ledger(nor.Region(flash, ledger[2] - image.FLASH_START, 44))
        kinds = [kind for _, kind, _, state in journal.records() if state == LIVE and kind in (START, STOP)]
        assert kinds == [START, STOP], f"{where}: the ledger has {kinds}"
        self.ran.add(slot)
        key = (slot, record, request.get("slot"), request.get("told"), bool(request), chip.read("/data/update.list") is None)
        return key

    def cut(self, flash, op, tear, where):
        with flash.torn(op, tear):
            key = self.judge(flash, where)
        if key and key not in self.states:
            with flash.torn(op, tear):
                self.states[key] = bytes(flash._bytes)


def replay(judge, before, ops, tears, step=1):
    """Judge what a cut at every `step`th operation leaves, left out and torn in these ways."""
    flash = Flash(bytearray(before))
    for n, op in enumerate(ops):
        if n % step == 0:
            for tear in (None, *tears):
                judge.cut(flash, op, tear, f"operation {n} of {len(ops)}, {op[0]}, {tear}")
        flash.apply(op)
    assert judge.ran == {"a", "b"} and len(judge.states) > 3


def wanted():
    return {
        slot: {name[3:]: data for name, data in kit.files(version, slot).items() if name.startswith(f"/{slot}/")}
        for slot, version in (("a", kit.OLD), ("b", kit.NEW))
    }


async def goes_on(bench, number, key, flash):
    """Start a flash for real: an update comes to its end, the car of before is billed, the next one charges."""
    slot, _, target, _, asked, _ = key
    async with type(bench)(bench.path.parent / f"box{number}") as other:
        charger = await start(other, flash, settings=OFFLINE)
        if asked:
            end = await other.told(lambda c: statuses(c) and statuses(c)[-1] in (GOOD[-1], REFUSED[-1]) and statuses(c)[-1], 900)
            assert end == GOOD[-1] or (slot == "a" and target), f"{key}: {statuses(charger)}"
            assert statuses(charger) in ([end], GOOD), key
            slot = "b" if end == GOOD[-1] else "a"
        version = {"a": kit.OLD, "b": kit.NEW}[slot]
        assert charger.boots[-1]["firmwareVersion"] == version
        await charges(other, version)
        assert [t.starts for t in charger.transactions.values()] == [1, 1] and not other.errors()


@functools.cache
def with_image():
    """(flash with two images, bundle with one): an 8 MB virtual board."""
    board = boards.find("virtual")
    large = dataclasses.replace(board, config=board.config | {"flash_mb": 8})
    carried = FirmwareImage.read(micropython("esp32", size=30000), boards.CHIPS["esp32"])
    with mock.patch.object(boards, "known", lambda: [large]):
        data = kit.made(image=carried)
    return kit.flash(partitions=image.BOARD_8MB, app=esp_image("esp32", b"the image before" * 100)), data


# req: FW-06, TX-15
# A sample of what the next test does with all.
async def test_cuts(bench, monkeypatch):
    with web(kit.made()) as server:
        before, ops = await recorded(bench, monkeypatch, kit.flash(), server)
    judge = Judge(wanted())
    replay(judge, before, ops, [("bytes", 13)], step=9)


# req: FW-06, TX-15, TX-17
@pytest.mark.exhaustive
@pytest.mark.parametrize("what", ["app", "app and image"])
async def test_every_cut_and_tear(bench, monkeypatch, what):
    content, data = with_image() if what != "app" else (kit.flash(), kit.made())
    with web(data) as server:
        before, ops = await recorded(bench, monkeypatch, content, server)
        judge = Judge(wanted())
        await asyncio.to_thread(replay, judge, before, ops, TEARS)
        for number, (key, flash) in enumerate(judge.states.items()):
            await goes_on(bench, number, key, flash)
