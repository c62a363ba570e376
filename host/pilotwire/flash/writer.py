"""One run of esptool, through its Python interface: find out what is there, erase, write, verify, reset.

    with Session(port, baud, report) as session:        # connected, stub not yet running
        session.chip, session.flash_bytes, session.table
        session.write(plan)                             # verified by MD5, then the board is reset

esptool's own words go to `report` only as warnings; its errors leave as PilotwireError with what to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import serial
from esp_pylib.logger import EspLog, EspLogBase
from esptool import cmds
from esptool.util import FatalError, flash_size_bytes

from pilotwire.boards import CHIPS
from pilotwire.device import ports
from pilotwire.errors import PilotwireError
from pilotwire.flash.plan import Plan
from pilotwire.flash.report import Report
from pilotwire.image import FLASH_START, TABLE_SIZE

ROM_BAUD = 115200
_ATTEMPTS = 5
_PIECE = 64 * 1024

_BOOT = (
    "hold the board's BOOT button, press and let go EN (or RST), let go BOOT, and run the command again; "
    "a cable that only charges does not do"
)
_AGAIN = "check cable and plug, then run the same command again: it writes everything anew"


class _Log(EspLogBase):
    """esptool's log: silent, but for progress and warnings."""

    # What esptool cannot know better about sockets and ports without a USB identity.
    _KNOWN = ("VID/PID", "reset the chip over", "Resetting the chip over")

    def __init__(self, report: Report):
        self._report = report
        self.what = ""
        self.done = 0
        self.total = 0

    def print(self, *args: Any, **kwargs: Any) -> None:
        pass

    debug = hint = print

    def note(self, *args: Any) -> None:
        pass

    def err(self, *args: Any, suggestion: str | None = None) -> None:
        self.warn(*args)

    def warn(self, *args: Any, suggestion: str | None = None) -> None:
        text = " ".join(str(arg) for arg in args)
        if not any(known in text for known in self._KNOWN):
            self._report.warn(text)

    # Names of older interfaces, which parts of esptool still use.
    warning = warn
    error = err

    def set_verbosity(self, mode: int | str) -> None:
        pass

    def progress_bar(
        self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
    ) -> None:
        if self.what:
            self._report.progress(self.what, cur_iter, total_iters)


class Session:
    """A board in its boot loader; see the module.

    Attributes:
        chip: key of `boards.CHIPS`, or esptool's name of a chip that is not among them.
        chip_text: chip with package and revision, for people.
        mac: its address.
        flash_bytes: size of its flash, None if it cannot be told.
        table: the bytes at 0x8000.
    """

    def __init__(self, port: str, baud: int, report: Report):
        self.port, self.baud, self._report = port, baud, report
        self._log = _Log(report)
        self.chip = self.chip_text = self.mac = ""
        self.flash_bytes: int | None = None
        self.table = b""
        self._esp: Any
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Session:
        ports.check(self.port)
        with contextlib.ExitStack() as stack:
            before = EspLog.instance
            EspLog.instance = self._log
            stack.callback(setattr, EspLog, "instance", before)
            with self._errors(f"cannot reach the boot loader on {self.port}", _BOOT):
                self._esp = cmds.connect_esp(self.port, initial_baud=ROM_BAUD, connect_attempts=_ATTEMPTS)
                stack.callback(self._close)
                self._learn()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _close(self) -> None:
        # The port may have gone together with its cable.
        with contextlib.suppress(OSError):
            self._esp._port.close()

    def _learn(self) -> None:
        names = {chip.name: key for key, chip in CHIPS.items()}
        self.chip = names.get(self._esp.CHIP_NAME, self._esp.CHIP_NAME)
        if self.chip not in CHIPS:
            return
        self.chip_text = self._esp.get_chip_description()
        self.mac = ":".join(f"{byte:02x}" for byte in self._esp.read_mac() or ())
        if self._esp.secure_download_mode or self._esp.get_flash_encryption_enabled():
            raise PilotwireError(
                f"the chip on {self.port} cannot be flashed",
                "its flash encryption or secure download mode is on, for good",
                "take a new board",
            )
        cmds.attach_flash(self._esp)
        size = cmds.detect_flash_size(self._esp)
        self.flash_bytes = flash_size_bytes(size) if size else None
        # By the boot loader in ROM: 3 KB take a second, and it needs nothing else yet.
        self.table = self._esp.read_flash_slow(FLASH_START, TABLE_SIZE, None)

    def write(self, plan: Plan) -> None:
        """Do the plan; every region is verified by its MD5. Then the board starts."""
        with self._errors(f"the flash of the board on {self.port} is not whole", _AGAIN):
            self._hurry()
            for region in plan.erases:
                self._report.say(f"erasing {region.what} ({region.size >> 10} KB at {region.offset:#x})")
                if plan.everything:
                    cmds.erase_flash(self._esp)
                else:
                    cmds.erase_region(self._esp, region.offset, region.size)
            # One call a region, so that progress has a name; the size of the flash goes into the boot loader's header,
            # without which it refuses partitions beyond what the image was made for.
            for region in plan.writes:
                assert region.data is not None
                self._log.what = f"writing {region.what}"
                self._report.say(f"writing {region.what} ({region.size >> 10} KB at {region.offset:#x})")
                cmds.write_flash(self._esp, [(region.offset, region.data)], flash_size="detect")
            self._log.what = ""
        # After the last byte nothing of the board depends on it.
        with contextlib.suppress(FatalError, OSError):
            cmds.reset_chip(self._esp, "hard-reset")

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the flash."""
        with self._errors(f"cannot read the flash of the board on {self.port}", "check the cable, or try --baud 115200"):
            self._hurry()
            found = bytearray()
            while len(found) < size:  # in pieces, each with an MD5 of its own
                found += self._esp.read_flash(offset + len(found), min(_PIECE, size - len(found)))
                self._report.progress("reading", len(found), size)
            return bytes(found)

    def _hurry(self) -> None:
        """esptool's stub in place of the boot loader in ROM, at full speed."""
        if self._esp.IS_STUB:
            return
        self._esp = cmds.run_stub(self._esp)
        if self.baud != ROM_BAUD:
            self._change_baud()
        cmds.attach_flash(self._esp)

    def _change_baud(self) -> None:
        try:
            self._esp.change_baud(self.baud)
        except FatalError as error:
            raise PilotwireError(
                f"cannot change to {self.baud} baud", str(error).split("\n")[0].rstrip("."), "try --baud 115200"
            )

    @contextlib.contextmanager
    def _errors(self, what: str, do: str) -> Iterator[None]:
        try:
            yield
        except PilotwireError:
            raise
        except serial.SerialException as error:
            if "could not open port" in str(error).lower():
                raise ports.refused(self.port, error)
            raise PilotwireError(what, f"the connection broke off: {_short(error)}", do)
        except (FatalError, OSError, RuntimeError) as error:
            text = _short(error)
            if "could not open" in text.lower():
                raise ports.refused(self.port, error.__context__ or error)  # type: ignore[arg-type]
            raise PilotwireError(what, text, do)


def _short(error: BaseException) -> str:
    """The first sentence of esptool's words."""
    return str(error).strip().split("\n")[0].split(". ")[0].split(" (")[0].rstrip(".:").strip() or repr(error)
