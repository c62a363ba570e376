"""What outlives a reset: the ledger's partition on flash, and the memory of the real-time clock.

RTC memory survives every reset but not a power cut, and costs no flash. It holds a CRC-32, the cause
of the last wanted restart, and a snapshot of whatever the app wants back.
"""

import binascii

import esp32
import machine
from micropython import const

_VERSION = const(1)
_MAX_CAUSE = const(20)
_MAX_SNAPSHOT = const(1024)


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


def save_snapshot(data):
    """Keep up to 1024 bytes over a reset, in place of the snapshot before."""
    if len(data) > _MAX_SNAPSHOT:
        raise ValueError("snapshot too long")
    _save(_load()[0], data)


def snapshot():
    """The snapshot from before the reset; empty after a power cut."""
    return _load()[1]
