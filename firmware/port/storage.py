"""Cold: what outlives a reset: the ledger's partition on flash, and the memory of the real-time clock.

RTC memory survives every reset but not a power cut, and costs no flash. It holds a CRC-32, the cause
of the last wanted restart, and the integers that Board.keep() was given.
"""

import binascii
from struct import unpack

import esp32
import machine
from micropython import const

_VERSION = const(1)
_MAX_CAUSE = const(20)


def open_ledger_partition():
    """The raw partition "ledger"; OSError if the partition table has none."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="ledger")
    if not found:
        raise OSError("no partition named ledger: flash the board with its partition table")
    return found[0]


def _load():
    """(cause, snapshot), both empty if nothing valid is there."""
    data = machine.RTC().memory()
    if len(data) < 6 or int.from_bytes(data[:4], "little") != binascii.crc32(data[4:]):
        return b"", b""
    if data[4] != _VERSION:
        return b"", b""
    end = 6 + data[5]
    return data[6:end], data[end:]


def _save(cause, snapshot):
    body = bytes((_VERSION, len(cause))) + cause + snapshot
    machine.RTC().memory(binascii.crc32(body).to_bytes(4, "little") + body)


def save_reset_cause(cause):
    """Remember why we are about to reset, at most 20 characters of ASCII."""
    _save(cause.encode()[:_MAX_CAUSE], _load()[1])


def take_reset_cause():
    """Why this start: "power", "watchdog", the cause that restart() was given, "software", "crash"."""
    cause, snapshot = _load()
    if cause:
        _save(b"", snapshot)
    reset = machine.reset_cause()
    if reset == machine.PWRON_RESET:
        return "power"
    if reset == machine.WDT_RESET:
        return "watchdog"
    if cause:
        return cause.decode()
    # A panic of the chip says the same as a reset that nobody announced.
    return "software" if reset == machine.SOFT_RESET else "crash"


def kept():
    """The integers of Board.keep() from before the reset; empty after a power cut."""
    data = _load()[1]
    return list(unpack("<%dI" % (len(data) // 4), data))


def wake():
    """(cause of this start, integers from before it)."""
    return take_reset_cause(), kept()
