"""A live board over its raw REPL, by mpremote's transport.

    with LiveBoard("/dev/ttyUSB0") as board:        # its program is stopped, its contactors are open
        board.json("import gc", "gc.mem_free()")
        board.write("/data/settings", data)         # beside it, then renamed
    # the board starts its program again

Whatever happens in between, the board is reset at the end: its program has a watchdog, which bites eight seconds after the
program was stopped unless it is fed, and every call here feeds it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from pilotwire.device import ports
from pilotwire.errors import PilotwireError

_CHUNK = 512

# mpremote raises the board's own errors as OSError of the host; these cannot come from a serial port.
_ON_BOARD = (errno.ENOSPC, errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EROFS, errno.ENODEV, errno.EEXIST, errno.ENOTEMPTY)

# On the board. A soft reset takes the timers away, and with them the safety step: contactors are opened before it. What is
# missing in the Unix port of MicroPython is left out there.
_STOP = """
try:
    import json, machine
    with open('/board.json') as f:
        for c in json.load(f)['connectors']:
            machine.Pin(c['contactor'], machine.Pin.OUT, value=0)
except (ImportError, AttributeError, OSError, ValueError, KeyError):
    pass
"""
_FEED = """
def _feed():
    try:
        import machine
        machine.WDT(timeout=8000).feed()
    except (ImportError, AttributeError):
        pass
_feed()
"""
# Also for ampy.
HASHES = """
import hashlib
def _hash(name):
    h = hashlib.sha256()
    b = bytearray(512)
    try:
        with open(name, 'rb') as f:
            while 1:
                n = f.readinto(b)
                if not n:
                    break
                h.update(memoryview(b)[:n])
    except OSError:
        return ''
    return h.digest().hex()
"""
_PATHS = """
import os
def _parents(name):
    parts = name.split('/')
    for n in range(2, len(parts)):
        try:
            os.mkdir('/'.join(parts[:n]))
        except OSError:
            pass
"""


class LiveBoard:
    """See the module.

    Args:
        port: device or URL.
        restart: how the board goes on afterwards: "reset" its chip, "soft" its interpreter alone, "no".
    """

    def __init__(self, port: str, *, restart: str = "reset"):
        self.port, self.restart = port, restart
        self.transport: SerialTransport  # mpremote's; what it raises, `errors` turns into a PilotwireError

    def __enter__(self) -> LiveBoard:
        ports.check(self.port)
        self.transport = self._connect()
        try:
            with self.errors("cannot get MicroPython's prompt"):
                self._enter(soft_reset=False)
                self.run(_STOP)
            self.reset()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        finally:
            self._close()

    def reset(self) -> None:
        """A fresh interpreter; the program stays stopped."""
        with self.errors("cannot get MicroPython's prompt"):
            self._enter(soft_reset=True)
            self.run(_FEED)

    def _connect(self) -> SerialTransport:
        try:
            # The time-out is for a pseudo-terminal, from which the transport reads without looking first.
            return SerialTransport(self.port, ports.BAUD, timeout=1)
        except (TransportError, OSError) as error:
            cause = error if isinstance(error, OSError) else self._why_not()
            raise ports.refused(self.port, cause)

    def _why_not(self) -> Exception:
        """The transport says only that it failed: open it once more to hear why."""
        try:
            serial.serial_for_url(self.port, exclusive=True).close()
        except (OSError, ValueError, TypeError) as error:
            return error
        return OSError("it could be opened only at a second try")

    def _enter(self, *, soft_reset: bool) -> None:
        # On failure the transport prints what it heard, which helps nobody.
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                self.transport.enter_raw_repl(soft_reset=soft_reset)
            except TransportError:
                # A program may swallow the first Ctrl-C, or be in the middle of its start.
                time.sleep(0.5)
                self.transport.enter_raw_repl(soft_reset=soft_reset)

    def _leave(self) -> None:
        # The board may have gone with its cable; there is nothing to restart then.
        with contextlib.suppress(TransportError, OSError):
            if self.restart == "reset":
                # A chip answers nothing any more; the Unix port has no reset, its soft reset follows.
                self.transport.exec_raw_no_follow(
                    "import machine\nif hasattr(machine, 'reset'):\n machine.reset()\n"
                )
                time.sleep(0.1)
            if self.restart != "no":
                self.transport.exit_raw_repl()
                self.transport.serial.write(b"\x04")
                time.sleep(0.1)

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self.transport.close()

    @contextlib.contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Raises PilotwireError(what, ...) for whatever fails on the line or on the board."""
        try:
            yield
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1:]
            raise PilotwireError(f"{what} on {self.port}", "the board says " + " ".join(last), "see docs/flashing.md")
        except TransportError as error:
            raise PilotwireError(
                f"{what} on {self.port}",
                str(error),
                "press EN (or RST) and try again; a board without MicroPython needs `pilotwire flash` first",
            )
        except OSError as error:
            if error.errno in _ON_BOARD and not isinstance(error, serial.SerialException):
                do = "flash the board again: its ledger stays" if error.errno != errno.ENOENT else ""
                raise PilotwireError(f"{what} on {self.port}", os.strerror(error.errno).lower(), do)
            raise PilotwireError(
                f"the connection to {self.port} broke off", error.strerror or str(error), "check the cable"
            )

    def run(self, code: str) -> str:
        """Run code on the board; returns what it printed. PilotwireError for an exception there."""
        with self.errors("a command failed"):
            return self.transport.exec(code).decode("utf-8", "replace")

    def json(self, code: str, expression: str) -> Any:
        """Run code, then the value of an expression, which must be JSON-able."""
        printed = self.run(f"{code}\nimport json\nprint(json.dumps({expression}))")
        try:
            return json.loads(printed.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise PilotwireError(f"the board on {self.port} answers oddly", repr(printed[-80:]), "try again")

    def hashes(self, names: list[str]) -> dict[str, str]:
        """SHA-256 of files on the board in hex, "" for those that are not there."""
        found: dict[str, str] = {}
        for at in range(0, len(names), 16):
            part = names[at : at + 16]
            found.update(self.json(HASHES + "_feed()", f"{{n: _hash(n) for n in {part!r}}}"))
        return found

    def read(self, name: str) -> bytes | None:
        """Content of a file, None if there is none."""
        self.run("_feed()")
        with self.errors(f"cannot read {name}"):
            try:
                return bytes(self.transport.fs_readfile(name))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes, progress: Callable[[int, int], None] | None = None) -> None:
        """Replace a file, by a temporary one beside it and a rename; its folders are made."""
        part = name + ".part"
        self.run(_PATHS + f"_feed()\n_parents({name!r})")
        with self.errors(f"cannot write {name}"):
            try:
                self.transport.fs_writefile(part, data, chunk_size=_CHUNK, progress_callback=progress)
            except OSError as error:
                if error.errno == errno.ENOSPC:  # what was written of it would stay in the way
                    self.transport.exec(f"try:\n f.close()\nexcept OSError:\n pass\nos.remove({part!r})")
                raise
            self.transport.exec(f"os.rename({part!r}, {name!r})")

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self.errors(f"cannot remove {name}"):
            self.transport.fs_rmfile(name)
