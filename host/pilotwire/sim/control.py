"""The control socket: JSON lines on the loopback, several clients, each request answered by one line.

Requests of one client are answered as they are done: one that waits does not hold up the next, `id` tells them apart.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from pilotwire.errors import PilotwireError
from pilotwire.sim import words

MAX_LINE = 65536
_MAX_PENDING = 64


class Control:
    """Serves `do(request) -> answer`; `do` raises PilotwireError (its `state`, if any, is in the answer)."""

    def __init__(self, do: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]):
        self._do = do
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address."""
        try:
            self._server = await asyncio.start_server(self._client, host, port, limit=MAX_LINE)
        except OSError as error:
            raise PilotwireError(
                f"cannot listen on {host}:{port}",
                (error.strerror or str(error)).lower(),
                "choose another --control",
            ) from None
        return self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._server:
            self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me
        self._clients.add(me)
        pending: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.IncompleteReadError as end:
                    if not end.partial.strip():
                        break
                    line = end.partial
                except asyncio.LimitOverrunError:
                    _send(writer, None, error=f"a line has at most {MAX_LINE} bytes")
                    await writer.drain()
                    await _skip_line(reader)
                    continue
                if not line.strip():
                    continue
                if len(pending) >= _MAX_PENDING:
                    await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.ensure_future(self._answer(line, writer))
                pending.add(task)
                task.add_done_callback(pending.discard)
                await asyncio.sleep(
                    0
                )  # a word that need not wait is done before the next one is read
            if pending:
                await asyncio.wait(pending)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for task in pending:
                task.cancel()
            self._clients.discard(me)
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            _send(writer, None, error=f"this line is not JSON, {error}")
            return
        try:
            words.check(request)
            answer = await self._do(request)
            _send(writer, request, **answer)
        except words.NotReached as error:
            _send(writer, request, error=str(error), state=error.state)
        except PilotwireError as error:
            _send(writer, request, error=str(error))
        with contextlib.suppress(ConnectionError):
            await writer.drain()


async def _skip_line(reader: asyncio.StreamReader) -> None:
    while True:
        try:
            await reader.readuntil(b"\n")
            return
        except asyncio.LimitOverrunError as over:
            await reader.readexactly(max(over.consumed, 1))


def _send(writer: asyncio.StreamWriter, request: Any, error: str = "", **more: Any) -> None:
    answer: dict[str, Any] = {"ok": not error}
    if isinstance(request, dict) and "id" in request:
        answer["id"] = request["id"]
    if error:
        answer["error"] = error
    if not writer.transport.is_closing():
        writer.write(json.dumps({**answer, **more}).encode() + b"\n")
