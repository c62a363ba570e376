"""WebSocket client over an asyncio Stream; one task receives, any task may send.

ws = await connect(stream, "example.org", "/ocpp/CP1", "ocpp1.6")
await ws.send("text"); message = await ws.receive()

No time-outs here: who has waited long enough calls abort(), and the tasks that wait go on.
"""

import asyncio
import sys
from errno import ENOTCONN

from wsframes import Decoder, WebSocketError, encode, encode_close

_TEXT = 1  # kinds of frame, as in wsframes
_CLOSE = 8
_PING = 9
_PONG = 10
_BUFFER = 256  # bytes; a larger message is read into memory of its own
_FRAGMENT = 512
_TURN_MS = 5


async def connect(
    stream,
    host,
    path,
    protocol=None,
    headers=(),
    max_message=16384,
    port=None,
    heard=None,
    choose=None,
):
    """A WebSocket; OSError, which has the HTTP `status` and `reason` where the server declines (see wshandshake). `port` goes
    into Host: None for the scheme's own. heard(data) is called with the answer as it arrives. choose(first bytes of a large
    text): what takes it piece by piece, see wsframes, or None."""
    if ":" in host:
        host = "[" + host + "]"
    if port is not None:
        host += ":%d" % port
    ws = None
    try:
        import wshandshake  # 4 KB of heap that are not needed once it is open

        sys.modules.pop("wshandshake", None)
        rest = await wshandshake.shake(stream, host, path, protocol, headers, heard)
        ws = WebSocket(stream, max_message, rest, choose)
    finally:
        if ws is None:
            stream.close()
            await stream.wait_closed()
    return ws


class WebSocket:
    """`close_code` is None while it is open; 1006 with the error in words if it was cut."""

    def __init__(self, stream, max_message, rest=b"", choose=None):
        self._stream = stream
        self._decoder = Decoder(max_message, _BUFFER, choose)
        if rest:
            self._decoder.space()[: len(rest)] = rest
            self._decoder.received(len(rest))
        self._writing = False  # asyncio.Lock or Event would be a module more in RAM
        self._closing = False  # our Close was sent, or it has ended: nothing may be sent any more
        self.frames = 0  # received so far: as long as it grows the server is alive
        self.pongs = 0
        self.close_code = None
        self.close_reason = ""

    async def receive(self):
        """Next message, str or bytes, or what was made of a large one; None at the end. For one task only."""
        decoder = self._decoder
        stream = self._stream
        try:
            while self.close_code is None:
                event = decoder.event()
                self.frames = decoder.frames
                if event is None:
                    n = await stream.readinto(decoder.space())
                    if n:
                        decoder.received(n)
                    elif n is not None:
                        await self._end(1006, "connection lost")
                    continue
                kind, payload = event
                if kind < _CLOSE:
                    return payload
                if kind == _PONG:
                    self.pongs += 1
                elif kind == _PING:
                    await self._write(_PONG, payload)
                else:
                    await self._write(_CLOSE, payload[0])
                    await self._end(*payload)
        except (WebSocketError, MemoryError) as e:
            code, text = e.args if isinstance(e, WebSocketError) else (1009, "out of memory")
            # the Close is sent as far as that needs no waiting: this server need not be reading
            if not self._closing and not self._writing:
                try:
                    self._stream.write(encode_close(code, text))
                except (OSError, ValueError, MemoryError):
                    pass
            await self._end(code, text)
        except (OSError, ValueError) as e:  # ValueError: TLS
            await self._end(1006, str(e))
        return None

    async def send(self, text):
        """Send one text message; OSError when it is closed."""
        await self.send_parts((text,))

    async def send_parts(self, parts):
        """Send one text message made of many pieces of text, in fragments: it is never in memory as a whole."""
        kind = _TEXT
        text = ""
        for part in parts:
            if len(text) >= _FRAGMENT:
                if not await self._write(kind, text.encode(), last=False):
                    raise OSError(ENOTCONN)
                kind = 0  # continuation
                text = ""
            text += part
        if not await self._write(kind, text.encode()):
            raise OSError(ENOTCONN)

    async def ping(self, payload=b""):
        """Send a ping (125 bytes at most, else ValueError), counted in `pongs` when answered; OSError."""
        if len(payload) > 125:
            raise ValueError
        if not await self._write(_PING, payload):
            raise OSError(ENOTCONN)

    async def close(self, code=1000, reason=""):
        """Begin to close; the end is when receive() returns None."""
        await self._write(_CLOSE, code, reason)

    async def abort(self):
        """Cut the connection now; receive() returns None."""
        await self._end(1006, "aborted")

    async def _write(self, kind, payload, reason="", last=True):
        # False when nothing may be sent any more. One at a time: drain() forgets what is added to the
        # stream meanwhile. A frame that is cut short (cancelled, failed) ends the connection.
        while self._writing:
            await asyncio.sleep_ms(_TURN_MS)
        self._writing = True
        whole = True
        try:
            if self._closing:
                return False
            if kind == _CLOSE:
                self._closing = True
                frame = encode_close(payload, reason)
            else:
                frame = encode(kind, payload, last)
            whole = False
            self._stream.write(frame)
            await self._stream.drain()
            whole = True
        finally:
            self._writing = False
            if not whole:
                await self._end(1006, "send failed")
        return True

    async def _end(self, code, reason):
        if self.close_code is None:
            self._closing = True
            self.close_code = code
            self.close_reason = reason
            self._stream.close()
            await self._stream.wait_closed()
