"""How long the contactor takes to open: from the cause in the simulated world to the contacts, on the virtual clock.

    times = await opening.measure(box, events, "car opens S2", times=20)      ms each, one per opening
    ms = await opening.once(box, events, "rcd", seconds=0.3)             the box charges, and the cause comes in 0.3 s
    opening.CAUSES                                                       what can be asked for

The box must be running, with nothing plugged in at the connector. The cause comes at an exact millisecond, whatever the box
does then. What the chip's C code would cost counts as far as the virtual board charges for it. The contactor's own mechanics
are in it (`model.OPEN_MS`). A weld and a contactor that does not close are no causes: there is nothing that opens.
"""

from collections.abc import Callable

from pilotwire.errors import PilotwireError
from pilotwire.sim.model import OPEN_MS
from pilotwire.sim.supervisor import Supervisor
from pilotwire.sim.world import World
from pilotwire.timeline import Event

__all__ = ["CAUSES", "OPEN_MS", "measure"]

_TAG = "C0FFEE01"
_PHASE_MS = 7  # no multiple of the step's 20 ms: a cause comes at another place between two steps each time

# What happens in the world; a kind of fault is cleared afterwards.
FAULTS = ("rcd", "open_pe", "emergency", "tamper", "short", "diode", "temperature", "over_current", "meter", "cable")
CAUSES: dict[str, Callable[[World, int], None]] = {
    "car opens S2": lambda world, connector: world.wants(connector, False, at_once=True),
    "unplug": lambda world, connector: world.unplug(connector),
    **{kind: lambda world, connector, kind=kind: world.fault(connector, kind, True) for kind in FAULTS},
}


async def measure(
    box: Supervisor, events: list[Event], cause: str, times: int = 10, connector: int = 1, settle_ms: int = 5000
) -> list[int]:
    """Charge, let `cause` happen, and see when the contacts are open; as often as asked for.

    Args:
        box: a running box whose cable is free.
        events: what its `on_event` fills.
        cause: one of CAUSES; "unplug" needs a connector without a socket, as a lock would hold the plug.
        times: how often.
        connector: from 1.
        settle_ms: how long it charges before the cause.

    Returns:
        ms from the cause to the contacts, each including OPEN_MS of mechanics.

    Raises:
        PilotwireError: it did not open within 10 s, or did not charge.
    """
    found = []
    for n in range(times):
        await charge(box, connector)
        found.append(await once(box, events, cause, connector, (settle_ms + n * _PHASE_MS) / 1000))
        await recover(box, cause, connector)
    return found


async def charge(box: Supervisor, connector: int = 1) -> None:
    """Plug, tag, and until the contacts are closed."""
    await box.do("plug", connector=connector)
    await _until(box, connector, status="Preparing")
    await box.do("tag", id=_TAG)
    await _until(box, connector, status="Charging", closed=True)


async def once(box: Supervisor, events: list[Event], cause: str, connector: int = 1, seconds: float = 0.0) -> int:
    """ms from the cause, which comes in so many seconds, to the contacts."""
    begin = len(events)
    begun: list[int] = []

    def act() -> None:
        begun.append(box.time_ms)
        CAUSES[cause](box.world, connector)

    box.world.later(seconds, act)
    await _until(box, connector, closed=False)
    opened = [e.time_ms for e in events[begin:] if e.who == "contactor" and e.what == "opens"]
    if not opened:
        raise PilotwireError("the contactor's times cannot be told", "the box's on_event does not fill the list")
    if not begun:
        raise PilotwireError("the contactor opened before its cause", f"that was to be {cause}")
    return opened[0] - begun[0]


async def recover(box: Supervisor, cause: str, connector: int = 1) -> None:
    """What broke is repaired, and the car goes."""
    if cause in FAULTS:
        await box.do("clear", connector=connector, kind=cause)
        await _pass(box, 2000)
        await box.do("button", seconds=4)  # what latches may go
        await _pass(box, 8000)
    state = box.state()["connectors"][connector - 1]
    if state["transaction"] and state["plugged"]:  # one that was unplugged ends by itself
        await box.do("tag", id=_TAG)
    if state["plugged"]:
        await _until(box, connector, locked=False, closed=False, transaction=None)
        await box.do("unplug", connector=connector)
    await _until(box, connector, status="Available")


async def _until(box: Supervisor, connector: int, **fields: object) -> None:
    wanted: list[dict[str, object]] = [{}] * (connector - 1) + [fields]
    await box.do("wait", until={"connectors": wanted}, timeout_s=60)


async def _pass(box: Supervisor, ms: int) -> None:
    await box.do("wait", until={"time_ms": {">=": box.time_ms + ms}}, timeout_s=ms / 1000 + 10)
