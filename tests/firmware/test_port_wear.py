"""Closings and hours of the contactors in NVS."""
# stand-ins: machine, esp32

import struct

import esp32
import nor
from port import wear


def test_adds_up_over_restarts():
    chip = nor.Nor(nor.blank(4))
    row = struct.pack("<2sBBII16sI", b"\xaa\x50", 1, 2, 0x9000, 0x2000, b"nvs", 0)
    chip.program(0, row)
    esp32.use(chip)
    assert wear.total(0) == (0, 0)
    for _ in range(10):
        wear.add(0, 2, 1000)
        esp32.NVS._values = None  # a restart
    wear.add(1, 1, 7200)
    assert wear.total(0) == (20, 2) and wear.total(1) == (1, 2)
