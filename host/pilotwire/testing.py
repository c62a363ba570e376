"""A virtual wallbox in tests of a central system: a pytest fixture, and the same without pytest. Nothing here is async.

    def test_a_session_is_billed(wallbox, my_backend):
        box = wallbox(my_backend.url, "CP1")                  # ws:// or wss://, without the identity
        box.do("plug", cable_a=32)
        box.do("tag", id="C0FFEE01")
        box.wait("connectors[0].status = Charging")
        box.play(Path("session.scn"))
        assert box.state()["online"]

    with Wallbox(url, "CP1", speed=100) as box: ...

The box is the real firmware in an interpreter of its own, and its time is simulated (`speed`); docs/control.md has the words and
the state. Installing pilotwire is all that the fixture needs: pytest finds it by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

try:
    import pytest
except ImportError:  # `Wallbox` needs none
    pytest = None

if TYPE_CHECKING:
    from pilotwire.player import Player
    from pilotwire.scenario import Step
    from pilotwire.sim import Supervisor

IDENTITY = "CP1"


class Wallbox:
    """A running virtual wallbox; everything is done in a thread of its own, and waits until it is done.

    Args:
        url: of the central system.
        identity: of the charger.
        state_dir: kept if given, so that a box can be started again; else a temporary one.
        settings: of the firmware, {"MeterValueSampleInterval": "10"}.
        root: certificates that it trusts for wss://, PEM or DER.
        options: further arguments of `pilotwire.sim.Supervisor`: speed (60), connectors, board.

    Attributes:
        events: all that happened, as `pilotwire.timeline.Event`s.

    Raises:
        PilotwireError: on entering, when it cannot be started; of every method, when something is refused or not reached.
    """

    def __init__(
        self,
        url: str,
        identity: str = IDENTITY,
        *,
        state_dir: Path | None = None,
        settings: dict[str, str] | None = None,
        root: Path | None = None,
        **options: Any,
    ):
        from pilotwire import arguments

        own = {"CentralSystemURL": arguments.csms_url(url), "ChargePointId": arguments.charger_id(identity)}
        self.identity, self.events = identity, []
        self._options: dict[str, Any] = {"speed": 60.0, "files": arguments.root_files(root)} | options
        self._options["settings"] = own | (settings or {})
        self._folder = tempfile.TemporaryDirectory(prefix="pilotwire-") if state_dir is None else None
        self._state_dir = Path(self._folder.name) if self._folder else state_dir
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wallbox {identity}", daemon=True)
        self._box: Supervisor | None = None

    def __enter__(self) -> Self:
        from pilotwire.sim import Supervisor

        self._thread.start()
        try:
            assert self._state_dir is not None
            box = Supervisor(self._state_dir, on_event=self.events.append, **self._options)
            self._do(box.__aenter__())
            self._box = box
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._box is not None:
            self._do(self._box.__aexit__())
            self._box = None
        self._end()

    def do(self, word: str, **fields: Any) -> dict[str, Any]:
        """Does one word of docs/control.md and returns what was answered."""
        return self._do(self._running.do(word, **fields))

    def state(self) -> dict[str, Any]:
        """Everything that is known of the box."""
        return self.do("state")

    def wait(self, what: str, timeout_s: float = 60) -> None:
        """Waits for a line such as `connectors[0].status = Charging`; `timeout_s` is simulated."""
        self._do(self._player().step(_line(f"wait {what} timeout_s={timeout_s}")))

    def expect(self, what: str) -> None:
        """The same must hold now."""
        self._do(self._player().step(_line(f"expect {what}")))

    def passes(self, seconds: float) -> None:
        """Simulated time passes."""
        self._do(self._player().step(_line(f"+{seconds} state")))

    def play(self, scenario: Path | str) -> None:
        """Plays a file, or the lines of a text; words for a central system of pilotwire's own are refused."""
        from pilotwire.scenario import parse

        named = isinstance(scenario, Path)
        steps = parse(scenario.read_text("utf-8") if named else scenario, scenario.name if named else "scenario")
        report = self._do(self._player().play(steps))
        if report.failed is not None:
            from pilotwire.errors import PilotwireError

            raise PilotwireError(f"line {report.failed.number}, {report.failed.text}", report.error)

    @property
    def _running(self) -> Supervisor:
        assert self._box is not None, "this wallbox does not run: use it in a `with`"
        return self._box

    def _player(self) -> Player:
        from pilotwire.player import Player

        return Player(self._running, None, self.identity)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._folder:
            self._folder.cleanup()


def _line(text: str) -> Step:
    from pilotwire.scenario import parse_line

    step = parse_line(text)
    assert step is not None
    return step


if pytest is not None:

    @pytest.fixture
    def wallbox() -> Iterator[Callable[..., Wallbox]]:
        """Starts virtual wallboxes, `wallbox(url, "CP1", speed=100)`, which end with the test."""
        with contextlib.ExitStack() as stack:
            yield lambda *args, **options: stack.enter_context(Wallbox(*args, **options))
