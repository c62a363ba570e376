"""How long the contactor takes to open: from the cause in the simulated world to the contacts, on the virtual clock.

    times = await opening.measure(box, events, "car opens S2", times=20)      ms each, one per opening
    ms = await opening.once(box, events, "rcd", seconds=0.3)             the box charges, and the cause comes in 0.3 s
    opening.CAUSES                                                       what can be asked for

The box must be running, with nothing plugged in at the connector. What the chip's C code would cost counts as far as the
virtual board charges for it. The contactor's own mechanics are in it (`model.OPEN_MS`).
"""

from collections.abc import Callable

from pilotwire.errors import PilotwireError
from pilotwire.sim.model import OPEN_MS
from pilotwire.sim.supervisor import Supervisor
from pilotwire.timeline import Event

__all__ = ["CAUSES", "OPEN_MS", "measure"]

_TAG = "C0FFEE01"

Word = tuple[str, dict[str, str | bool]]


def _fault(kind: str) -> tuple[Word, Word]:
    return ("fault", {"kind": kind}), ("clear", {"kind": kind})


# Words that open it, and those that make it good again.
CAUSES: dict[str, tuple[Word, Word | None]] = {
    "car opens S2": (("pause", {"at_once": True}), None),
    "unplug": (("unplug", {}), None),
    **{kind: _fault(kind) for kind in ("rcd", "open_pe", "emergency", "tamper", "short", "diode", "temperature")},
    **{kind: _fault(kind) for kind in ("over_current", "meter")},
}


async def measure(box: Supervisor, events: list[Event], cause: str, times: int = 10, connector: int = 1) -> list[int]:
    """Charge, let `cause` happen, and see when the contacts are open; as often as asked for.

    Args:
        box: a running box whose cable is free.
        events: what its `on_event` fills.
        cause: one of CAUSES; "unplug" needs a connector without a socket, as a lock would hold the plug.
        times: how often.
        connector: from 1.

    Returns:
        ms from the cause to the contacts, each including OPEN_MS of mechanics.

    Raises:
        PilotwireError: it did not open within 10 s, or did not charge.
    """
    found = []
    for n in range(times):
        await charge(box, connector)
        await _pass(box, 5000 + n * 7)  # another place between two steps each time
        found.append(await once(box, events, cause, connector))
        await recover(box, cause, connector)
    return found


async def charge(box: Supervisor, connector: int = 1) -> None:
    """Plug, tag, and until the contacts are closed."""
    await box.do("plug", connector=connector)
    await _until(box, connector, status="Preparing")
    await box.do("tag", id=_TAG)
    await _until(box, connector, status="Charging", closed=True)


async def once(
    box: Supervisor, events: list[Event], cause: str, connector: int = 1, seconds: float = 0.0
) -> int:
    """ms from the cause, which comes in so many seconds, to the contacts; "unplug" comes at once."""
    begin = len(events)
    word, fields = CAUSES[cause][0]
    later = {"seconds": seconds} if seconds else {}
    await box.do(word, connector=connector, **fields, **later)
    await _until(box, connector, closed=False)
    return _when(events[begin:], _is_open) - _when(events[begin:], _starts(cause))


async def recover(box: Supervisor, cause: str, connector: int = 1) -> None:
    """What broke is repaired, and the car goes."""
    repair = CAUSES[cause][1]
    if repair:
        await box.do(repair[0], connector=connector, **repair[1])
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


def _starts(cause: str) -> Callable[[Event], bool]:
    if cause == "car opens S2":
        return lambda event: event.who == "car" and event.what == "opens S2"
    if cause == "over_current":
        return lambda event: event.who == "pilot"  # X1: the firmware has seen enough
    if cause == "unplug":
        return lambda event: event.what == "unplugs"
    return lambda event: event.what == f"causes fault {cause}"


def _is_open(event: Event) -> bool:
    return event.who == "contactor" and event.what == "opens"


def _when(events: list[Event], wanted: Callable[[Event], bool]) -> int:
    for event in events:
        if wanted(event):
            return event.time_ms
    raise PilotwireError("the contactor's times cannot be told", "the box's on_event does not fill the list")


async def _until(box: Supervisor, connector: int, **fields: object) -> None:
    wanted: list[dict[str, object]] = [{}] * (connector - 1) + [fields]
    await box.do("wait", until={"connectors": wanted}, timeout_s=60)


async def _pass(box: Supervisor, ms: int) -> None:
    await box.do("wait", until={"time_ms": {">=": box.time_ms + ms}}, timeout_s=ms / 1000 + 10)
