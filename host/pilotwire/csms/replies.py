"""How one valid request of a charger is answered: hook or default, now or late, book, frame.

An answer that is late runs in a task of its own, so that it never holds up the frames that come
meanwhile; answers without delay leave in the order of their requests.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pilotwire.csms import answers, words
from pilotwire.csms.frames import ERROR, RESULT, CallError
from pilotwire.csms.schemas import dumps
from pilotwire.csms.transactions import Transaction
from pilotwire.errors import PilotwireError

if TYPE_CHECKING:
    from pilotwire.csms.charger import Charger

_REGISTRATIONS = ("Accepted", "Pending", "Rejected")


@dataclass
class Request:
    """A CALL of the charger; `transaction` is what a StartTransaction was written down as."""

    charger: Charger
    id: str
    action: str
    payload: Any
    transaction: Transaction | None = None


async def respond(request: Request) -> None:
    """Answers a valid request by its hook or by default."""
    charger, central = request.charger, request.charger.central
    if request.action == "StartTransaction":
        # Before the answer, since a lost answer does not undo what the central system knows.
        request.transaction = charger.book.start(request.payload)
    delay = central.delay
    seconds = delay(charger, request.action, request.payload) if callable(delay) else delay
    hook = central.answer.get(request.action)
    try:
        if hook is not None:
            result = hook(charger, request.payload)
        else:
            result = answers.default(charger, request.action, request.payload)
    except Exception as error:
        result = _failed(request, error)
    if seconds > 0 or inspect.isawaitable(result):
        charger.keep(asyncio.ensure_future(_later(request, seconds, result)))
    else:
        await _decided(request, result)


async def _later(request: Request, seconds: float, result: Any) -> None:
    await asyncio.sleep(seconds)
    if inspect.isawaitable(result):
        try:
            result = await result
        except Exception as error:
            result = _failed(request, error)
    await _decided(request, result)


def _failed(request: Request, error: Exception) -> CallError:
    """A hook may raise CallError; anything else is its mistake, shown and answered as such."""
    if isinstance(error, CallError):
        return error
    request.charger.central.hook_errors.append(error)
    request.charger.tell(
        f"the hook for {request.action} failed: {error!r}", level="error",
        traceback=traceback.format_exception(error),
    )  # fmt: skip
    return CallError("InternalError", "the answer hook failed")


async def _decided(request: Request, result: Any) -> None:
    """Writes the book by the answer, then sends it."""
    book = request.charger.book
    refused = isinstance(result, CallError)
    given = result.get("transactionId") if isinstance(result, dict) else None
    if request.transaction is not None:
        if refused:
            book.refuse(request.transaction, request.payload)
        elif type(given) is int:
            book.renumber(request.transaction, given)
    elif request.action == "StopTransaction" and not refused:
        book.stop(request.payload)
    elif request.action == "MeterValues" and not refused:
        book.meter_values(request.payload)
    elif request.action == "BootNotification" and isinstance(result, dict) and result.get("status") in _REGISTRATIONS:
        request.charger.registration = result["status"]  # one that is none leaves the charger as it was
    await reply(request, result)


async def reply(request: Request, result: Any) -> None:
    """Sends an answer: a payload, a `CallError`, or nothing for None."""
    charger = request.charger
    if isinstance(result, CallError):
        said = result.code
        frame = [ERROR, request.id, result.code, result.description, result.details]
    else:
        said = "no answer" if result is None else words.answer(result)
        frame = [RESULT, request.id, result]
    charger.tell(
        f"{words.request(request.action, request.payload)} -> {said}",
        action=request.action, request=request.payload,
        answer=result if isinstance(result, dict) else None,
    )  # fmt: skip
    if result is None:
        return
    charger.order.answered(request.id)
    with suppress(PilotwireError):  # Gone before the answer: it will ask again.
        await charger.send(dumps(frame), action=request.action)
