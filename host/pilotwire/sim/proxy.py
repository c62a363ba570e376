"""The network cable: the box reaches every peer through a listener on the loopback that can be cut.

Cut means: bytes stop in both directions, nothing is closed or reset, new connections and look-ups fail. What was
under way arrives when the link is back, as TCP would see to.
"""

import asyncio
import contextlib
import os
import select
import socket
import struct
from collections.abc import Callable

_CHUNK = 65536
_CONNECT_S = 10
_LOOK_S = 0.05


class Cable:
    """Proxies by (host, port). `tell(what, data)` gets what happens on it."""

    def __init__(self, tell: Callable[[str, dict], None]):
        self._tell = tell
        self._up = asyncio.Event()
        self._up.set()
        self._listeners: dict[tuple[str, int], tuple[int, asyncio.Server | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def up(self) -> bool:
        return self._up.is_set()

    async def set(self, up: bool) -> None:
        """Cut the cable, or mend it."""
        if up == self.up:
            return
        if up:
            self._up.set()
            for peer, (port, _) in list(self._listeners.items()):
                with contextlib.suppress(
                    OSError
                ):  # somebody took the port: the next look-up gives another
                    self._listeners[peer] = (port, await self._listen(peer, port))
            return
        self._up.clear()
        for peer, (port, server) in self._listeners.items():
            if server:
                server.close()
            self._listeners[peer] = (port, None)

    async def lookup(self, host: str, port: int) -> int:
        """Port on 127.0.0.1 that leads to host:port; -202 (EAI_FAIL of lwIP) for a name that is not found."""
        if not self.up:
            return -202
        try:
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, OverflowError):
            self._tell(f"{host} is not known", {"level": "warning"})
            return -202
        local, server = self._listeners.get((host, port), (0, None))
        if server is None:
            server = await self._listen((host, port), 0)
            local = server.sockets[0].getsockname()[1]
            self._listeners[host, port] = local, server
        return local

    async def _listen(self, peer: tuple[str, int], port: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._tasks.add(task)
            try:
                await self._serve(peer, reader, writer)
            except (asyncio.CancelledError, OSError):
                pass
            finally:
                self._tasks.discard(task)
                writer.transport.abort()

        return await asyncio.start_server(serve, "127.0.0.1", port, limit=_CHUNK)

    async def _serve(
        self, peer: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._up.wait()
        try:
            far_reader, far_writer = await asyncio.wait_for(
                asyncio.open_connection(*peer, limit=_CHUNK), _CONNECT_S
            )
        except (OSError, TimeoutError) as error:
            # The system's own words: asyncio's text repeats the address.
            number = error.errno if isinstance(error, OSError) else None
            why = os.strerror(number) if number and number > 0 else str(error) or "no answer"
            self._tell(f"no connection to {peer[0]}:{peer[1]}, {why.lower()}", {"level": "warning"})
            _reset(writer)
            return
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tell(f"connected to {peer[0]}:{peer[1]}", {})
        pumps = [
            asyncio.ensure_future(self._pump_from_box(reader, far_writer, writer)),
            asyncio.ensure_future(self._pump(far_reader, writer)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            if any(pump.exception() for pump in done):
                _reset(writer)
                _reset(far_writer)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            far_writer.transport.abort() if self._closing else far_writer.close()
        self._tell(f"connection to {peer[0]}:{peer[1]} closed", {})

    _closing = False

    async def _pump_from_box(
        self, reader: asyncio.StreamReader, far_writer: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        """As _pump. A box that closes its socket refuses what comes after, which the far end must learn: TLS waits for it."""
        await self._pump(reader, far_writer)
        poll = select.poll()
        poll.register(writer.get_extra_info("socket"), 0)  # errors and both ends closed are told whatever is asked
        while not (events := poll.poll(0)):
            await asyncio.sleep(_LOOK_S)
        await self._up.wait()
        if events[0][1] & select.POLLERR:
            raise ConnectionResetError

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await reader.read(_CHUNK)
            await self._up.wait()
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    async def drop(self) -> None:
        """End every connection, as the loss of the box's power does."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """End everything."""
        self._closing = True
        for _, server in self._listeners.values():
            if server:
                server.close()
        self._listeners.clear()
        await self.drop()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
