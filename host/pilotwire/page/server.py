"""HTTP and WebSocket of the bench page: static files, the forms, and one live connection per reader.

The live connection carries JSON. To the page: {"tree": merge patch, "messages": [...], "events": [...], "samples": {...} at
first} and {"re": n, "ok": ..., "answer" or "error"}. From it: {"n", "word", "box", "fields"}, {"n", "record": identity or null},
{"n", "bundle": version}, {"n", "diagnostics": file}.

Whoever reaches the page can do everything with the bench. So it listens on this machine only, and answers only to its own name
and its own pages (no other site may use a visitor's browser to get here); anywhere else it wants the token in its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from http.cookies import SimpleCookie
from importlib.resources import files
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from pilotwire.errors import PilotwireError
from pilotwire.page import forms
from pilotwire.page.bench import Bench
from pilotwire.page.patch import difference
from pilotwire.timeline import Event

PORT = 8180
_COOKIE = "pilotwire"
_MOST_ORDERS = 32
_MOST_BYTES = 1 << 20
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class PageServer:
    """Serves a bench; `async with` listens.

    Args:
        bench: what is to be seen.
        host: address to listen on; one that others can reach makes a token.
        port: TCP port; None is 8180, or any free one if that is taken.
        token: in place of a random one.

    Raises:
        PilotwireError: on entering, when the port cannot be had.
    """

    def __init__(self, bench: Bench, host: str = "127.0.0.1", port: int | None = None, token: str | None = None):
        self.bench, self.host, self._port = bench, host, port
        self.port = port or 0
        self.token = token or (None if _is_loopback(host) else secrets.token_urlsafe(16))
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def url(self) -> str:
        """Where the page is; with the token, if there is one."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    async def __aenter__(self) -> Self:
        listener = self._listen()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            _Guard(application(self.bench), self.port, self.token),
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=_MOST_BYTES,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._tasks = [
            asyncio.ensure_future(self._server.serve([listener])),
            asyncio.ensure_future(self.bench.run()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        serving, looking = self._tasks
        looking.cancel()
        await asyncio.gather(serving, looking, return_exceptions=True)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        tries = [PORT, 0] if self._port is None else [self._port]
        for port in tries:
            try:
                return socket.create_server((self.host, port), family=family)
            except OSError as error:
                if port == tries[-1]:
                    why = (error.strerror or str(error)).lower()
                    raise PilotwireError(
                        f"the page cannot listen on {self.host}:{port}", why, "choose another --page HOST:PORT"
                    ) from None
        raise AssertionError


@contextlib.asynccontextmanager
async def served(
    bench: Bench, where: tuple[str, int | None] | None, on_event: Callable[[Event], Any]
) -> AsyncIterator[PageServer | None]:
    """The page of a command: says its address as an event, so that people and programs read it; nothing for `where` None."""
    if where is None:
        yield None
        return
    async with PageServer(bench, *where) as page:
        on_event(Event(0, "page", page.url, {"url": page.url}))
        yield page


class _Server(uvicorn.Server):
    """uvicorn without its hands on SIGINT and SIGTERM: those end the command, and the command ends this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def application(bench: Bench) -> Starlette:
    """The ASGI application, without its guard."""
    static = files("pilotwire.page") / "static"

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        with bench.watched(), contextlib.suppress(WebSocketDisconnect):
            await _Reader(bench, socket).serve()

    async def index(_request: Request) -> Response:
        return Response((static / "index.html").read_bytes(), media_type="text/html")

    async def all_forms(_request: Request) -> Response:
        return JSONResponse({**forms.everything(), "depot": bench.depot is not None})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/forms.json", all_forms),
            WebSocketRoute("/live", live),
            Mount("/static", StaticFiles(directory=str(static))),
        ]
    )


class _Guard:
    """Who may come in: ASGI middleware before everything else."""

    def __init__(self, app: ASGIApp, port: int, token: str | None):
        self._app, self._token = app, token
        self._names = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refused = self._refuses(scope, headers)
        if refused is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": "not allowed"})
        else:
            await refused(scope, receive, send)

    def _refuses(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self._token is None:
            if host not in self._names:
                return PlainTextResponse("this page is for 127.0.0.1 and localhost only\n", 421)
        else:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if scope["type"] == "http" and scope["path"] == "/" and self._is_token(given):
                # Out of the address bar and of the history's way, into a cookie that scripts cannot read.
                response = RedirectResponse("/", 303)
                response.set_cookie(_COOKIE, given, httponly=True, samesite="strict")
                return response
            cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
            if cookie is None or not self._is_token(cookie.value):
                return PlainTextResponse("open the page by the address that pilotwire printed: it has a token\n", 403)
        origin = headers.get("origin")
        # Only a browser sends an origin, and only it can be misled by another site.
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("not from another site\n", 403)
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def _with_headers(send: Send) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in _HEADERS.items())]
        await send(message)

    return sending


class _Reader:
    """One open page: what it is shown, and what it asks for."""

    def __init__(self, bench: Bench, socket: WebSocket):
        self._bench, self._socket = bench, socket
        self._orders: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until it goes away."""
        showing = asyncio.ensure_future(self._show())
        try:
            while True:
                order = await self._socket.receive_json()
                if len(self._orders) >= _MOST_ORDERS:
                    await asyncio.wait(self._orders, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.ensure_future(self._carry_out(order))
                self._orders.add(task)
                task.add_done_callback(self._orders.discard)
        except (ValueError, KeyError):
            await self._socket.close(1003)  # not JSON: no page of ours
        finally:
            for task in [showing, *self._orders]:
                task.cancel()
            await asyncio.gather(showing, *self._orders, return_exceptions=True)

    async def _show(self) -> None:
        bench, tree = self._bench, {}
        bench.look()
        messages = events = 0
        more: dict[str, Any] = {"samples": bench.history()}
        while True:
            if patch := difference(tree, bench.tree):
                more["tree"] = patch
            if lines := bench.messages.since(messages):
                more["messages"] = lines
            if lines := bench.events.since(events):
                more["events"] = lines
            tree, messages, events = bench.tree, bench.messages.last, bench.events.last
            if more:
                await self._send(more)
            more = {}
            await bench.next_look()

    async def _carry_out(self, order: Any) -> None:
        number = order.get("n") if isinstance(order, dict) else None
        try:
            answer = {"ok": True, "answer": await self._do(order)}
        except (PilotwireError, TimeoutError) as error:
            answer = {"ok": False, "error": str(error)}
        await self._send({"re": number, **answer})

    async def _do(self, order: Any) -> Any:
        if isinstance(order, dict) and "record" in order:
            if order["record"] is None:
                return self._bench.recorded()
            return self._bench.record(str(order["record"]))
        depot = self._bench.depot
        if isinstance(order, dict) and depot is not None:
            if "bundle" in order:
                return await depot.bundle(str(order["bundle"]))
            if "diagnostics" in order:
                return depot.diagnostics(str(order["diagnostics"]))
        try:
            word, box, fields = str(order["word"]), str(order["box"]), dict(order.get("fields") or {})
        except (KeyError, TypeError, ValueError, AttributeError):
            raise PilotwireError("this is no order", "it has word, box and fields, or record") from None
        return await self._bench.do(box, word, fields)

    async def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(json.dumps(message, separators=(",", ":"), default=str))
