# The connection to the central system: one task owns the WebSocket, reconnects for ever, and is never the reason why
# charging stops. Back-off with jitter (J-REC-01), liveness by answers, not by the socket (J-WS-03).
import asyncio
import os

import ticks
import cold
import wsclient
from wsframes import HandshakeError

_PROTOCOL = "ocpp1.6"
_FIRST_WAIT_S = 1
_LAST_WAIT_S = 300
_OPEN_S = 30  # from the first byte to the end of the handshake
_PONG_S = 30
_MAX_MESSAGE = 16384


class Connection:
    def __init__(self, charge_point, link, clock, log):
        self._cp = charge_point
        self._link = link
        self._clock = clock
        self._log = log
        self._wake = asyncio.Event()
        self._ws = None
        self._wait_s = _FIRST_WAIT_S
        self._pinged_at = 0
        self._awaited = None  # frames received when the ping was due that is not answered yet
        self._ping = False  # a ping is to be sent
        self.failures = 0

    def tick(self):
        """Called every 100 ms or so: something may have to be sent, and the peer may be dead."""
        if self._ws:
            self._check_alive(self._ws, self._clock.now_ms())
        self._wake.set()

    def _check_alive(self, ws, now):
        """A ping every WebSocketPingInterval; whatever comes after it counts as its answer (J-WS-03)."""
        interval = self._cp.settings.get("WebSocketPingInterval")
        if self._awaited is not None:
            if ws.frames != self._awaited:
                self._answered()
            elif ticks.diff(now, self._pinged_at) >= min(interval or _PONG_S, _PONG_S) * 1000:
                self._answered()
                self._log.warning("link", "no answer to a ping")
                asyncio.create_task(ws.abort())  # wakes reader and sender, whatever they wait for
        elif interval and ticks.diff(now, self._pinged_at) >= interval * 1000:
            self._pinged_at = now
            self._awaited = ws.frames
            self._ping = True
            self._clock.hold(1)

    def _answered(self):
        if self._awaited is not None:
            self._awaited = None
            self._clock.hold(-1)

    async def run(self):
        while True:
            while not self._link.up:
                await asyncio.sleep_ms(200)
            try:
                await self._session()
            except (OSError, ValueError, HandshakeError, asyncio.TimeoutError) as e:
                self.failures += 1
                self._log.warning("link", self._explain(e))
            wait = self._wait_s * 1000
            wait += int.from_bytes(os.urandom(2), "little") * wait >> 16
            self._wait_s = min(self._wait_s * 2, _LAST_WAIT_S)
            self._log.info("link", "next try in %d s" % (wait // 1000))
            await asyncio.sleep_ms(wait)

    def _explain(self, e):
        url = self._cp.settings.get("CentralSystemURL")
        if isinstance(e, asyncio.TimeoutError):
            return "%s did not answer within %d s" % (url, _OPEN_S)
        return "%s: %s" % (url, e)

    async def _session(self):
        """One connection, from the handshake to its end."""
        self._clock.hold(1)
        try:
            self._ws = await asyncio.wait_for(self._open(), _OPEN_S)
        finally:
            self._clock.hold(-1)
        self._log.info("link", "connected to " + self._cp.settings.get("CentralSystemURL"))
        now = self._pinged_at = self._clock.now_ms()
        self._cp.connected(now)
        reader = asyncio.create_task(self._read())
        try:
            while not reader.done():
                self._wake.clear()
                await self._send()
                await self._wake.wait()
            await reader  # raises what ended it
        finally:
            reader.cancel()
            self._answered()
            self._cp.disconnected()
            ws, self._ws = self._ws, None
            await ws.abort()
        self._log.info("link", "closed by the central system: %s %s" % (ws.close_code, ws.close_reason))

    async def _open(self):
        settings = self._cp.settings
        try:
            tls, host, port, path = cold.load("wshandshake").parse_url(settings.get("CentralSystemURL"))
        finally:
            cold.drop("wshandshake")
        if tls:
            raise ValueError("TLS is not built into this firmware yet: use ws://")
        stream = await self._link.connect(host, port)
        path = charger_path(path, settings.get("ChargePointId"))
        return await wsclient.connect(stream, host, path, _PROTOCOL, (), _MAX_MESSAGE, None if port == 80 else port)

    async def _read(self):
        ws = self._ws
        try:
            while True:
                event = await ws.receive()
                if event is None:
                    break
                self._cp.receive(event if isinstance(event, str) else None, self._clock.now_ms())
                if self._cp.accepted:
                    self._wait_s = _FIRST_WAIT_S  # this connection is a good one
                self._wake.set()
        finally:
            self._wake.set()

    async def _send(self):
        while True:
            if self._ping:
                self._ping = False
                await self._ws.ping()
            frame = self._cp.next_frame(self._clock.now_ms())
            if frame is None:
                return
            if isinstance(frame, str):
                await self._ws.send(frame)
            else:
                await self._ws.send_parts(frame)


def charger_path(path, identity):
    """The path of the endpoint with the identity of the charger appended (J-URL-01)."""
    path, question, query = path.partition("?")
    while path.endswith("/"):
        path = path[:-1]
    return path + "/" + quote(identity) + question + query


def quote(text):
    """Percent-encode everything that is not unreserved in a URL."""
    out = ""
    for b in text.encode():
        c = chr(b)
        out += c if c.isalpha() and b < 128 or c.isdigit() or c in "-._~" else "%%%02X" % b
    return out
