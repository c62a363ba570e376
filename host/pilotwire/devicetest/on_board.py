"""Runs files of device tests on a board, over its raw REPL: `pilotwire test --port`.

The compiled files stay on this computer and are read by the board through mpremote's mount, so nothing of them is written to
its flash; what a test itself writes goes into a folder that is removed. A soft reset before each file gives it a fresh
interpreter. The firmware does not run meanwhile, its contactors are open (LiveBoard); at the end the board starts again.
"""

import contextlib
from pathlib import Path
from typing import Any

from mpremote.transport import TransportError

from pilotwire.device.raw_repl import LiveBoard
from pilotwire.devicetest.suite import ITEMS

SLOWER = 10  # a chip needs this many times as long as a desktop, roughly
_FOLDER = "/pilotwire-test"

# On the board. The watchdog of the firmware outlives the soft reset and must be fed; the desktop has none.
_BEGIN = """
import os, sys
def _clear(top):
    for name, kind, *_ in os.ilistdir(top):
        path = top + '/' + name
        _clear(path) if kind == 0x4000 else os.remove(path)
    os.rmdir(top)
try:
    import machine
    machine.Timer(0).init(period=2000, callback=lambda timer: machine.WDT(timeout=8000).feed())
except (ImportError, AttributeError):
    pass
try:
    _clear({folder!r})
except OSError:
    pass
os.mkdir({folder!r})
os.chdir({folder!r})
sys.path[:] = {path!r}
"""
_RUN = "import runner\nrunner.main({module!r}, {near_wrap!r}, '/remote/{items}')"
_END = "os.chdir('/')\n_clear({folder!r})\nsys.path[:] = ['.frozen']\nos.umount('/remote')"


class TestBoard:
    """A board to run tests on; `top` is the folder that it reads the compiled files from."""

    __test__ = False  # for pytest

    def __init__(self, port: str, top: Path):
        self.port, self._top = port, top
        self._live: LiveBoard | None = None
        self._board: Any = None

    def run(self, folders: list[Path], module: str, near_wrap: bool, items: bytes, limit_s: float) -> tuple[bytes, str]:
        """(what the runner printed, why it ended) of one test file.

        Args:
            folders: below `top`, the path of the imports.
            module: the test file.
            near_wrap: does the clock begin before its wrap?
            items: what to run, in lines of JSON.
            limit_s: seconds without a word from the board after which it is given up.

        Raises:
            PilotwireError: the board cannot be reached.
        """
        if self._live is None:
            self._live = LiveBoard(self.port)
            self._board = self._live.__enter__()
        else:
            self._board.reset()
        transport = self._board.transport
        (self._top / ITEMS).write_bytes(items)
        path = [f"/remote/{folder.relative_to(self._top).as_posix()}" for folder in folders]
        said = bytearray()
        ended = "the board stopped telling"
        with self._board.errors("cannot run tests"):
            transport.mount_local(str(self._top))
            transport.exec(_BEGIN.format(folder=_FOLDER, path=[*path, ".frozen"]))
            try:
                _, error = transport.exec_raw(_RUN.format(module=module, near_wrap=near_wrap, items=ITEMS), limit_s, said.extend)
                if error:
                    said += error
                transport.exec(_END.format(folder=_FOLDER))
            except TransportError as failure:
                ended = f"timed out: {failure} after {limit_s:g} s"
            finally:
                # A board that hangs does not answer an umount; the reset before the next file does it.
                transport.mounted = False
                transport.serial = transport.serial.orig_serial
        return bytes(said).replace(b"\r\n", b"\n").replace(b"\x04", b""), ended

    def close(self) -> None:
        """Let the board start again."""
        if self._live is not None:
            with contextlib.suppress(OSError):
                self._live.__exit__()
            self._live = None
