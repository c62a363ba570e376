"""boot.py and the boot loader: which slot and which image run, from every record and after every cut of its own writes."""

import json

import pytest
from micropython_images import esp_image
from paper_chip import Chip, Flash, chip_boot

from pilotwire import image, runtime

IMAGE = esp_image("esp32", b"MicroPython" * 50)
MPY = runtime.check()


def flash(record: bytes | None = b"a", a: int | None = MPY, b: int | None = MPY, partitions=image.BOARD_4MB) -> Flash:
    """A flash with nothing in its slots but the .mpy version that they are for."""
    files = {"/other": b""}
    for slot, mpy in (("a", a), ("b", b)):
        if mpy is not None:
            files[f"/{slot}/build.json"] = json.dumps({"mpy": mpy}).encode()
    if record is not None:
        files["/slot"] = record
    content = bytearray(image.make_flash(files, partitions, IMAGE))
    if partitions is image.BOARD_8MB:
        second = image.partition(partitions, "ota_1").offset - image.FLASH_START
        content[second : second + len(IMAGE)] = IMAGE
    return Flash(content)


@pytest.mark.parametrize(
    "record,runs,then",
    [
        (None, "a", None), (b"", "a", b""), (b"a", "a", b"a"), (b"b", "b", b"b"), (b"a1-0", "a", b"a1-0"),
        (b"b1-0", "b", b"b1-0"), (b"a1b0", "b", b"a1b1"), (b"a1b2", "b", b"a1b3"), (b"a1b3", "a", b"a1-0"),
        (b"b1a0", "a", b"b1a1"), (b"b1a3", "b", b"b1-0"), (b"a1a0", "a", b"a1a0"), (b"a1bx", "a", b"a1bx"),
        (b"\xff\xfe\x00", "a", b"\xff\xfe\x00"), (b"a2b0", "a", b"a2b0"),
    ],
)  # fmt: skip
def test_record(record, runs, then):
    found = flash(record)
    assert Chip(found).start() == runs
    assert Chip(found).read("/slot") == then


# A slot that was compiled for another MicroPython, or is not whole, is not started while the other one can be.
@pytest.mark.parametrize(
    "record,a,b,runs",
    [
        (b"a", 5, MPY, "b"), (b"a", None, MPY, "b"), (b"b", MPY, 5, "a"), (b"b", MPY, None, "a"), (b"a", 5, 5, "a"),
        (b"a", None, None, "a"), (b"a1b0", MPY, 5, "a"), (b"a1b0", MPY, None, "a"), (b"a1b0", 5, MPY, "b"),
    ],
)  # fmt: skip
def test_mpy(record, a, b, runs):
    assert Chip(flash(record, a, b)).start() == runs


TEARS = [None, ("bytes", 1), ("bytes", 13), ("tail", 16), ("bits", 1), ("weak",)]


def cuts(make, tear, mpy=None):
    """For each flash operation of the starts up to the one that goes back: what runs at each start, with a cut there."""
    found = make()
    found.record, seen, ends = [], [], []
    for _ in range(5):
        seen.append(started(found, mpy))
        ends.append(len(found.record))
    operations = found.record
    assert ends[-1] == ends[-2] > 6  # in the end nothing more is written
    for n in range(len(operations)):
        found = make()
        for operation in operations[:n]:
            found.apply(operation)
        if tear:
            found.tear(operations[n], tear)
        before = [one for one, end in zip(seen, ends, strict=True) if end <= n]
        yield before + [started(found, mpy) for _ in range(6)]


def started(found, mpy):
    """(image, slot) that run after a start."""
    chip = Chip(found, mpy)
    slot = chip.start()
    return chip_boot.chosen(found, chip.table), slot


# A trial that is never confirmed, with the supply cut at each of boot.py's own flash operations: three starts at most are
# counted, and after them the old one runs.
@pytest.mark.parametrize("tear", TEARS, ids=str)
def test_cuts_of_its_own(tear):
    for starts in cuts(lambda: flash(b"a1b0"), tear):
        slots = [slot for _, slot in starts]
        tries = slots.count("b")
        assert slots == ["b"] * tries + ["a"] * (len(slots) - tries) and 2 <= tries <= 3


class TestImages:
    """Two images, ota_0 running; the new slot came with the image in ota_1."""

    def ready(self, record=b"a1b0ota_1", a=MPY, b=MPY, switch=True):
        found = flash(record, a, b, image.BOARD_8MB)
        chip = Chip(found)
        assert chip.running == "ota_0"
        if switch:
            assert chip_boot.select(found, chip.table, "ota_1")
        return found

    # Each runs with its own, whether their .mpy versions differ or not; not confirmed, both are taken back by the next reset.
    @pytest.mark.parametrize("new", [MPY, MPY + 1])
    def test_both_or_none(self, new):
        found, mpy = self.ready(b=new), {"ota_0": MPY, "ota_1": new}
        chip = Chip(found, mpy)
        assert (chip.running, chip.start()) == ("ota_1", "b")
        chip = Chip(found, mpy)
        assert (chip.running, chip.start()) == ("ota_0", "a")
        assert Chip(found, mpy).read("/slot") == b"a1-0"

    def test_cut_before_the_second_switch(self):
        chip = Chip(self.ready(switch=False))
        assert (chip.running, chip.start()) == ("ota_0", "a")

    # Marked valid, and then it fails three times after all: boot.py takes the image back as well.
    @pytest.mark.parametrize("tear", TEARS, ids=str)
    def test_valid_and_no_good(self, tear):
        mpy = {"ota_0": MPY, "ota_1": MPY + 1}

        def make():
            found = self.ready(b=MPY + 1)
            chip = Chip(found, mpy)
            assert chip.start() == "b" and chip_boot.confirm(found, chip.table)
            return found

        for starts in cuts(make, tear, mpy):
            tries = starts.count(("ota_1", "b"))
            assert starts == [("ota_1", "b")] * tries + [("ota_0", "a")] * (len(starts) - tries) and tries <= 2
