"""What is kept of the traffic: frames, bounded lists, and the error that travels as CALLERROR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pilotwire.errors import PilotwireError

CALL, RESULT, ERROR = 2, 3, 4
_LENGTHS = {CALL: 4, RESULT: 3, ERROR: 5}

T = TypeVar("T")


class CallError(PilotwireError):
    """A CALLERROR: raised by `Charger.call`, returned by an answer hook to send one.

    Args:
        code: wire code, such as `NotSupported` (sent as it is, even a wrong one).
        description: at most 255 characters on the wire, may be empty.
        details: any JSON object.
    """

    def __init__(self, code: str, description: str = "", details: dict | None = None):
        super().__init__(f"the call was answered by {code}", description)
        self.code, self.description, self.details = code, description, details or {}


@dataclass(frozen=True)
class Frame:
    """One message on the wire.

    `time` is UTC in seconds by the central system's clock; `direction` is "in" (from the charger)
    or "out"; `text` is the frame as it was, bytes if it was binary; `type` is 2, 3, 4 or None when
    it could not be read; `action` of a result or error is that of its CALL, "" when unknown;
    `error` says what is wrong with it, "" when nothing is.
    """

    time: float
    direction: str
    text: str | bytes
    action: str = ""
    error: str = ""
    type: int | None = None
    id: str = ""
    payload: Any = None


def parse(message: Any) -> tuple[int, str, list[Any]]:
    """Takes a frame apart into (type, id, rest); the rest begins with action, payload or code.

    Args:
        message: any JSON value.

    Raises:
        ValueError: it has not the form of a CALL, CALLRESULT or CALLERROR.
    """
    if not isinstance(message, list) or len(message) < 2:
        raise ValueError("not a list of a type, an id and more")
    kind, unique, *rest = message
    if type(kind) is not int or kind not in _LENGTHS:
        raise ValueError(f"message type {kind!r}")
    if not isinstance(unique, str):
        raise ValueError("the id is not a string")
    if len(message) != _LENGTHS[kind]:
        raise ValueError(f"{len(message)} elements in a message of type {kind}")
    if kind != RESULT and not isinstance(rest[0], str):
        raise ValueError("the action or error code is not a string")
    return kind, unique, rest


class Bounded(list[T]):
    """A list that forgets its oldest tenth when it would pass `limit`; `dropped` counts the lost.

    Only `append` is bounded: it is the only way in which the central system adds.
    """

    def __init__(self, limit: int = 10_000):
        super().__init__()
        self.limit, self.dropped = max(limit, 10), 0

    def append(self, item: T) -> None:
        if len(self) >= self.limit:
            oldest = self.limit // 10
            del self[:oldest]
            self.dropped += oldest
        super().append(item)
