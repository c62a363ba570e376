"""The virtual chip: what the ESP32 does between power on and main.py, in MicroPython's Unix port.

micropython -X heapsize=N -m child FD BOARD FLASH RTC CAUSE WORLD_MS
  FD       socket pair to the supervisor, or -1: print what the stand-ins take of the heap and end
  BOARD    board.json;  FLASH  flash from 0x8000 on;  RTC  file of what survives a reset
  CAUSE    machine.reset_cause();  WORLD_MS  age of the world
"""

import gc
import sys

_POINTER = 8 if sys.maxsize >> 32 else 4
_BLOCK = 4 * _POINTER  # of the heap
_TABLE = 640 * (_POINTER + 3) + 6 * _POINTER  # bytes: for each name a pointer, two of hash and its length
_fd = int(sys.argv[1])
if _fd < 0:
    gc.collect()
    _before = gc.mem_alloc()

import json
import os

import chip_time
import costs
import esp32
import machine
import network
import nor
import time
import vfs
import wire

sys.modules["socket"] = __import__("socket")


def _load_board():
    with open(sys.argv[2]) as file:
        board = json.load(file)
    wire.load(board)
    if os.getenv("PILOTWIRE_COSTS") != "0":
        costs.install(board["chip"])


class _FlashLog:
    """Flash operations into a file, each behind its address and size (0 for an erase): what a replay of cuts begins with."""

    def __init__(self, path):
        self._file = open(path, "ab")

    def append(self, op):
        data = op[2] if len(op) > 2 else b""
        self._file.write(op[1].to_bytes(4, "little") + len(data).to_bytes(4, "little") + data)


def _boot():
    _load_board()
    flash = open(sys.argv[3], "r+b")
    size = flash.seek(0, 2)
    chip = nor.Nor(flash, size)
    if os.getenv("PILOTWIRE_FLASH_LOG"):
        chip.record = _FlashLog(os.getenv("PILOTWIRE_FLASH_LOG"))
    chip_time.rtc_file = open(sys.argv[4], "r+b")
    machine.cause = int(sys.argv[5])
    chip_time.world_ms = int(sys.argv[6])
    chip_time.restore_rtc()
    esp32.use(chip)
    wire.connect(open(_fd, "r+b"), chip)
    # As modules/inisetup.py and _boot.py of the chip.
    fs = vfs.VfsLfs2(esp32.Partition("vfs"), progsize=32, readsize=32, lookahead=32)
    vfs.umount("/")
    vfs.mount(fs, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    sys.argv[:] = []
    gc.collect()


def _run(name):
    """Run a file as the chip does; False if it ended in an error."""
    try:
        with open(name) as file:
            code = compile(file.read(), name, "exec")  # the text is not kept: the chip reads it in pieces
    except OSError:
        return True  # the chip, too, goes on without it
    except BaseException as error:
        sys.print_exception(error)
        return False
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit:
        wire.halt(machine.SOFT_RESET)
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


def _drivers(config):
    """The objects that a board's drivers make of the stand-ins; on the chip they are in C and take next to nothing."""
    made = []
    for name, number in config.items():
        if name == "connectors":
            for connector in number:
                made.append(_drivers(connector))
        elif name == "pilot_pwm":
            made.append(machine.PWM(machine.Pin(number), freq=1000, duty_u16=65535))
        elif name.endswith("_adc"):
            made.append(machine.ADC(machine.Pin(number), atten=machine.ADC.ATTN_11DB).read_uv)
        elif name == "s0":
            made.append(machine.Counter(0, machine.Pin(number, machine.Pin.IN)))
        elif name in ("contactor", "contactor2", "lock", "unlock", "pilot_switch", "rcd_test", "led"):
            made.append(machine.Pin(number, machine.Pin.OUT))
        elif name in ("contactor_feedback", "lock_feedback", "rcd", "earth", "button", "emergency", "tamper"):
            made.append(machine.Pin(number, machine.Pin.IN))
        elif name in ("rfid", "meter"):
            made.append(machine.UART(number["uart"], number["baud"], rx=number["rx"], tx=number["tx"]))
    return made


def _fill_table():
    """Heap in use once the table that holds the names so far is full, and the next one is there.

    All names of a program stand in tables that double: those of the stand-ins, which the chip does not have, would make the
    firmware's double too early or too late. So its names begin a table of their own, of 640 names: what the chip has for
    311 to 630.
    """
    number = 0
    while True:
        used = gc.mem_alloc()
        hasattr(sys, "~%d" % number)
        number += 1
        if gc.mem_alloc() - used > _TABLE:
            gc.collect()
            return gc.mem_alloc() - (_TABLE + _BLOCK - 1) // _BLOCK * _BLOCK


if _fd < 0:
    _load_board()
    with open(sys.argv[2]) as _file:
        _made = _drivers(json.load(_file))
    _made.append(machine.Timer(0))
    _made.append(nor.Nor(open(sys.argv[2], "rb"), 4096))
    gc.collect()
    print(_fill_table() - _before)
else:
    _boot()
    _fill_table()
    _run("/boot.py")  # the chip runs main.py even after an error in boot.py
    _run("/main.py")
    # The chip now sits in its REPL, with the relay as it was left.
    print("MicroPython: the program has ended, the REPL is waiting")
    wire.halt(wire.UNCAUGHT)
