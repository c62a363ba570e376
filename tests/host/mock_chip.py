"""An ESP32 in its boot loader, for the real esptool: esp32-mock-bootloader with its flash in a file.

    with MockChip("esp32s3", tmp_path, mb=8) as chip:
        chip.port                    socket://127.0.0.1:PORT
        chip.flash()                 the bytes of its flash, at any time
        chip.pull()                  the cable: the process is killed

The mock itself has 4 MB in memory, hangs up three seconds after the first region, and stops in the middle of being read;
all of it is changed here.
"""

import contextlib
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIZES = {2: 0x15, 4: 0x16, 8: 0x17, 16: 0x18}  # MB: third byte of the JEDEC id


class MockChip:
    def __init__(self, chip, folder, *, mb=4, pty=False):
        self.file = Path(folder) / f"{chip}-flash.bin"
        self.chip, self.mb, self.pty = chip, mb, pty
        self._port_file = Path(folder) / f"{chip}-port"

    def __enter__(self):
        if not self.file.exists():
            self.file.write_bytes(b"\xff" * (self.mb << 20))
        self._port_file.unlink(missing_ok=True)
        arguments = [self.chip, str(self.file), str(self.mb), str(self._port_file), "pty" if self.pty else "tcp"]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        end = time.monotonic() + 30
        while not (self._port_file.exists() and self._port_file.read_text()):
            assert self._process.poll() is None, self._process.stderr.read().decode()
            assert time.monotonic() < end
            time.sleep(0.02)
        where = self._port_file.read_text()
        self.port = where if self.pty else f"socket://127.0.0.1:{where}"
        return self

    def __exit__(self, *_):
        self.pull()

    def pull(self):
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._process.stderr.close()

    def flash(self):
        return self.file.read_bytes()


def acknowledgement(conn, stop_event, buf):
    """In place of the mock's own, which gives up at its first time-out, and between two frames takes one end for both."""
    from esp32_mock_bootloader import server

    while not stop_event.is_set():
        while buf[:2] == b"\xc0\xc0":
            del buf[0]
        payload = server._consume_slip_frame(buf)
        if payload is not None:
            return payload
        try:
            chunk = conn.recv(4096)
        except TimeoutError:
            continue
        if not chunk:
            return None
        buf.extend(chunk)
    return None


def serve(chip, file, mb, port_file, kind):
    from esp32_mock_bootloader import protocol, server

    protocol.FLASH_MOCK_SIZE = 1  # not allocated twice
    protocol.MOCK_FLASH_ID = SIZES[int(mb)] << 16 | 0x4020
    server._FLASH_END_IDLE_SEC = 600
    server._recv_slip_payload = acknowledgement
    flash: Any = server.get_flash_image()
    descriptor = os.open(file, os.O_RDWR)
    flash.data = mmap.mmap(descriptor, 0)
    if kind == "pty":
        import pty
        import tty

        # The mock leaves the line discipline as it is, which eats and changes bytes until the client sets it.
        plain = pty.openpty

        def raw():
            master, slave = plain()
            tty.setraw(slave)
            return master, slave

        pty.openpty = raw
        server.run_pty_server(None, port_file=port_file, chip_mode=chip)
    else:
        server.run_server(0, chip_mode=chip, port_file=port_file)


if __name__ == "__main__":
    serve(*sys.argv[1:])
