"""Puts the people together with box and central system, chapter by chapter, and makes the account at the end of each."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, Self

from pilotwire import runtime
from pilotwire.bench.certificates import Authority
from pilotwire.csms import CallError, CentralSystem, Charger, Frame, Transaction
from pilotwire.csms.frames import CALL
from pilotwire.demo import print_table
from pilotwire.errors import PilotwireError
from pilotwire.page.depot import Depot
from pilotwire.sim import Supervisor
from pilotwire.simclock import SimulatedClock
from pilotwire.soak import plan
from pilotwire.soak.account import Account
from pilotwire.soak.people import Driver, Office, Trouble
from pilotwire.timeline import Event, Timeline

_ID = "SOAK-1"
_SPEED = 500.0
_VISITS = 3  # at each connector in a chapter
_LOOK_S = 5.0  # simulated, between two looks at the meters
_ANSWER_S = 3.0  # real: a network that is cut says nothing
_SETTLE_S = 3600  # simulated; the longest wait between two tries to connect is ten minutes
_CHAPTER_S = 900  # real
_SILENT_S = 90.0  # real: others may use this machine as well
_TETHERED = {"socket": False, "lock": None, "lock_feedback": None, "proximity_adc": None}
_SETTINGS = {
    "ChargePointId": _ID,
    "MeterValueSampleInterval": "30",
    "AllowOfflineTxForUnknownId": "true",
    "WebSocketPingInterval": "2",
    "MessageTimeout": "2",
    # A message that the central system refuses for good is not billed, as the standard has it: the trouble here is shorter.
    "TransactionMessageAttempts": "50",
    "TransactionMessageRetryInterval": "1",
}
_VERSIONS = ("1.0.0", "1.0.1")
_ENDED = ("Installed", "InstallationFailed", "DownloadFailed", "Idle")
_TAKEN_BACK = (
    ("ClearChargingProfile", {}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
    *(("CancelReservation", {"reservationId": number}) for number in range(1, 4)),
)
_MOST_EVENTS = 30_000
_MOST_SENTENCES = 8
_SHOWN = 60  # characters of an error in the log, in the summary


class Soak:
    """Everything that the people share; `async with` starts it.

    Args:
        seed: of the plan.
        heap: of the box, in bytes of the chip.

    Attributes:
        central, box, charger, depot: the central system, the `Supervisor`, the box as the former knows it, the relay for files.
        tally: what happened, and how often.
        account: Wh.
        roots: certificates that can be installed, PEM.
        reachable: False while network or server are away on purpose.
        updating: an update was ordered and has not ended.
        ending: the drivers have gone: nothing new is to be begun.
    """

    def __init__(self, seed: int, heap: int = runtime.WHOLE_FIRMWARE):
        self._seed, self._heap = seed, heap
        self.tally: Counter[str] = Counter()
        self.clock = SimulatedClock()
        self.account = Account(2)
        self.reachable, self.updating, self.ending = True, False, False
        self.roots: list[str] = []
        self.heaps: list[int] = []
        self._bundles: list[str] = []
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._problems: list[str] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pilotwire-soak-")))
        try:
            self.central = await enter(CentralSystem(on_event=self._event, clock=self.clock, frames=2000))
            self.central.interval = 60
            self.central.on_frame = self._frame
            self.depot = await enter(Depot(folder / "depot"))
            await self._prepare(folder)
            self.drivers = [Driver(self, k + 1) for k in range(2)]
            self.office, self.trouble = Office(self), Trouble(self)
            self.box = await enter(
                Supervisor(
                    folder / "box",
                    settings=_SETTINGS | {"CentralSystemURL": self.central.url},
                    connectors=2,
                    speed=_SPEED,
                    heap=self._heap,
                    on_event=self._event,
                    files=self.depot.for_boards(),
                    board={"connectors": [{}, _TETHERED]},
                    silent_s=_SILENT_S,
                )
            )
            self.clock.follow(self.box)
            self.charger = await self.central.charger(_ID)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _prepare(self, folder: Path) -> None:
        """Roots to be installed; bundles of two versions, which take turns, and one that is broken."""
        for k in range(plan.ROOTS):
            (folder / f"ca{k}").mkdir()
            self.roots.append(Authority(folder / f"ca{k}", f"Root {k}").pem.decode())
        self._bundles = [await self.depot.bundle(version) for version in _VERSIONS]
        data = bytearray((folder / "depot" / "files" / self._bundles[0]).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / "depot" / "files" / "broken.pwb").write_bytes(data)

    # -- what the people do

    async def do(self, word: str, **fields: Any) -> dict[str, Any]:
        """A word of the control socket; PilotwireError."""
        return await self.box.do(word, **fields)

    async def passes(self, seconds: float) -> None:
        """Simulated time passes."""
        await self.reached({"never": True}, seconds)

    async def reached(self, wanted: dict[str, Any], timeout_s: float) -> bool:
        """Was it, within so much simulated time?"""
        try:
            await self.box.do("wait", until=wanted, timeout_s=timeout_s)
        except PilotwireError:
            return False
        return True

    async def order(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """A CALL of the central system; None where there was no answer, or an error."""
        if not (self.reachable and self.charger.connected):
            self.tally["orders that could not be given"] += 1
            return None
        self.tally[action] += 1
        try:
            return await self.charger.call(action, payload, timeout=_ANSWER_S)
        except CallError as error:
            self.tally[f"{action} answered by {error.code}"] += 1
        except (PilotwireError, TimeoutError):
            self.tally["orders without an answer"] += 1
        return None

    def transactions(self) -> list[Transaction]:
        """What the central system knows."""
        return list(self.charger.transactions.values())

    def metered(self) -> list[float]:
        """Wh through each meter, ever."""
        return [outlet.energy_wh for outlet in self.box.world.outlets]

    def note(self, what: str) -> None:
        """Something for who reads the timeline."""
        self._event(Event(self.box.time_ms, "soak", what))

    def bundle(self, good: bool) -> str:
        """The file that an update fetches: the other version, or one that is broken."""
        if not good:
            return "broken.pwb"
        return self._bundles[self.box.state()["version"] == _VERSIONS[0]]

    # -- what is watched

    def _event(self, event: Event) -> None:
        self._events.append(event)
        if event.who == "firmware":
            if "Traceback" in event.what:
                self._problems.append(f"the firmware: {event.what}")
            if event.what.startswith("E "):
                self.tally[f"log: {event.what[:_SHOWN]}"] += 1
            if "MemoryError" in event.what:
                self.tally["out of memory"] += 1
        elif event.who == "box" and event.what.startswith("restarts"):
            self.tally[event.what] += 1
            self.account.reset()
            if "watchdog" in event.what:
                self._problems.append("the watchdog has bitten")

    def _frame(self, charger: Charger, frame: Frame) -> None:
        self.trouble.frame(charger, frame)
        if frame.direction == "in" and frame.action == "FirmwareStatusNotification" and frame.type == CALL:
            status = frame.payload["status"]
            self.tally[f"update: {status}"] += 1
            self.updating = self.updating and status not in _ENDED

    async def _watch(self) -> None:
        while True:
            connectors = self.box.state()["connectors"]
            running = [
                (c["number"], c["transaction"]["tag"], c["transaction"]["start_wh"]) for c in connectors if c["transaction"]
            ]
            self.account.look(self.box.time_ms, self.metered(), running)
            await self.passes(_LOOK_S)

    # -- chapters

    async def chapter(self, number: int) -> None:
        """Some visits at both connectors, with orders and trouble meanwhile; then all is settled, and the account made.

        Raises:
            PilotwireError: with what is wrong.
        """
        self.ending = False
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch())
            async with asyncio.TaskGroup() as people:
                people.create_task(self._all(self.office, plan.office(plan.source(self._seed, number, "office"))))
                people.create_task(self._all(self.trouble, plan.trouble(plan.source(self._seed, number, "trouble"))))
                async with asyncio.TaskGroup() as drivers:
                    for driver in self.drivers:
                        k = driver.connector
                        visits = plan.visits(plan.source(self._seed, number, f"driver {k}"), k, tethered=k == 2)
                        drivers.create_task(self._all(driver, itertools.islice(visits, _VISITS)))
                self.ending = True
            await self._settle()
            watch.cancel()
        self._judge()

    async def _all(self, person: _Person, deeds: Iterable[Any]) -> None:
        for deed in deeds:
            await self.passes(deed.wait_s)
            if self.ending:
                break
            await person.do(deed)

    async def _settle(self) -> None:
        """All trouble is over, the central system takes back what it ordered, the cars go, and everything is told."""
        self.note("everything settles")
        await self.trouble.ends()
        if not await self.reached({"online": True, "registered": "Accepted"}, _SETTLE_S):
            raise PilotwireError("the box does not come back", f"it is {self.box.state()['power']}")
        for action, payload in _TAKEN_BACK:
            await self.order(action, payload)
        for driver in self.drivers:
            if not await driver.leave(300):
                raise PilotwireError(f"a car can not leave connector {driver.connector}", str(driver.state))
        waited = 0.0
        while self.updating and waited < _SETTLE_S:
            await self.passes(_LOOK_S)
            waited += _LOOK_S
        self.updating = False
        if not await self.reached({"online": True, "registered": "Accepted", "queue": 0}, _SETTLE_S):
            raise PilotwireError("not everything was told", f"{self.box.state()['queue']} messages are left")
        await self.passes(_LOOK_S)
        self.heaps.append(self.box.state()["heap"])

    def _judge(self) -> None:
        charger = self.charger
        found = [*self._problems, *charger.schema_errors, *charger.violations, *map(repr, self.central.hook_errors)]
        found += self.account.judge(charger, self.metered())
        again, reasons = charger.book.duplicates, charger.connections + self.trouble.misanswered
        if again > reasons:
            found.append(f"{again} messages came again, and only {reasons} times was there a reason")
        if found:
            raise PilotwireError("the account does not balance", "; ".join(found[:_MOST_SENTENCES]))

    def summary(self) -> dict[str, Any]:
        """What happened, and what came of it."""
        known = self.transactions()
        return {
            "transactions": len(known),
            "told again": self.charger.book.duplicates,
            "Wh billed": sum(t.energy_wh or 0 for t in known),
            "Wh metered": round(sum(self.metered()), 1),
            "Wh in doubt by cuts and resets": round(sum(self.account.doubt), 1),
            "heap at rest": f"{min(self.heaps, default=0)} to {max(self.heaps, default=0)} bytes",
            "simulated hours": round(self.box.time_ms / 3_600_000, 1),
            **dict(sorted(self.tally.items())),
        }

    def timeline(self) -> str:
        """The last of what happened."""
        text = io.StringIO()
        timeline = Timeline(text, form="plain", verbose=True)
        for event in self._events:
            timeline(event)
        return text.getvalue()


class _Person(Protocol):
    async def do(self, deed: Any, /) -> None: ...


async def soak(
    seed: int, seconds: float, log: Path, first: int = 1, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Chapters for so much real time, at least one; returns the summary.

    Args:
        log: where the timeline goes if something is wrong.
        first: the chapter to begin with, to see one again that failed.
        tell: called with a line after each chapter.

    Raises:
        PilotwireError: what is wrong.
    """
    begin = time.monotonic()
    async with Soak(seed) as running:
        for number in itertools.count(first):
            try:
                await asyncio.wait_for(running.chapter(number), _CHAPTER_S)
            except BaseException as error:
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text(running.timeline())
                print_table(f"Soak, seed {seed}, failed in chapter {number}", running.summary())
                if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
                    raise
                raise PilotwireError(f"seed {seed}, chapter {number}: {_first(error)}", f"the timeline is in {log}") from error
            now = running.summary()
            billed = f"{now['Wh billed']} Wh billed of {now['Wh metered']}, {now['Wh in doubt by cuts and resets']} in doubt"
            tell(f"chapter {number}: {now['transactions']} transactions, {billed}, heap {running.heaps[-1]} bytes")
            if time.monotonic() - begin >= seconds:
                return now | {"chapters": number - first + 1}
    raise AssertionError("without end")


def _first(error: BaseException) -> BaseException:
    """The error that began it, of those that came together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
