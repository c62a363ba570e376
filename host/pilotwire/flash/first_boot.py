"""Watches the serial line after flashing, until the firmware reports itself with a line "@{...}".

What else may be seen: a reset again and again (boot loop), or a traceback and MicroPython's prompt. Both become errors that
show what the board said.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from pilotwire.device import ports
from pilotwire.errors import PilotwireError

WAIT_S = 30.0
_LOOPS = 4  # this many resets in a row are no start any more
_KEEP = 8  # lines shown of what the board said


class Watch:
    """Decides, line by line, what the board is up to. No I/O.

    Attributes:
        report: the firmware's first report, None before.
        failed: (why, do) once it is clear that none will come.
        lines: the last lines, for errors.
    """

    def __init__(self) -> None:
        self.report: dict[str, Any] | None = None
        self.failed: tuple[str, str] | None = None
        self.lines: list[str] = []
        self._resets = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Bytes from the line."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._line(line.decode("utf-8", "replace").strip())
        if self._rest.endswith(b">>> ") and self.report is None:
            self._prompt()

    def _line(self, text: str) -> None:
        if not text or self.report is not None:
            return
        if text.startswith("@{"):
            try:
                found = json.loads(text[1:])
            except ValueError:
                return
            if isinstance(found, dict) and "version" in found:
                self.report = found
            return
        self.lines = [*self.lines, text][-_KEEP:]
        if text.startswith("rst:") or (text.startswith("ets ") and "rst:" in text):
            self._resets += 1
            if self._resets >= _LOOPS:
                self.failed = (
                    f"it restarts again and again: {self._last('rst:')}",
                    "check supply and cable; if it goes on, flash it with --erase",
                )
        elif "filesystem appears to be corrupted" in text:
            self.failed = ("its file system cannot be read", "flash it again")

    def _last(self, start: str) -> str:
        return next((line for line in reversed(self.lines) if line.startswith(start)), "")

    def _prompt(self) -> None:
        error = next((line for line in reversed(self.lines) if "Error" in line), "")
        why = f"its program ended: {error}" if error else "MicroPython starts, but no program"
        self.failed = (why, "see what it says with `pilotwire monitor`")


def watch(
    port: str, *, wait_s: float = WAIT_S, heard: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """The firmware's first report on that port.

    Args:
        port: where the board was flashed; one with USB of its own comes back a moment after its reset.
        wait_s: seconds to wait for the report.
        heard: called with pieces of what the board says.

    Raises:
        PilotwireError: none came; says what did.
    """
    end = time.monotonic() + wait_s
    seen = Watch()
    what = "the board was written, but its firmware does not report itself"
    line = None
    try:
        while time.monotonic() < end:
            if line is None:
                line = _open(port, end)
            try:
                data = line.read(max(1, line.in_waiting or 0))
            except OSError:  # its USB went away with the reset
                line.close()
                line = None
                time.sleep(0.2)
                continue
            if not data:
                continue
            seen.feed(data)
            if heard:
                heard(data.decode("utf-8", "replace"))
            if seen.report is not None:
                return seen.report
            if seen.failed:
                raise PilotwireError(what, *seen.failed)
    finally:
        if line is not None:
            line.close()
    said = f"the last it said was {seen.lines[-1]!r}" if seen.lines else f"it said nothing in {wait_s:g} s"
    raise PilotwireError(what, said, "press EN (or RST) and look with `pilotwire monitor`")


def _open(port: str, end: float) -> Any:
    while True:
        try:
            return ports.open_line(port)
        except PilotwireError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
