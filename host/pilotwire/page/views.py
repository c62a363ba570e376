"""What the page shows of chargers, messages and events: small JSON objects."""

from __future__ import annotations

import json
import time
from typing import Any

from pilotwire.csms import Charger, Frame
from pilotwire.csms.frames import CALL
from pilotwire.timeline import EventLike, level_of

_MOST_TEXT = 16_384
_MOST_PENDING = 200


def charger(known: Charger) -> dict[str, Any]:
    """What the central system knows of a charger; cheap, since it is asked for after every message."""
    boot = known.boots[-1] if known.boots else {}
    book = list(known.transactions.values())[-50:]
    return {
        "connected": known.connected,
        "registration": known.registration,
        "model": " ".join(str(boot[k]) for k in ("chargePointVendor", "chargePointModel") if k in boot),
        "firmware": boot.get("firmwareVersion"),
        # Keys of JSON are text.
        "statuses": {str(k): statuses[-1] for k, statuses in sorted(known.statuses.items()) if statuses},
        "transactions": {
            str(t.id): {"connector": t.connector, "tag": t.tag, "start_time": t.start_time, "energy_wh": t.energy_wh,
                        "reason": t.reason, "running": t.running, "starts": t.starts, "stops": t.stops}
            for t in book
        },
        "count": len(known.transactions),
        "messages": len(known.frames) + known.frames.dropped,
        "schema_errors": len(known.schema_errors),
        "violations": len(known.violations),
        "connections": known.connections,
    }  # fmt: skip


def connectors(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a box with its connectors by number: lists do not go into patches piece by piece."""
    return {**state, "connectors": {str(c.get("number", k + 1)): c for k, c in enumerate(state["connectors"])}}


def event(identity: str, happened: EventLike) -> dict[str, Any]:
    """A line of a box's timeline."""
    return {
        "box": identity, "time_ms": happened.time_ms, "who": happened.who, "what": happened.what[:1000],
        "level": level_of(happened),
    }  # fmt: skip


class Messages:
    """Makes lines of the message log of frames; answers are matched with their calls, for action and latency."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, str], tuple[float, str]] = {}

    def entry(self, sender: Charger, frame: Frame) -> dict[str, Any]:
        """The line for a frame: charger, time (UTC seconds), direction, type, id, action, text, error, latency_ms."""
        text = frame.text if isinstance(frame.text, str) else frame.text.hex(" ")
        kind, unique = _head(text)
        latency_ms = None
        if kind == CALL:
            self._open[sender.id, frame.direction, unique] = time.monotonic(), frame.action
            while len(self._open) > _MOST_PENDING:
                del self._open[next(iter(self._open))]
        elif kind is not None:
            asked = "in" if frame.direction == "out" else "out"
            called = self._open.pop((sender.id, asked, unique), None)
            if called is not None:
                latency_ms = round((time.monotonic() - called[0]) * 1000, 1)
        more = len(text) - _MOST_TEXT
        return {
            "charger": sender.id, "time": round(frame.time, 3), "direction": frame.direction, "type": kind, "id": unique,
            "action": frame.action, "text": text[:_MOST_TEXT], "more": max(more, 0), "error": frame.error,
            "latency_ms": latency_ms,
        }  # fmt: skip


def _head(text: str) -> tuple[int | None, str]:
    """(type, id) of a frame, (None, "") when it is none."""
    try:
        message = json.loads(text)
        kind, unique = message[:2]
    except (ValueError, RecursionError, TypeError):
        return None, ""
    return (kind, unique) if kind in (2, 3, 4) and isinstance(unique, str) else (None, "")
