"""The relay as a whole: its servers, and the task that passes on what they took in."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable

import uvicorn
from obstore.exceptions import BaseError

from pilotwire.errors import PilotwireError
from pilotwire.relay.desk import Desk
from pilotwire.relay.ftp import Server as FtpServer
from pilotwire.relay.metrics import Metrics
from pilotwire.relay.options import Options
from pilotwire.relay.spool import Entry, Spool
from pilotwire.relay.store import Store, first_line
from pilotwire.relay.web import application
from pilotwire.timeline import Event

_FIRST_WAIT_S, _LAST_WAIT_S = 1.0, 60.0


class Relay:
    """See the package.

    Args:
        options: what it does and where.
        on_event: called with an `Event` for each line of the log, in the loop's thread.

    Attributes:
        http_url, ftp_url, ftps_url: where it listens, None where it does not.
        metrics, desk: counters; what comes in now.
    """

    def __init__(self, options: Options, on_event: Callable[[Event], None] = lambda event: None):
        self.options = options
        self.http_url: str | None = None
        self.ftp_url: str | None = None
        self.ftps_url: str | None = None
        self.metrics = Metrics()
        self._on_event = on_event
        self._began = time.monotonic()

    async def __aenter__(self) -> "Relay":
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.Event()
        self._passed = asyncio.Condition()
        self._stack = contextlib.AsyncExitStack()
        options = self.options
        try:
            if options.files is not None:
                options.files.mkdir(parents=True, exist_ok=True)
            self.store = Store(options.to, options.store)
            self.spool = Spool(options.spool, options.quota)
            self._stack.callback(self.spool.close)
            self.desk = Desk(options, self.spool, self.metrics, self._tell, self._came)
            await self._stack.enter_async_context(self._passing_on())
            if options.ftp_port is not None:
                self.ftp_url = self._serve_ftp("ftp", options.ftp_port, "e" if options.certificate else "")
            if options.ftps_port is not None:
                if not options.certificate:
                    raise PilotwireError("FTPS needs a certificate", "", "give --certificate and --key")
                self.ftps_url = self._serve_ftp("ftpis", options.ftps_port, "i")
            if options.http_port is not None:
                await self._serve_http(options.http_port)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def passed_on(self, files: int) -> None:
        """Waits until the store has taken so many files since the start, and nothing waits any more."""
        async with self._passed:
            await self._passed.wait_for(
                lambda: self.metrics.value("passed_on_total") >= files and not self.spool.waiting()
            )

    # -- servers

    def _serve_ftp(self, scheme: str, port: int, tls: str) -> str:
        server = FtpServer(self.desk, port, tls)
        self._stack.push_async_callback(asyncio.to_thread, server.close)
        self._say(f"FTP on port {server.port}" + {"": "", "e": ", TLS on demand", "i": ", TLS at once"}[tls], {})
        return f"{scheme}://{self.options.host}:{server.port}"

    async def _serve_http(self, port: int) -> None:
        options = self.options
        config = uvicorn.Config(
            application(self.desk),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )
        try:
            listener = socket.create_server((options.host, port))
            server = uvicorn.Server(config)
            config.load()
        except OSError as error:
            raise PilotwireError(f"cannot serve HTTP on port {port}", error.strerror or str(error))
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        loop = asyncio.create_task(server.main_loop())

        async def stop() -> None:
            server.should_exit = True
            await loop
            await server.shutdown(sockets=[listener])

        self._stack.push_async_callback(stop)
        scheme = "https" if options.certificate else "http"
        self.http_url = f"{scheme}://{options.host}:{listener.getsockname()[1]}"
        self._say(f"{scheme.upper()} on port {listener.getsockname()[1]}", {})

    # -- passing on

    @contextlib.asynccontextmanager
    async def _passing_on(self):
        task = asyncio.create_task(self._pass_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _pass_on(self) -> None:
        wait = _FIRST_WAIT_S
        while True:
            self._work.clear()
            failed = False
            for entry in await asyncio.to_thread(self.spool.waiting):
                try:
                    await self._pass(entry)
                    wait = _FIRST_WAIT_S
                except (BaseError, OSError) as error:
                    failed = True
                    self.metrics.count("failures_total")
                    text = f"the store does not take {entry.key}, again in {wait:g} s: {first_line(error)}"
                    self._say(text, {"key": entry.key, "level": "warning"})
                    break  # what ails one ails all of them
            with contextlib.suppress(TimeoutError):
                # New files do not cut a wait short that is there for the store.
                async with asyncio.timeout(wait if failed else None):
                    await (asyncio.Event() if failed else self._work).wait()
            wait = min(wait * 2, _LAST_WAIT_S) if failed else _FIRST_WAIT_S

    async def _pass(self, entry: Entry) -> None:
        key = await self.store.put(entry.key, entry.file)
        await asyncio.to_thread(self.spool.done, entry)
        self.metrics.count("passed_on_total")
        self._say(f"{key} is in the store", {"key": key})
        async with self._passed:
            self._passed.notify_all()

    # -- log

    def _tell(self, what: str, data: dict) -> None:
        self._loop.call_soon_threadsafe(self._say, what, data)

    def _say(self, what: str, data: dict) -> None:
        self._on_event(Event(int((time.monotonic() - self._began) * 1000), "relay", what, data))

    def _came(self) -> None:
        self._loop.call_soon_threadsafe(self._work.set)
