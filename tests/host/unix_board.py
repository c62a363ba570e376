"""A board at the end of a serial line, for the real mpremote and ampy: the Unix port of MicroPython behind a pseudo-terminal.

    with UnixBoard(tmp_path, {"/boot.py": b"", "/main.py": b"..."}) as board:
        board.port               a device
        board.files()            what lies on its LittleFS, while nobody writes

What the port does otherwise than a chip: Ctrl-C is a signal while a program runs, and a soft reset ends its process. The
wrapper starts it again, says `MPY: soft reboot`, and puts it back into the raw REPL if it was there; otherwise main.py runs
first. Both terminals are raw, since mpremote and ampy wait for ever where line feeds are translated.
"""

import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path

from pilotwire import image, runtime

START = """
import os, vfs
class Flash:
    def __init__(self):
        self.file = open({path!r}, "r+b")
    def readblocks(self, n, buf, off=0):
        self.file.seek({start} + n * 4096 + off)
        self.file.readinto(buf)
    def writeblocks(self, n, buf, off=0):
        self.file.seek({start} + n * 4096 + off)
        self.file.write(buf)
        self.file.flush()
    def ioctl(self, op, arg):
        if op == 4:
            return {blocks}
        if op == 5:
            return 4096
        if op == 6:
            self.file.seek({start} + arg * 4096)
            self.file.write(b"\\xff" * 4096)
            return 0
fs = vfs.VfsLfs2(Flash(), readsize=32, progsize=32, lookahead=32)
vfs.umount("/")
vfs.mount(fs, "/")
del Flash, fs
"""
MAIN = """
print("MPY: main.py")
try:
    exec(open("/main.py").read())
except OSError:
    pass
except KeyboardInterrupt:
    print("KeyboardInterrupt:")
"""


class UnixBoard:
    def __init__(self, folder, files, partitions=image.BOARD_4MB):
        self.flash = Path(folder) / "flash.bin"
        self.flash.write_bytes(image.make_flash(files, partitions))
        self._folder, self._vfs = Path(folder), image.partition(partitions, "vfs")
        self.starts = 0  # of main.py
        self._raw = False
        self._running = False  # main.py, so no prompt yet
        self._deaf = True  # not even that
        self._interrupt = False  # a Ctrl-C that waits for it
        self._over = threading.Event()

    def __enter__(self):
        self._outer, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._start()
        self._thread = threading.Thread(target=self._bridge, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.pull()

    def pull(self):
        """The cable."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join(5)
        self._process.kill()
        self._process.wait()
        for descriptor in (self._inner, self._outer, self._slave):
            os.close(descriptor)

    def files(self):
        with image.FlashFile(self.flash) as files:
            return {name: files.read(name) for name in files.list()}

    def started(self, times):
        """Has main.py been started so often? Waits for it, since the host does not wait for a board that it has restarted."""
        end = time.monotonic() + 20
        while self.starts < times and time.monotonic() < end:
            time.sleep(0.05)
        return self.starts >= times

    def _start(self):
        start = self._vfs.offset - image.FLASH_START
        blocks = self._vfs.size // image.BLOCK
        code = START.format(path=str(self.flash), start=start, blocks=blocks)
        self._running = self._deaf = not self._raw
        if self._running:
            self.starts += 1
            code += MAIN
        script = self._folder / "start.py"
        script.write_text(code)
        self._inner, slave = pty.openpty()
        tty.setraw(slave)
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self._process = subprocess.Popen(
            [*runtime.micropython(), "-i", str(script)],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd="/",
        )  # fmt: skip
        os.close(slave)
        if self._raw:
            os.write(self._inner, b"\x01")

    def _bridge(self):
        while not self._over.is_set():
            ready, _, _ = select.select([self._outer, self._inner], [], [], 0.1)
            if self._inner in ready:
                try:
                    said = os.read(self._inner, 4096)
                except OSError:  # its process ended: a soft reset
                    said = b""
                if said:
                    self._deaf = False
                    self._running = self._running and b">>> " not in said
                    os.write(self._outer, said)
                else:
                    self._process.wait()
                    os.close(self._inner)
                    os.write(self._outer, b"MPY: soft reboot\r\n")
                    self._start()
            if self._outer in ready:
                told = os.read(self._outer, 4096)
                if self._running and b"\x03" in told:
                    self._interrupt = True
                    told = told.replace(b"\x03", b"")
                for mark in told:
                    if mark in (1, 2):
                        self._raw = mark == 1
                os.write(self._inner, told)
            if self._interrupt and not self._deaf:
                # A signal before main.py runs would end the process.
                self._interrupt = False
                if self._running:
                    self._process.send_signal(signal.SIGINT)
