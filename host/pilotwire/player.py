"""Plays a scenario against a virtual wallbox and, if there is one, a central system."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pilotwire.csms import CentralSystem, Charger
from pilotwire.csms.answers import utc
from pilotwire.csms.summary import summary
from pilotwire.errors import PilotwireError
from pilotwire.scenario import CENTRAL_WORDS, DEPOT_WORDS, Step, lookup, until

if TYPE_CHECKING:
    from pilotwire.page.depot import Depot

# Simulated seconds between two looks at the central system's account while a line waits for it.
_LOOK_S = 0.5


class Box(Protocol):
    """What is needed of `pilotwire.sim.Supervisor`."""

    async def do(self, word: str, **fields: Any) -> dict[str, Any]: ...


@dataclass
class Report:
    """How it went: `played` lines held, then `failed` did not and the rest was left out.

    `answers` are the central system's answers to the calls of the scenario, in order; `seconds` is the real time that each
    played line took.
    """

    played: list[Step] = field(default_factory=list)
    failed: Step | None = None
    error: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when every line held."""
        return self.failed is None


class Player:
    """Plays steps one after the other and stops at the first that fails.

    Args:
        box: the virtual wallbox, None when it is somebody else's.
        central: its central system, None when that is somebody else's.
        identity: the charger's id there.
        on_step: called with each step before it is played.
        depot: where the box fetches firmware and leaves diagnostics, None if nowhere.
    """

    def __init__(
        self,
        box: Box | None,
        central: CentralSystem | None = None,
        identity: str = "",
        on_step: Callable[[Step], None] | None = None,
        depot: Depot | None = None,
    ):
        self._given, self._central, self._identity = box, central, identity
        self._on_step, self._depot = on_step, depot
        self._report = Report()

    @property
    def _box(self) -> Box:
        if self._given is None:
            raise PilotwireError("there is no virtual wallbox here", "only a central system runs")
        return self._given

    async def play(self, steps: list[Step]) -> Report:
        """Plays them; a line that fails is in the report, nothing is raised for it."""
        self._report = report = Report()
        for step in steps:
            began = time.monotonic()
            try:
                await self.step(step)
            except (PilotwireError, TimeoutError) as error:
                report.failed, report.error = step, str(error)
                break
            report.played.append(step)
            report.seconds.append(time.monotonic() - began)
        return report

    async def step(self, step: Step) -> dict[str, Any] | None:
        """Plays one line and returns what was answered, if anything.

        Raises:
            PilotwireError: refused, not reached in time, or not as expected.
            TimeoutError: the charger did not answer the central system.
        """
        if step.after_s:
            await self._pass_time(step.after_s)
        if self._on_step is not None:
            self._on_step(step)
        if step.word == "expect":
            return self._expect(step, await self._state())
        if step.word == "wait":
            return await self._wait(step)
        if step.word in CENTRAL_WORDS:
            answer = await self._call(step)
            self._report.answers.append(answer)
            return answer
        return await self._box.do(step.word, **step.fields)

    async def _pass_time(self, seconds: float) -> None:
        # A wait for what never comes is the control socket's way to let simulated time pass.
        with suppress(PilotwireError):
            await self._box.do("wait", until={"never": True}, timeout_s=seconds)

    async def _state(self) -> dict[str, Any]:
        """The box's state, with the central system's account and its last answer beside it."""
        state = dict(await self._box.do("state"))
        if self._central is not None:
            state["central"] = summary(self._central.chargers.get(self._identity))
        if self._report.answers:
            state["answer"] = self._report.answers[-1]
        return state

    @staticmethod
    def _expect(step: Step, state: dict[str, Any]) -> None:
        if step.holds(state):
            return
        try:
            actual = repr(lookup(state, step.path))
        except LookupError:
            actual = "not there"
        raise PilotwireError(
            f"expected {step.path} {step.op} {step.value!r}", f"but it is {actual}"
        )

    async def _wait(self, step: Step) -> None:
        timeout_s = step.fields["timeout_s"]
        if not step.path.startswith("central."):
            await self._box.do("wait", until=until(step), timeout_s=timeout_s)
            return
        if self._central is None:
            raise self._no_central(step)
        waited = 0.0
        while not step.holds(state := await self._state()):
            if waited >= timeout_s:
                self._expect(step, state)
            await self._pass_time(_LOOK_S)
            waited += _LOOK_S

    async def _call(self, step: Step) -> dict[str, Any]:
        if self._central is None:
            raise self._no_central(step)
        if step.word == "answer":
            self._central.mischief.set(**step.fields)
            return {}
        charger = await self._central.charger(self._identity)
        if step.word == "drop":
            charger.drop()
            return {}
        if step.word == "send":
            await charger.send(step.fields["text"])
            return {}
        if step.word in DEPOT_WORDS:
            return await self._transfer(step, charger)
        return await charger.call(*_message(step, charger))

    async def _transfer(self, step: Step, charger: Charger) -> dict[str, Any]:
        """Tells the charger to fetch the present sources under another version, or to leave its diagnostics."""
        depot = self._depot
        if depot is None:
            raise PilotwireError(f"{step.word} is not possible here", "there is no relay for files beside the central system")
        if step.word == "diagnose":
            return await charger.call("GetDiagnostics", {"location": f"{depot.url}/upload/"})
        name = await depot.bundle(step.fields["version"])
        now = utc(charger.central.clock())
        return await charger.call("UpdateFirmware", {"location": f"{depot.url}/files/{name}", "retrieveDate": now})

    @staticmethod
    def _no_central(step: Step) -> PilotwireError:
        return PilotwireError(
            f"{step.word} {step.path}".rstrip() + " needs our own central system",
            "--csms names another one",
            "leave --csms out",
        )


def _message(step: Step, charger: Charger) -> tuple[str, dict[str, Any]]:
    """(action, payload) of a line for the central system."""
    fields = step.fields
    if step.word == "remote_start":
        payload = {"idTag": fields["id"]}
        if "connector" in fields:
            payload["connectorId"] = fields["connector"]
        return "RemoteStartTransaction", payload
    if step.word == "remote_stop":
        if "transaction" in fields:
            return "RemoteStopTransaction", {"transactionId": fields["transaction"]}
        running = [known.id for known in charger.transactions.values() if known.running]
        if not running:
            raise PilotwireError("there is nothing to stop", "no transaction is running")
        return "RemoteStopTransaction", {"transactionId": running[-1]}
    if step.word == "change_configuration":
        return "ChangeConfiguration", {"key": fields["key"], "value": fields["value"]}
    return fields["action"], fields.get("payload") or {}
