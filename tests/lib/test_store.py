# Small files: the old content or the new, never half of it.
import os
import vfs

import store

CASES_NAMES = ["", ".", "..", "a/b", "/etc", "../a", "a~", "a\0b"]


class Disk:
    """A RAM block device; `left` programs and erases, then all of them fail."""

    def __init__(self, blocks=16):
        self.data = bytearray(blocks * 512)
        self.left = 1 << 20

    def readblocks(self, n, buf, offset=0):
        at = n * 512 + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, n, buf, offset=0):
        if not self.spend():
            return -5
        at = n * 512 + offset
        self.data[at : at + len(buf)] = buf

    def spend(self):
        passes = self.left > 0
        self.left -= passes
        return passes

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // 512
        if op == 5:
            return 512
        if op == 6:
            return 0 if self.spend() else -5


def disk(blocks=16):
    device = Disk(blocks)
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/t")
    return device


def test_names(name):
    box = store.Store("/nowhere")
    for action in (box.path, box.read, box.remove, lambda n: box.write(n, b"")):
        try:
            action(name)
        except ValueError:
            continue
        assert False, "taken"


def test_write_read_remove():
    disk()
    try:
        box = store.Store("/t/data")
        assert box.read("a") is None
        box.write("a", b"one")
        assert box.read("a") == b"one"
        assert box.path("a") == "/t/data/a"
        box.write("a", bytes(1000))
        assert box.read("a") == bytes(1000)
        assert os.listdir("/t/data") == ["a"]
        box.remove("a")
        box.remove("a")
        assert box.read("a") is None
        assert store.Store("/t/data").read("a") is None
    finally:
        vfs.umount("/t")


def test_root_is_the_whole_file_system():
    disk()
    try:
        store.Store("/t/").write("a", b"1")
        assert store.Store("/t").read("a") == b"1"
        assert os.listdir("/t") == ["a"]
    finally:
        vfs.umount("/t")


def test_full_disk_keeps_the_old_content():
    disk()
    try:
        box = store.Store("/t")
        box.write("a", b"old")
        try:
            box.write("a", bytes(20000))
        except OSError:
            pass
        else:
            assert False, "fitted"
        assert box.read("a") == b"old"
        assert os.listdir("/t") == ["a"]
        box.write("a", b"new")
        assert box.read("a") == b"new"
    finally:
        vfs.umount("/t")


def test_missing_root_is_an_error_of_the_write():
    box = store.Store("/no/such/place")
    assert box.read("a") is None
    try:
        box.write("a", b"")
    except OSError:
        return
    assert False, "written"


def test_cut_after_every_operation():
    # The flash stops after n operations; what is mounted again has the old or the new content.
    old, new = b"old" * 200, b"new" * 250
    seen = set()
    n = 0
    while True:
        device = disk()
        try:
            store.Store("/t").write("a", old)
            device.left = n
            try:
                store.Store("/t").write("a", new)
                done = True
            except OSError:
                done = False
        finally:
            device.left = 1 << 20
            vfs.umount("/t")
        vfs.mount(vfs.VfsLfs2(device), "/t")
        try:
            content = store.Store("/t").read("a")
        finally:
            vfs.umount("/t")
        assert content in (old, new)
        assert content == new or not done
        seen.add(content)
        if done:
            break
        n += 1
    assert n > 3
    assert len(seen) == 2
