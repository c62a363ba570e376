"""One charger as the central system sees it: an identity, over all its connections.

A dispatcher of our own over plain frames, not `ocpp.v16.ChargePoint`: that one validates before
anybody sees the frame, answers every request exactly once, turns names into snake case and gives up
on garbage. Here wrong, late, double and missing answers are the point, and every frame is kept.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from pilotwire.csms import replies, schemas, words
from pilotwire.csms.frames import CALL, RESULT, Bounded, CallError, Frame, parse
from pilotwire.csms.order import Order
from pilotwire.csms.transactions import Book, Transaction
from pilotwire.errors import PilotwireError

if TYPE_CHECKING:
    from pilotwire.csms.server import CentralSystem


class Charger:
    """What one charger said and did, and the way to talk to it. Made by `CentralSystem` only.

    Attributes:
        id: its identity, percent-decoded.
        frames: `Frame`s in both directions, the oldest dropped (`frames.dropped` counts them).
        schema_errors: sentences, one for each frame of the charger that is not valid OCPP 1.6J.
        violations: sentences, one for each broken rule that no schema knows (ids, order).
        boots, meter_values, status_notifications: payloads of these requests as they came.
        statuses: connector -> its statuses in order.
        transactions: id -> `Transaction`; `book` has duplicates, refused and unknown ones.
        registration: status of our last BootNotification answer, None before the first.
        connections: how often it connected; `connected`: whether it is now.
        auth: (user, password bytes) of its last handshake, None without Basic auth.
        certificate: common name of the client certificate in it, None without.
    """

    def __init__(self, central: CentralSystem, identity: str, limit: int):
        self.central, self.id = central, identity
        self.frames: Bounded[Frame] = Bounded(limit)
        self.schema_errors: list[str] = Bounded(limit)
        self.violations: list[str] = Bounded(limit)
        self.boots: list[dict[str, Any]] = Bounded(limit)
        self.meter_values: list[dict[str, Any]] = Bounded(limit)
        self.status_notifications: list[dict[str, Any]] = Bounded(limit)
        self.statuses: dict[int, list[str]] = defaultdict(lambda: Bounded(limit))
        self.order = Order(limit)
        self.book = Book(central.new_transaction_id)
        self.registration: str | None = None
        self.auth: tuple[str, bytes] | None = None
        self.certificate: str | None = None
        self.connections = 0
        self._connection: ServerConnection | None = None
        self._waiting: dict[str, tuple[str, dict[str, Any], asyncio.Future[Any]]] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Future[None]] = set()

    # -- what a test or a person asks ------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a WebSocket is open now."""
        return self._connection is not None

    @property
    def transactions(self) -> dict[int, Transaction]:
        """Transaction id -> `Transaction`, in the order in which they were reported."""
        return self.book.by_id

    async def call(
        self, action: str, payload: dict[str, Any] | None = None, timeout: float = 30.0
    ) -> dict[str, Any]:
        """Sends a CALL and returns the payload of its answer. What is sent is not checked.

        Args:
            action: any string.
            payload: JSON object, empty if left out.
            timeout: real seconds.

        Raises:
            CallError: the charger answered by a CALLERROR.
            TimeoutError: no answer in time.
            PilotwireError: not connected, or the connection was lost meanwhile.
        """
        unique = str(uuid.uuid4())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[unique] = action, payload or {}, future
        self.order.triggered(str((payload or {}).get("requestedMessage", "")))
        try:
            await self.send(schemas.dumps([CALL, unique, action, payload or {}]), action=action)
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise TimeoutError(f"{self.id} did not answer {action} in {timeout} s") from None
        finally:
            self._waiting.pop(unique, None)
            if future.done() and not future.cancelled():
                future.exception()  # where sending has failed as well, nobody else asks for it

    async def wait_for(self, predicate: Callable[[Charger], Any], timeout: float = 30.0) -> Any:
        """Waits until `predicate(charger)` is true after some frame, and returns its value.

        Args:
            predicate: looked at now and after every frame and connection change.
            timeout: real seconds.

        Raises:
            TimeoutError: with the last frames in its text.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate(self)):
                    self._changed.clear()
                    await self._changed.wait()
                return value
        except TimeoutError:
            last = "".join(f"\n  {f.direction:3} {f.text!s:.200}" for f in self.frames[-6:])
            raise TimeoutError(
                f"{self.id} ({'' if self.connected else 'not '}connected) did not come to it "
                f"in {timeout} s; last frames:{last or ' none'}"
            ) from None

    async def send(self, raw: str | bytes, *, action: str = "") -> None:
        """Sends anything as one message, garbage too; bytes go as a binary message.

        Raises:
            PilotwireError: the charger is not connected.
        """
        connection = self._connection
        try:
            if connection is None:
                raise ConnectionError
            # Logged first: the answer may be read before `send` comes back.
            self._log(Frame(self.central.clock(), "out", raw, action))
            await connection.send(raw)
        except (ConnectionClosed, ConnectionError):
            raise PilotwireError(
                f"cannot talk to {self.id}", "it is not connected", "wait until it is"
            ) from None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection in good order; nothing happens without one."""
        if self._connection is not None:
            await self._connection.close(code, reason)

    def drop(self) -> None:
        """Cuts the connection at once, without a close frame, like a lost network."""
        if self._connection is not None:
            self._connection.transport.abort()

    # -- the connection --------------------------------------------------------------------------

    async def serve(self, connection: ServerConnection) -> None:
        """Reads one connection to its end; a newer one of the same identity replaces an older."""
        older, self._connection = self._connection, connection
        if older is not None:
            # A charger that came back knows better than we whether its old connection lives.
            older.transport.abort()
            self._abandon()
        self.connections += 1
        self.order.connected()
        self.tell(f"{self.id} connected", connected=True)
        try:
            async for message in connection:
                await self._receive(message)
        except ConnectionClosed:
            pass
        finally:
            if self._connection is connection:
                self._connection = None
                self._abandon()
                self.tell(f"{self.id} disconnected", connected=False)

    def _abandon(self) -> None:
        """Ends what waits for the connection that is gone: our calls, our late answers."""
        for action, _, future in self._waiting.values():
            if not future.done():
                future.set_exception(
                    PilotwireError(f"{action} was not answered", f"{self.id} went away")
                )
        for task in self._tasks:
            task.cancel()

    async def _receive(self, message: str | bytes) -> None:
        now = self.central.clock()
        try:
            if isinstance(message, bytes):
                raise ValueError("a binary message")
            kind, unique, rest = parse(schemas.loads(message))
        except (ValueError, RecursionError) as error:
            self._log(Frame(now, "in", message, error=self._bad(f"not an OCPP frame: {error}")))
            return
        if kind == CALL:
            await self._request(message, unique, rest[0], rest[1], now)
        else:
            self._answered(message, kind, unique, rest, now)

    def _answered(self, text: str, kind: int, unique: str, rest: list[Any], now: float) -> None:
        action, request, future = self._waiting.get(unique, ("", {}, None))
        error = ""
        if future is None:
            error = "an answer that nobody waits for"
        elif kind == RESULT:
            wrong = schemas.problem(RESULT, action, rest[0])
            error = self._bad(wrong[1]) if wrong else ""
        elif rest[0] not in schemas.ERROR_CODES or not isinstance(rest[2], dict):
            error = self._bad(f"{action}: CALLERROR with code {rest[0]!r}, details {rest[2]!r}")
        self._log(Frame(now, "in", text, action, error, kind, unique, rest[0]))
        if future is None or future.done():
            return
        said = words.answer(rest[0]) if kind == RESULT else rest[0]
        self.tell(
            f"{words.request(action, request)} -> {said}",
            action=action, request=request, answer=rest[0] if kind == RESULT else None,
        )  # fmt: skip
        if kind == RESULT:
            future.set_result(rest[0])
        else:
            future.set_exception(CallError(rest[0], str(rest[1]), rest[2]))

    async def _request(self, text: str, unique: str, action: str, payload: Any, now: float) -> None:
        ticks = asyncio.get_running_loop().time()
        for sentence in self.order.judge(unique, action, self.registration, ticks):
            self.violations.append(sentence)
        wrong = schemas.problem(CALL, action, payload)
        if wrong is None and action not in schemas.FROM_CHARGER:
            wrong = "NotSupported", f"{action} is not for a charger to send"
        error = self._bad(wrong[1]) if wrong else ""
        if not wrong:
            self._note(action, payload)
        self._log(Frame(now, "in", text, action, error, CALL, unique, payload))
        request = replies.Request(self, unique, action, payload)
        if wrong:
            await replies.reply(request, CallError(wrong[0], wrong[1][:255]))
        else:
            await replies.respond(request)

    # -- the notes -------------------------------------------------------------------------------

    def _note(self, action: str, payload: dict[str, Any]) -> None:
        if action == "BootNotification":
            self.boots.append(payload)
        elif action == "MeterValues":
            self.meter_values.append(payload)
        elif action == "StatusNotification":
            self.status_notifications.append(payload)
            self.statuses[payload["connectorId"]].append(payload["status"])

    def _bad(self, sentence: str) -> str:
        self.schema_errors.append(sentence)
        self.tell(sentence, level="error")
        return sentence

    def _log(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._changed.set()
        if self.central.on_frame is not None:
            self.central.on_frame(self, frame)

    def keep(self, task: asyncio.Future[None]) -> None:
        """Takes over a late answer: it ends with the connection."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell(self, what: str, **data: Any) -> None:
        """Passes an event of this charger on and wakes who waits for it."""
        self._changed.set()
        self.central.tell(what, charger=self.id, **data)
