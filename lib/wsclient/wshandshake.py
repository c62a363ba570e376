"""URL and opening handshake of a WebSocket client (RFC 6455, section 4), without I/O.

handshake = Handshake("example.org", "/ocpp/CP1", "ocpp1.6")
send handshake.request; handshake.received(data) -> None, at the end the bytes after the answer

Cold: wsclient imports it to connect and lets go of it afterwards.
"""

import os
from binascii import b2a_base64
from hashlib import sha1


try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_PIECE = const(256)  # what comes after the answer must fit into the buffer of wsclient
_HEAD = const(2048)  # bytes of an answer that are read before it is given up


def parse_url(url):
    """(tls, host, port, path with query) of a ws or wss URL; ValueError in words."""
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in ("ws", "wss"):
        raise ValueError("URL is not ws:// or wss://")
    for c in url:
        if not "!" <= c <= "~" or c == "#":
            raise ValueError("URL has a character that must be percent-encoded")
    end = 0
    while end < len(rest) and rest[end] not in "/?":
        end += 1
    host, path = rest[:end], rest[end:]
    if "@" in host:
        raise ValueError("URL has a user or password in it")
    if host[:1] == "[":  # IPv6
        host, found, port = host[1:].partition("]")
        if not found or port[:1] not in ("", ":"):
            host = ""
        port = port[1:]
    else:
        host, _, port = host.partition(":")
    tls = scheme == "wss"
    if not port:
        port = "443" if tls else "80"
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("URL has a bad host or port")
    return tls, host, int(port), path if path[:1] == "/" else "/" + path


class HandshakeError(OSError):
    """No WebSocket: HTTP `status` (0: the answer is not HTTP, 101: not as asked) and `reason`."""

    def __init__(self, status, reason):
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


async def shake(stream, host, path, protocol, headers, heard):
    """Open a WebSocket over a stream: the bytes that came after the server's answer; OSError."""
    handshake = Handshake(host, path, protocol, headers)
    stream.write(handshake.request)
    await stream.drain()
    rest = None
    while rest is None:
        data = await stream.read(_PIECE)
        if data is not None:  # a TLS stream may have no bytes yet
            if not data:
                raise HandshakeError(0, "connection closed instead of an answer")
            if heard:
                heard(data)
            rest = handshake.received(data)
    return rest


class Handshake:
    """One attempt: `request` is what to send; `host` as in the Host header."""

    def __init__(self, host, path, protocol=None, headers=()):
        key = b2a_base64(os.urandom(16)).strip()
        guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self._accept = b2a_base64(sha1(key + guid).digest()).strip()
        self._protocol = protocol.encode() if protocol else b""
        self._head = b""
        if " " in path or path[:1] != "/":
            raise ValueError("bad path")
        lines = ["GET " + path + " HTTP/1.1", "Host: " + host]
        lines.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13")
        lines.append("Sec-WebSocket-Key: " + key.decode())
        if protocol:
            lines.append("Sec-WebSocket-Protocol: " + protocol)
        for name, value in headers:
            lines.append(name + ": " + value)
        request = "\r\n".join(lines)
        # what was configured may end no header and start none
        if request.count("\n") != len(lines) + 1 or request.count("\r") != len(lines) + 1:
            raise ValueError("line break in a header")
        self.request = (request + "\r\n\r\n").encode()

    def received(self, data):
        """None while the answer is incomplete, else what came after it; HandshakeError."""
        self._head = head = self._head + data
        start = head[:9]
        if start[:7] != b"HTTP/1."[: len(start)] or start[8:] not in (b"", b" "):
            raise HandshakeError(0, "answer is not HTTP/1.1")
        end = head.find(b"\r\n")
        if end >= 0:
            if not head[9:12].isdigit() or head[12:13] not in b" \r":
                raise HandshakeError(0, "answer is not HTTP/1.1")
            status = int(head[9:12])
            if status != 101:
                text = [chr(c) if 31 < c < 127 else "?" for c in head[13 : min(end, 80)]]
                raise HandshakeError(status, "".join(text))
        end = head.find(b"\r\n\r\n")
        if end < 0 and len(head) > _HEAD:
            raise HandshakeError(0, "answer is too long")
        if end < 0:
            return None
        self._head = b""
        self._check(head[:end].split(b"\r\n"))
        return head[end + 4 :]

    def _check(self, lines):
        seen = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not name or name != name.strip():
                raise HandshakeError(101, "malformed header")
            name = name.lower()
            if name in (b"upgrade", b"connection") or name[:14] == b"sec-websocket-":
                value = value.strip()
                # one that came twice and may not is then not what was asked for
                seen[name] = seen[name] + b"," + value if name in seen else value
        connection = [token.strip() for token in seen.get(b"connection", b"").lower().split(b",")]
        if lines[0][:9] != b"HTTP/1.1 ":
            reason = "answer is not HTTP/1.1"
        elif seen.get(b"upgrade", b"").lower() != b"websocket" or b"upgrade" not in connection:
            reason = "no upgrade to WebSocket"
        elif seen.get(b"sec-websocket-accept") != self._accept:
            reason = "wrong Sec-WebSocket-Accept"
        elif seen.get(b"sec-websocket-extensions"):
            reason = "extension that was not asked for"
        elif seen.get(b"sec-websocket-protocol", b"") != self._protocol:
            reason = "not the subprotocol that was asked for"
        else:
            return
        raise HandshakeError(101, reason)
