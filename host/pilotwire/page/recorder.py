"""Writes down what a person does as a scenario that plays headless to the same end. No I/O.

    recorder = Recorder("CP1", state, account)
    recorder.note(step, state)          # before each step is played
    text = recorder.end(state, account)

Before a step it waits for what the person had seen by then, the statuses of the connectors, and then lets as much simulated time
pass as passed since. At the end it expects what the central system was told meanwhile.
"""

from __future__ import annotations

from typing import Any

from pilotwire.scenario import Step, line

# A recording that nobody ends must not fill the memory.
MOST_LINES = 5000
_MARGIN_S = 60
_NOT_RECORDED = {"state", "wait", "expect", "speed"}


class Recorder:
    """One recording.

    Args:
        identity: whose box it is.
        state: of the box, as `Supervisor.state` gives it, None without a box.
        account: `csms.summary.summary` of its charger, None without a central system.

    Attributes:
        lines: what was written so far.
    """

    def __init__(self, identity: str, state: dict[str, Any] | None, account: dict[str, Any] | None):
        self._before = account
        self._seen: dict[int, str] = {}
        self._last_ms = self._changed_ms = 0
        self.lines = [f"# Recorded on the bench page, of wallbox {identity}.", ""]
        if state is not None:
            self._last_ms = self._changed_ms = state["time_ms"]
            self.lines += _prologue(state, account is not None and account["connected"])
            self.see(state)

    def see(self, state: dict[str, Any] | None) -> None:
        """Takes note of the connectors' statuses; to be called whenever the state may have changed."""
        if state is None:
            return
        statuses = {k: c["status"] for k, c in enumerate(state["connectors"]) if c.get("status")}
        if statuses != self._seen and statuses:
            self._seen, self._changed_ms = statuses, state["time_ms"]

    def note(self, step: Step, state: dict[str, Any] | None) -> None:
        """Writes a step down that is about to be played."""
        if step.word in _NOT_RECORDED or len(self.lines) >= MOST_LINES:
            return
        self.see(state)
        after = ""
        if state is not None:
            now = state["time_ms"]
            if self._changed_ms >= self._last_ms:
                self._waits(now - self._last_ms)
            passed = (now - max(self._changed_ms, self._last_ms)) / 1000
            after = f"+{passed:.1f} " if passed >= 0.1 else ""
            # A change after this moment is a consequence of the step.
            self._last_ms, self._changed_ms = now, min(self._changed_ms, now - 1)
        self.lines.append(after + line(step.word, step.fields))

    def end(self, state: dict[str, Any] | None, account: dict[str, Any] | None) -> str:
        """The whole scenario, with what came of it as its last lines."""
        if state is not None:
            self.see(state)
            self._waits(state["time_ms"] - self._last_ms)
        if account is not None and self._before is not None:
            for name in ("started", "stopped"):
                told = account[name] - self._before[name]
                self.lines.append(f"wait central.{name} = {told} timeout_s={_MARGIN_S}")
            # The box is there first, then the central system learns it: a replay that ends before has another end.
            if account["status"] is not None and account["status"] == self._seen.get(0):
                self.lines.append(f"wait central.status = {account['status']} timeout_s={_MARGIN_S}")
            self.lines += _energy(account["energy_wh"] - self._before["energy_wh"])
            if account["schema_errors"] == self._before["schema_errors"]:
                self.lines.append("expect central.schema_errors = 0")
        return "\n".join(self.lines) + "\n"

    def _waits(self, passed_ms: int) -> None:
        seconds = max(passed_ms, 0) // 1000 + _MARGIN_S
        for k, status in sorted(self._seen.items()):
            self.lines.append(f"wait connectors[{k}].status = {status} timeout_s={seconds}")


def _energy(told_wh: int) -> list[str]:
    """What was billed, give or take what a few seconds more or less make of it."""
    if told_wh <= 0:
        return []
    margin = max(told_wh // 20, 20)
    return [
        f"expect central.energy_wh >= {max(told_wh - margin, 0)}",
        f"expect central.energy_wh <= {told_wh + margin}",
    ]


def _prologue(state: dict[str, Any], connected: bool) -> list[str]:
    """Makes of a new box one like that of which the recording begins; a running transaction is not brought back."""
    lines = [f"wait {path} = Available timeout_s=120" for path in ("connectors[0].status", "central.status")[: 1 + connected]]
    for connector in state["connectors"]:
        number = connector["number"]
        lines += [line("fault", {"connector": number, "kind": kind}) for kind in connector["faults"]]
        if connector["plugged"]:
            car = connector["car"]
            lines.append(
                line("plug", {"connector": number, "cable_a": connector["cable_a"], "car": car["kind"],
                              "battery_wh": round(car["battery_wh"])})
            )  # fmt: skip
        if connector.get("transaction"):
            lines.append(line("tag", {"id": connector["transaction"]["tag"]}))
    if not state["network"]:
        lines.append(line("network", {"up": False}))
    return lines
