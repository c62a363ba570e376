"""Cause of a reset and kept integers in RTC memory; the ledger's partition."""
# stand-ins: machine, esp32

import machine
import struct

import esp32
import nor
from port import storage
from port.board import Board


def keep(values):
    Board.keep(None, values)


def test_kept_integers_and_cause_do_not_disturb_each_other():
    machine.RTC().memory(b"")
    assert storage.kept() == []
    keep([1234, 0xFFFFFFFF])
    storage.save_reset_cause("update")
    assert storage.kept() == [1234, 0xFFFFFFFF]
    machine.cause = machine.HARD_RESET
    assert storage.take_reset_cause() == "update"
    assert storage.kept() == [1234, 0xFFFFFFFF]
    assert storage.take_reset_cause() == "crash"


def test_garbage_after_a_power_cut():
    for data in (b"", b"\xff", b"\xff" * 2048, bytes(100), b"\x00" * 5):
        machine.RTC().memory(data)
        assert storage.kept() == []
        machine.cause = machine.PWRON_RESET
        assert storage.take_reset_cause() == "power"


def test_one_flipped_bit_is_noticed():
    keep([1234, 0xFFFFFFFF])
    data = bytearray(machine.RTC().memory())
    for i in range(len(data)):
        data[i] ^= 4
        machine.RTC().memory(bytes(data))
        assert storage.kept() == []
        data[i] ^= 4


def test_a_long_cause_is_cut():
    machine.RTC().memory(b"")
    storage.save_reset_cause("x" * 100)
    machine.cause = machine.HARD_RESET
    assert storage.take_reset_cause() == "x" * 20


def table(*rows):
    chip = nor.Nor(nor.blank(4))
    for i, (kind, subtype, offset, size, label) in enumerate(rows):
        chip.program(i * 32, struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label, 0))
    esp32.use(chip)


def test_ledger_partition():
    table((1, 2, 0x9000, 0x1000, b"nvs"), (1, 0x40, 0xA000, 0x2000, b"ledger"))
    assert storage.open_ledger_partition().ioctl(4, 0) == 2
    table((1, 2, 0x9000, 0x1000, b"nvs"))
    try:
        storage.open_ledger_partition()
    except OSError as e:
        assert "ledger" in str(e)
        return
    raise AssertionError
