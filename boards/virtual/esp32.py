"""Stand-in for the ESP32's esp32 module: partitions and NVS over the NOR flash of `flash.bin`."""

import struct

import chip_boot
import nor as _nor
from micropython import const

HEAP_DATA = const(4)
HEAP_EXEC = const(1)

_FLASH_START = const(0x8000)  # flash.bin begins with the partition table
_VALIDATE_FAILED = const(-5379)  # ESP_ERR_OTA_VALIDATE_FAILED
_ENTRY = "<2sBBII16sI"
_ENTRY_SIZE = const(32)
_NOT_FOUND = const(-4354)

flash = None  # the Nor; set by child.py or a test
_table = []  # (type, subtype, offset, size, label)
_running = None  # label of the image that runs, where there is more than one


def use(chip):
    """Take a Nor as the flash, read its partition table, and do what the boot loader does."""
    global flash, _table, _running
    flash = chip
    _table = []
    row = bytearray(_ENTRY_SIZE)
    for at in range(0, 0xC00, _ENTRY_SIZE):
        chip.read(at, row)
        magic, kind, subtype, offset, size, label, _ = struct.unpack(_ENTRY, row)
        if magic != b"\xaa\x50":
            break
        _table.append((kind, subtype, offset, size, label.rstrip(b"\0").decode()))
    _running = chip_boot.choose(chip, _table)


class Partition(_nor.Region):
    BOOT = const(0)
    RUNNING = const(1)
    TYPE_APP = const(0)
    TYPE_DATA = const(1)

    def __init__(self, id, block_size=4096):
        if not isinstance(id, str):
            id = _running or id
        for row in _table:
            if row[4] == id or (not isinstance(id, str) and row[0] == 0):
                break
        else:
            raise OSError(2)
        self._row = row
        if block_size != 4096:
            raise ValueError()
        super().__init__(flash, row[2] - _FLASH_START, row[3] // 4096)

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=4096):
        return [
            Partition(row[4], block_size)
            for row in _table
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4])
        ]

    def info(self):
        return self._row + (False,)

    def set_boot(self):
        if self._row[0]:
            raise OSError(-258, "ESP_ERR_INVALID_ARG")
        if not chip_boot.select(flash, _table, self._row[4]):
            raise OSError(_VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED")

    def get_next_update(self):
        for row in chip_boot.images(_table):
            if row[4] != self._row[4]:
                return Partition(row[4])
        raise OSError(2)  # one factory image: nowhere to update to

    @staticmethod
    def mark_app_valid_cancel_rollback():
        if not _running or not chip_boot.confirm(flash, _table):
            raise OSError(-1, "ESP_FAIL")


class NVS:
    """Log of [length, crc, (namespace, key, value)]; a full partition is erased and written anew."""

    _values = None

    def __init__(self, namespace):
        if len(namespace) > 15:
            raise OSError(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._namespace = namespace
        if NVS._values is None:
            NVS._load()

    @staticmethod
    def _load():
        NVS._values = {}
        NVS._part = Partition("nvs")
        NVS._end = 0
        head = bytearray(4)
        while NVS._end + 4 <= NVS._part.blocks * 4096:
            NVS._part.readblocks(0, head, NVS._end)
            size, check = struct.unpack("<HH", head)
            if size == 0xFFFF or NVS._end + 4 + size > NVS._part.blocks * 4096:
                break
            body = bytearray(size)
            NVS._part.readblocks(0, body, NVS._end + 4)
            NVS._end += 4 + size
            if sum(body) & 0x7FFF == check:
                namespace, key, value = eval(body.decode())
                NVS._values[namespace, key] = value

    def _write(self, key, value):
        if len(key) > 15:
            raise OSError(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        name = (self._namespace, key)
        if value is None:
            NVS._values.pop(name, None)
        elif NVS._values.get(name) == value:
            return
        else:
            NVS._values[name] = value
        if not NVS._append(name + (value,)):
            for block in range(NVS._part.blocks):
                NVS._part.ioctl(6, block)
            NVS._end = 0
            for name in NVS._values:
                if not NVS._append(name + (NVS._values[name],)):
                    raise OSError(-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    @staticmethod
    def _append(row):
        body = repr(row).encode()
        if NVS._end + 4 + len(body) > NVS._part.blocks * 4096:
            return False
        head = struct.pack("<HH", len(body), sum(body) & 0x7FFF)
        NVS._part.writeblocks(0, head + body, NVS._end)
        NVS._end += 4 + len(body)
        return True

    def _read(self, key, kind):
        value = NVS._values.get((self._namespace, key))
        if not isinstance(value, kind):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value

    def set_i32(self, key, value):
        if not isinstance(value, int):
            raise TypeError("can't convert %s to int" % type(value).__name__)
        self._write(key, value)

    def get_i32(self, key):
        return self._read(key, int)

    def set_blob(self, key, value):
        self._write(key, bytes(value))

    def get_blob(self, key, buf):
        value = self._read(key, bytes)
        if len(value) > len(buf):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        if (self._namespace, key) not in NVS._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        self._write(key, None)

    def commit(self):
        pass


def idf_heap_info(capabilities):
    """(total, free, largest free, least free) of each region: figures of a stock image with Wi-Fi up."""
    return [(164000, 96000, 69000, 90000)]


def mcu_temperature():
    return 42
