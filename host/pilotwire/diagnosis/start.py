"""What the firmware itself says after the doctor has let it go: its start, its network, its central system.

`Start` decides and does no I/O; `watch` reads the port.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from pilotwire.device import ports
from pilotwire.diagnosis.finding import ERROR, OK, WARNING, Finding
from pilotwire.flash.first_boot import Watch

WAIT_S = 45.0


class Start:
    """Bytes of the line in, findings out. `done` once there is nothing more to wait for."""

    def __init__(self) -> None:
        self._watch = Watch()
        self._rest = b""
        self._report: dict[str, Any] = {}
        self._trouble = ""

    def feed(self, data: bytes) -> None:
        """Bytes from the line."""
        self._watch.feed(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if text.startswith(("W link:", "E link:")):
                self._trouble = text[7:].strip()
            elif text.startswith("@{"):
                try:
                    self._report = json.loads(text[1:])
                except ValueError:
                    continue

    @property
    def done(self) -> bool:
        accepted = self._report.get("registered") == "Accepted"
        return accepted or "setup" in self._report or bool(self._trouble) or self._watch.failed is not None

    def findings(self) -> Iterator[Finding]:
        """What is known by now."""
        if self._watch.failed:
            yield Finding(ERROR, "start", *self._watch.failed)
            return
        report = self._report
        if not report:
            yield Finding(ERROR, "start", "its firmware does not report itself", "look with `pilotwire monitor`")
            return
        yield Finding(OK, "start", f"pilotwire {report.get('version')} runs from slot {report.get('slot')}")
        if "setup" in report:
            do = f"join {report['setup'].get('network')} with a phone, or `pilotwire provision`"
            yield Finding(WARNING, "network", "the charger is in set-up mode", do)
            return
        queue = report.get("queue")
        if queue is not None:
            yield Finding(OK, "ledger", f"{queue} messages wait for the central system")
        for number, connector in enumerate(report.get("connectors") or [], 1):
            if connector.get("fault"):
                do = f"docs/board.md says what {connector['fault']} means and how it ends"
                yield Finding(ERROR, f"connector {number}", f"fault {connector['fault']}", do)
        if report.get("registered") == "Accepted":
            yield Finding(OK, "charger", "the central system has accepted it")
        elif self._trouble:
            do = "check CentralSystemURL, the network, and the certificates (`pilotwire provision`)"
            yield Finding(ERROR, "charger", self._trouble, do)
        elif report.get("online"):
            do = "its operator has to let this identity in"
            yield Finding(WARNING, "charger", f"connected, registration {report.get('registered')}", do)
        else:
            do = "check WifiSsid and WifiKey (`pilotwire provision`), and the distance to the access point"
            yield Finding(WARNING, "charger", "it did not get to the central system", do)


def watch(port: str, *, wait_s: float = WAIT_S) -> Iterator[Finding]:
    """Findings about the start of the board on that port; waits until there is something to say."""
    end = time.monotonic() + wait_s
    start = Start()
    line = ports.open_line(port)
    try:
        while not start.done and time.monotonic() < end:
            start.feed(line.read(max(1, line.in_waiting or 0)))
    except OSError as error:
        yield Finding(ERROR, "start", f"the connection to {port} broke off: {error}", "check the cable")
        return
    finally:
        line.close()
    yield from start.findings()
