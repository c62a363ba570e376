"""Flash images: partition table of the ESP32, LittleFS as MicroPython mounts it, files changed in place."""

import struct

import pytest

from pilotwire import image, runtime
from pilotwire.errors import PilotwireError

FILES = {"/boot.py": b"print('boot')\n", "/a/evse/pilot.mpy": bytes(range(256)) * 40, "/slot": b"a"}


def test_table_is_what_the_bootloader_reads():
    table = image.partition_table()
    assert len(table) == 0xC00
    # esp-idf: magic 0x50AA, type, subtype, offset, size, name of 16, flags
    assert struct.unpack("<HBBLL16sL", table[64:96]) == (
        0x50AA,
        0,
        0,
        0x10000,
        0x1F0000,
        b"factory".ljust(16, b"\0"),
        0,
    )
    assert table[160:176] == b"\xeb\xeb" + b"\xff" * 14
    assert image.parse_partition_table(table) == list(image.BOARD_4MB)


def test_partitions_lie_side_by_side():
    end = 0x9000
    for p in image.BOARD_4MB:
        assert p.offset == end and p.offset % image.BLOCK == 0
        end += p.size
    assert end == image.FLASH_END


@pytest.mark.parametrize(
    "table, why",
    [
        (b"\xff" * 0xC00, "no partition table"),
        (b"", "no partition table"),
        (image.partition_table().replace(b"factory", b"FACTORY"), "MD5"),
    ],
)
def test_bad_table(table, why):
    with pytest.raises(PilotwireError, match=why):
        image.parse_partition_table(table)


def test_unknown_partition_lists_the_others():
    with pytest.raises(PilotwireError, match="nvs, phy_init, factory, vfs, ledger"):
        image.partition(image.BOARD_4MB, "storage")


def test_same_files_make_the_same_image():
    backwards = dict(reversed(FILES.items()))
    assert image.make_flash(FILES) == image.make_flash(backwards)


def test_too_many_files():
    with pytest.raises(PilotwireError, match="40000 bytes of files in 32768 bytes"):
        image.make_vfs({"/big": b"x" * 40_000}, 32768)


@pytest.fixture
def flash(tmp_path):
    path = tmp_path / "flash.bin"
    path.write_bytes(image.make_flash(FILES))
    return path


def test_everything_outside_of_the_files_is_erased(flash):
    data = flash.read_bytes()
    assert len(data) == image.FLASH_END - image.FLASH_START
    assert set(data[0x1000 : 0x200000 - 0x8000]) == {0xFF}
    assert set(data[0x380000 - 0x8000 :]) == {0xFF}


def test_files_change_in_place(flash):
    before = flash.read_bytes()
    with image.FlashFile(flash) as files:
        assert files.list() == ["/a/evse/pilot.mpy", "/boot.py", "/slot"]
        assert files.read("/slot") == b"a"
        assert not files.exists("/data")
        files.write("/data/settings", b"one")
        files.write("/data/settings", b"two")
        files.remove("/slot")
    with image.FlashFile(flash) as files:
        assert files.list() == ["/a/evse/pilot.mpy", "/boot.py", "/data/settings"]
        assert files.read("/data/settings") == b"two"
        with pytest.raises(FileNotFoundError):
            files.read("/slot")
    after = flash.read_bytes()
    assert len(after) == len(before)
    assert after[: 0x200000 - 0x8000] == before[: 0x200000 - 0x8000]


def test_not_a_flash_file(tmp_path):
    (tmp_path / "flash.bin").write_bytes(b"\xff" * 10_000)
    with (
        pytest.raises(PilotwireError, match=r"cannot read the file system of .*flash.bin"),
        image.FlashFile(tmp_path / "flash.bin"),
    ):
        pass
    with pytest.raises(PilotwireError, match="cannot open"), image.FlashFile(tmp_path / "none"):
        pass


_MOUNT = """
import sys, vfs
class Blocks:
    def __init__(self, name):
        self.file = open(name, "r+b")
    def readblocks(self, n, buf, offset=0):
        self.file.seek(0x200000 - 0x8000 + n * 4096 + offset)
        self.file.readinto(buf)
    def writeblocks(self, n, buf, offset=0):
        self.file.seek(0x200000 - 0x8000 + n * 4096 + offset)
        self.file.write(buf)
    def ioctl(self, op, arg):
        return {4: 384, 5: 4096}.get(op, 0)
fs = vfs.VfsLfs2(Blocks(sys.argv[1]), progsize=32, readsize=32, lookahead=32)
vfs.mount(fs, "/flash")
print(open("/flash/boot.py").read(), end="")
with open("/flash/written", "w") as f:
    f.write("by MicroPython")
vfs.umount("/flash")
"""


def test_micropython_and_the_host_read_what_the_other_writes(flash, tmp_path):
    script = tmp_path / "mount.py"
    script.write_text(_MOUNT)
    done = runtime.run([script, flash])
    assert done.stdout == "print('boot')\n", done.stderr
    with image.FlashFile(flash) as files:
        assert files.read("/written") == b"by MicroPython"
