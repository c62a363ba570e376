"""The listening side of the central system: handshake, identities, what it answers to whom."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import ssl as tls
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pilotwire.csms.answers import Payload
from pilotwire.csms.charger import Charger
from pilotwire.csms.frames import Frame
from pilotwire.csms.mischief import Mischief
from pilotwire.errors import PilotwireError
from pilotwire.timeline import Event

Hook = Callable[[Charger, Payload], Any]


class CentralSystem:
    """A central system of OCPP 1.6J on one port; `async with` listens.

    Args:
        host: address to listen on.
        port: TCP port, 0 for any free one (see `url`).
        accept: identity -> False refuses the handshake with 404; an int is the HTTP status instead.
        on_event: called with an `Event` for all that happens; must not block.
        clock: UTC in seconds since 1970, for answers and events; simulated time if you have one.
        ssl: a server's `ssl.SSLContext` makes it wss; with `verify_mode` and a CA it asks for client certificates.
        frames: how many frames (and payloads of a kind) are kept for each charger.

    Attributes, to be changed at any time:
        tags: tag -> idTagInfo, in any case; a tag that is not in it is Accepted.
        registration, interval: the answer to BootNotification, interval in seconds.
        answer: action -> callable(charger, payload) -> payload dict, `CallError`, None for no
            answer, or an awaitable of these.
        delay: real seconds before each answer, or callable(charger, action, payload) -> seconds.
        subprotocol: what the handshake answers; None for none. The offer must hold ocpp1.6 always.
        passwords: identity -> password (bytes or str) for Basic auth.
        password: of all who are not in `passwords`; None asks them for none. Who shows a client certificate needs no password.
        chargers: identity -> `Charger`, kept when they disconnect.
        refused: (identity, HTTP status) of handshakes that were refused.
        hook_errors: what answer hooks raised, other than `CallError`.
        on_frame: called with (charger, `Frame`) for every message in either direction; must not block.
        mischief: answers that are late, wrong or missing, by name (see `csms.mischief`).

    Raises:
        PilotwireError: on entering, when the port cannot be had.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        accept: Callable[[str], bool | int] | None = None,
        on_event: Callable[[Event], None] | None = None,
        clock: Callable[[], float] = time.time,
        ssl: tls.SSLContext | None = None,
        frames: int = 10_000,
    ):
        self.host, self.port = host, port
        self.accept, self.on_event, self.clock = accept, on_event, clock
        self.tags: dict[str, Payload] = {}
        self.registration = "Accepted"
        self.interval = 300
        self.answer: dict[str, Hook] = {}
        self.delay: float | Callable[[Charger, str, Payload], float] = 0.0
        self.subprotocol: str | None = "ocpp1.6"
        self.passwords: dict[str, str | bytes] = {}
        self.password: str | bytes | None = None
        self.chargers: dict[str, Charger] = {}
        self.refused: list[tuple[str, int]] = []
        self.hook_errors: list[Exception] = []
        self.on_frame: Callable[[Charger, Frame], None] | None = None
        self.mischief = Mischief(self)
        self._ssl, self._frames = ssl, frames
        self._server: Server | None = None
        self._ids = itertools.count(1)
        self._started = clock()
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        """What a charger is given: `ws://127.0.0.1:9000`, without the identity."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self._ssl else 'ws'}://{host}:{self.port}"

    def new_transaction_id(self) -> int:
        """The next transaction id: 1, 2, 3, over all chargers."""
        return next(self._ids)

    async def charger(self, identity: str, timeout: float = 30.0) -> Charger:
        """The charger of this identity, as soon as it is connected.

        Args:
            timeout: real seconds.

        Raises:
            TimeoutError: it did not connect.
        """
        try:
            async with asyncio.timeout(timeout):
                while not ((known := self.chargers.get(identity)) and known.connected):
                    self._arrived.clear()
                    await self._arrived.wait()
                return known
        except TimeoutError:
            seen = ", ".join(self.chargers) or "none"
            raise TimeoutError(
                f"{identity} did not connect in {timeout} s; chargers seen: {seen}"
            ) from None

    def tell(self, what: str, **data: Any) -> None:
        """Passes an event on, with the charger's name in front when there are several."""
        self._arrived.set()
        if self.on_event is None:
            return
        name = data.get("charger", "")
        if len(self.chargers) > 1 and not what.startswith(name):
            what = f"{name}: {what}"
        self.on_event(Event(int((self.clock() - self._started) * 1000), "central", what, data))

    async def __aenter__(self) -> CentralSystem:
        if self._ssl is not None:
            self._ssl.sslobject_class = _watched(lambda why: self.tell(f"a TLS handshake failed: {why}", level="warning"))
        try:
            self._server = await serve(
                self._serve,
                self.host,
                self.port,
                ssl=self._ssl,
                process_request=self._handshake,
                select_subprotocol=self._select,
                # Chargers do not compress, and a memory bomb is no use to anybody.
                compression=None,
                max_size=1 << 20,
                close_timeout=1,
            )
        except OSError as error:
            raise PilotwireError(
                f"the central system cannot listen on {self.host}:{self.port}",
                _reason(error),
                "choose another --host or --port",
            ) from None
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._started = self.clock()
        self.tell(f"central system listens on {self.url}", url=self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        identity = _identity(connection.request.path)
        charger = self.chargers.setdefault(identity, Charger(self, identity, self._frames))
        charger.auth = _basic_auth(connection.request)
        charger.certificate = _common_name(connection.transport.get_extra_info("peercert"))
        await charger.serve(connection)

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = _identity(request.path)
        if not identity:
            return self._refuse(connection, "", 404, "the URL ends in the charger's identity")
        verdict = self.accept(identity) if self.accept else True
        if verdict is not True:
            return self._refuse(connection, identity, int(verdict) or 404, "not accepted here")
        wanted = self.passwords.get(identity, self.password)
        if wanted is not None and not connection.transport.get_extra_info("peercert"):
            wanted = wanted.encode() if isinstance(wanted, str) else wanted
            if _basic_auth(request) != (identity, wanted):
                response = self._refuse(connection, identity, 401, "wrong identity or password")
                response.headers["WWW-Authenticate"] = 'Basic realm="pilotwire"'
                return response
        return None

    def _select(
        self, connection: ServerConnection, offered: list[Subprotocol] | Any
    ) -> Subprotocol | None:
        if "ocpp1.6" not in offered:
            assert connection.request is not None
            identity = _identity(connection.request.path)
            self._note_refusal(identity, 400, f"offers {', '.join(offered) or 'no subprotocol'}")
            raise NegotiationError("this central system speaks ocpp1.6 only")
        return None if self.subprotocol is None else Subprotocol(self.subprotocol)

    def _refuse(
        self, connection: ServerConnection, identity: str, status: int, why: str
    ) -> Response:
        self._note_refusal(identity, status, why)
        return connection.respond(HTTPStatus(status), why + "\n")

    def _note_refusal(self, identity: str, status: int, why: str) -> None:
        self.refused.append((identity, status))
        self.tell(f"refused {identity or 'a connection'} with {status}: {why}", level="warning")


def _watched(failed: Callable[[str], None]) -> type[tls.SSLObject]:
    """A TLS connection that says why its handshake failed: asyncio keeps that to itself."""

    class Watched(tls.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (tls.SSLWantReadError, tls.SSLWantWriteError):
                raise
            except tls.SSLError as error:
                failed((error.reason or str(error)).replace("_", " ").lower())
                raise

    return Watched


def _reason(error: OSError) -> str:
    """The system's own words: asyncio's text repeats the address."""
    number = error.errno or 0
    return (os.strerror(number) if number > 0 else error.strerror or str(error)).lower()


def _identity(path: str) -> str:
    """The last part of the path, percent-decoded; "" when there is none."""
    return unquote(urlsplit(path).path.rpartition("/")[2])


def _common_name(certificate: dict[str, Any] | None) -> str | None:
    """CN of a client certificate as ssl gives it."""
    subject = (certificate or {}).get("subject", ())
    return dict(pair for name in subject for pair in name).get("commonName")


def _basic_auth(request: Request) -> tuple[str, bytes] | None:
    """(user, password) of the Authorization header; the password is raw bytes in OCPP."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).partition(b":")
        return user.decode(), password
    except ValueError:
        return None
