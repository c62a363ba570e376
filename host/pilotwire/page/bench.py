"""What lies on the bench: wallboxes, their central system, what was said, and who may be told to do what.

The whole is one tree of JSON, made anew some ten times a second while somebody looks; whoever looks is sent what has changed
in it since the last look. So a slow reader gets fewer updates, never a longer queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Protocol

from pilotwire import __version__
from pilotwire.csms import CentralSystem, Charger, Frame
from pilotwire.csms.frames import CALL
from pilotwire.csms.summary import summary
from pilotwire.errors import PilotwireError
from pilotwire.page import views
from pilotwire.page.recorder import Recorder
from pilotwire.player import Player
from pilotwire.scenario import CENTRAL_WORDS, step
from pilotwire.timeline import EventLike

if TYPE_CHECKING:
    from pilotwire.page.depot import Depot

# What a charger tells of transfers that take their time: the last ones are kept.
_TOLD = {"FirmwareStatusNotification", "DiagnosticsStatusNotification"}
_LOOKED_AT_S, _ALONE_S = 0.1, 0.5
_SAMPLE_S = 0.5
_MOST_SAMPLES = 600
_MOST_LINES = 1000


class Box(Protocol):
    """What is needed of `pilotwire.sim.Supervisor`."""

    async def do(self, word: str, **fields: Any) -> dict[str, Any]: ...
    def state(self) -> dict[str, Any]: ...


class Log:
    """The last thousand lines of something, each with a number `n` that grows; `since` gives those after a number."""

    def __init__(self) -> None:
        self._lines: deque[dict[str, Any]] = deque(maxlen=_MOST_LINES)
        self._numbers = count(1)
        self.last = 0

    def add(self, line: dict[str, Any]) -> None:
        """Appends a line; the oldest goes."""
        self.last = next(self._numbers)
        self._lines.append({"n": self.last, **line})

    def since(self, number: int) -> list[dict[str, Any]]:
        """Lines after this number that are still there."""
        new = min(self.last - number, len(self._lines))
        return list(islice(self._lines, len(self._lines) - new, None))


class Bench:
    """See the module.

    Args:
        central: the central system, None if there is none here.
        depot: where chargers fetch firmware and leave diagnostics, None if nowhere.

    Attributes:
        boxes: identity -> box.
        messages, events: `Log`s of frames, and of what happens at the boxes.
        samples: identity -> connector -> (time_ms, power_w, offered_ma, drawn_ma L1, L2, L3, pilot mV high, low).
        tree: all that is to be seen, as of the last look; never changed, only replaced.
    """

    def __init__(self, central: CentralSystem | None = None, depot: Depot | None = None):
        self.central, self.depot = central, depot
        self.boxes: dict[str, Box] = {}
        self.messages, self.events = Log(), Log()
        self.samples: dict[str, dict[str, deque[list[int]]]] = {}
        self.tree: dict[str, Any] = {}
        self._chargers: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        self._read = views.Messages()
        self._told: dict[str, dict[str, list[str]]] = {}
        self._recorder: Recorder | None = None
        self._recorded = ""
        self._looked = asyncio.Event()
        self._watchers = 0
        self._sampled_s = 0.0
        if central is not None:
            central.on_frame = self._frame

    def add(self, identity: str, box: Box) -> None:
        """Puts a box on the bench."""
        self.boxes[identity] = box
        self.samples[identity] = {}

    def note(self, identity: str, event: EventLike) -> None:
        """Takes an event of a box down."""
        self.events.add(views.event(identity, event))

    def _frame(self, charger: Charger, frame: Frame) -> None:
        self._dirty.add(charger.id)
        if frame.type == CALL and frame.action in _TOLD and isinstance(frame.payload, dict):
            statuses = self._told.setdefault(charger.id, {}).setdefault(frame.action, [])
            statuses[:] = [*statuses[-5:], str(frame.payload.get("status"))]
        self.messages.add(self._read.entry(charger, frame))

    # -- looking

    async def run(self) -> None:
        """Looks at everything until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_LOOKED_AT_S if self._watchers else _ALONE_S)

    def look(self) -> None:
        """Makes the tree anew, and wakes who waits for it."""
        states = {identity: box.state() for identity, box in self.boxes.items()}
        now_s = asyncio.get_running_loop().time()
        if now_s - self._sampled_s >= _SAMPLE_S:
            self._sampled_s = now_s
            for identity, state in states.items():
                self._sample(identity, state)
        tree: dict[str, Any] = {
            "about": {"version": __version__, "boxes": bool(self.boxes), "central": self.central is not None},
            "boxes": {identity: views.connectors(state) for identity, state in states.items()},
        }
        if self._recorder is not None:
            self._recorder.see(states.get(self._recorded))
            tree["recording"] = {"box": self._recorded, "lines": len(self._recorder.lines)}
        if self.central is not None:
            for identity, known in self.central.chargers.items():
                seen = self._chargers.get(identity)
                if seen is None or identity in self._dirty or seen["connected"] != known.connected:
                    told = {action: list(said) for action, said in self._told.get(identity, {}).items()}
                    self._chargers[identity] = {**views.charger(known), "told": told}
            self._dirty.clear()
            tree["chargers"] = dict(self._chargers)
            tree["central"] = {"url": self.central.url, "rules": self.central.mischief.view()}
            if self.depot is not None:
                tree["central"]["depot"] = self.depot.view()
        self.tree = tree
        self._looked.set()
        self._looked = asyncio.Event()

    def _sample(self, identity: str, state: dict[str, Any]) -> None:
        for connector in state["connectors"]:
            kept = self.samples[identity].setdefault(str(connector["number"]), deque(maxlen=_MOST_SAMPLES))
            if not kept or kept[-1][0] != state["time_ms"]:
                kept.append([
                    state["time_ms"], connector["power_w"], connector["offered_ma"], *connector["drawn_ma"],
                    connector["pilot_mv_high"], connector["pilot_mv_low"],
                ])  # fmt: skip

    @contextlib.contextmanager
    def watched(self) -> Any:
        """While somebody looks, the tree is made more often."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    async def next_look(self) -> None:
        """Returns once the tree was made anew."""
        await self._looked.wait()

    def history(self) -> dict[str, dict[str, list[list[int]]]]:
        """The samples of the last minutes, for charts that begin now."""
        return {box: {k: list(kept) for k, kept in own.items()} for box, own in self.samples.items()}

    # -- doing

    async def do(self, identity: str, word: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Plays one word of a scenario, of the box or of its central system, and writes it down while recording.

        Args:
            identity: of the box or charger.
            word, fields: see docs/control.md and docs/csms.md.

        Returns:
            what was answered.

        Raises:
            PilotwireError: unknown, refused or not possible now.
            TimeoutError: the charger did not answer.
        """
        if word in ("wait", "expect"):
            raise PilotwireError(f"{word} is not for the page", "", "look at what it shows")
        wanted = step(word, fields)
        box = self.boxes.get(identity)
        if box is None and word not in CENTRAL_WORDS:
            raise PilotwireError(f"there is no wallbox {identity!r} here", "", f"there are: {_names(self.boxes)}")
        if self._recorder is not None and identity == self._recorded:
            self._recorder.note(wanted, None if box is None else box.state())
        return await Player(box, self.central, identity, depot=self.depot).step(wanted) or {}

    def record(self, identity: str) -> None:
        """Begins to write down what is done with a box.

        Raises:
            PilotwireError: there is no such box or charger, or a recording runs.
        """
        if self._recorder is not None:
            raise PilotwireError("a recording runs already", f"of {self._recorded}", "end it first")
        state, account = self._now(identity)
        if state is None and account is None:
            raise PilotwireError(f"there is no wallbox {identity!r} here", "", f"there are: {_names(self.boxes)}")
        self._recorder, self._recorded = Recorder(identity, state, account), identity

    def recorded(self) -> str:
        """Ends the recording and returns the scenario; PilotwireError when none runs."""
        if self._recorder is None:
            raise PilotwireError("nothing is being recorded")
        recorder, self._recorder = self._recorder, None
        return recorder.end(*self._now(self._recorded))

    def _now(self, identity: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        box = self.boxes.get(identity)
        state = None if box is None else box.state()
        if self.central is None or (box is None and identity not in self.central.chargers):
            return state, None
        return state, summary(self.central.chargers.get(identity))


def _names(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"
