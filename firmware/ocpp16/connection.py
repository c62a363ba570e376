# The connection to the central system: one task owns the WebSocket, reconnects for ever, and is never the reason why
# charging stops. Back-off with jitter (J-REC-01), liveness by answers, not by the socket (J-WS-03).
import asyncio
import os

import ticks
import cold

_FIRST_WAIT_S = 1
_LAST_WAIT_S = 300
_LOOK_MS = 50  # between two looks whether something is to be sent
_PONG_S = 30


class Connection:
    def __init__(self, charge_point, link, clock, log):
        self._cp = charge_point
        self._link = link
        self._clock = clock
        self._log = log
        self._sending = False
        self._ws = None
        self._wait_s = _FIRST_WAIT_S
        self._pinged_at = 0
        self._awaited = None  # frames received when the ping was due that is not answered yet
        self._ping = False  # a ping is to be sent
        self._good = False  # this connection was accepted
        self.failures = 0

    def tick(self):
        """Called every 100 ms or so: the peer may be dead."""
        if self._ws:
            self._check_alive(self._ws, self._clock.now_ms())

    def _check_alive(self, ws, now):
        """A ping every WebSocketPingInterval; whatever comes after it counts as its answer (J-WS-03)."""
        interval = self._cp.settings.get("WebSocketPingInterval")
        if self._awaited is not None:
            if ws.frames != self._awaited:
                self._answered()
            elif ticks.diff(now, self._pinged_at) >= min(interval or _PONG_S, _PONG_S) * 1000:
                self._answered()
                self._log.warning("link", "no answer to a ping")
                asyncio.create_task(ws.abort())  # noqa: RUF006  wakes reader and sender, whatever they wait for
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
            except (OSError, ValueError, MemoryError, asyncio.TimeoutError) as e:
                self.failures += 1
                self._failed(e)
                # Memory that is short for so long is in pieces, or lost: a start has it back.
                if isinstance(e, MemoryError) and self._wait_s >= _LAST_WAIT_S and not any(self._cp.transactions.open):
                    raise
            wait = self._wait_s * 1000
            wait += int.from_bytes(os.urandom(2), "little") * wait >> 16
            self._wait_s = min(self._wait_s * 2, _LAST_WAIT_S)
            self._log.info("link", "next try in %d s" % (wait // 1000))
            await asyncio.sleep_ms(wait)

    def _failed(self, e):
        url = self._cp.settings.get("CentralSystemURL") + ": "
        try:
            kind, text = cold.call("ocpp16.trouble", "explain", e)
            self._log.warning("link", url + text)
            cold.call("ocpp16.security_trial", "failed", self._cp, kind, text)
        except MemoryError:
            self._log.warning("link", url + "out of memory")

    async def _session(self):
        """One connection, from the handshake to its end."""
        self._clock.hold(1)
        try:
            self._ws = await cold.call("ocpp16.connecting", "connect", self._cp, self._link, self._log)
        finally:
            self._clock.hold(-1)
        reader = None
        try:  # whatever fails from here on, memory for one, lets go of the connection
            self._log.info("link", "connected to " + self._cp.settings.get("CentralSystemURL"))
            self._good = False
            now = self._pinged_at = self._clock.now_ms()
            cold.call("ocpp16.connecting", "worked", self._cp)
            self._cp.connected(now)
            reader = asyncio.create_task(self._read())
            while not reader.done():
                await self._send()
                if self._cp.reconnect and not self._cp.rpc.outstanding:
                    self._cp.reconnect = False
                    self._wait_s = _FIRST_WAIT_S
                    self._log.info("link", "reconnecting with the new security settings")
                    return
                await asyncio.sleep_ms(_LOOK_MS)
            failed = await reader
            if failed:
                raise failed
        finally:
            if reader:
                reader.cancel()
            self._answered()
            self._cp.disconnected()
            ws, self._ws = self._ws, None
            await ws.abort()
        self._log.info("link", "closed by the central system: %s %s" % (ws.close_code, ws.close_reason))

    async def _read(self):
        """What ended it, if it failed."""
        ws = self._ws
        # As a local: what is third on the stack of a coroutine, as an argument of self._cp.receive() is, stays there until
        # something else is, which is the next message.
        receive = self._cp.receive
        try:
            while True:
                event = await ws.receive()
                if event is None:
                    return
                receive(None if isinstance(event, bytes) else event, self._clock.now_ms())
                event = None
                if self._cp.accepted and not self._good:
                    self._good = True
                    self._wait_s = _FIRST_WAIT_S
                    cold.call("ocpp16.timekeeping", "remember", self._cp)
                await self._send()  # one message at a time: an answer that waits keeps the module alive that makes it
        except (OSError, ValueError, MemoryError, asyncio.TimeoutError) as e:
            return e  # a task that dies of it before somebody awaits it writes a traceback

    async def _send(self):
        """Send all that there is to be sent. Whoever comes second waits: a frame goes as a whole."""
        while self._sending:
            await asyncio.sleep_ms(_LOOK_MS)
        self._sending = True
        try:
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
        finally:
            self._sending = False
