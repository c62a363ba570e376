"""HTTP, FTP and plain TCP servers on the loopback for the tests of lib/transfer, good ones and bad ones."""

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from transfer_client import content


class _Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler, tls: ssl.SSLContext | None, port: int):
        super().__init__(("127.0.0.1", port), handler)
        self.tls = tls
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server_port}"
        self.goal = ""  # where /to sends clients
        self.seen: list[tuple[str, dict]] = []  # (path, headers) of each GET
        self.got: list[tuple[str, dict, bytes]] = []  # (path, headers, body) of what was stored
        self.stop = threading.Event()

    def finish_request(self, request: Any, client_address):
        # the handshake in the connection's own thread
        if self.tls:
            request.settimeout(20)
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests


class Files(http.server.BaseHTTPRequestHandler):
    """One file in many manners, by path."""

    server: Any
    connection: Any
    protocol_version = "HTTP/1.1"
    data = content(100_000)
    etag = '"v1"'

    def log_message(self, *_):
        pass

    @property
    def name(self) -> str:
        return self.path.partition("?")[0]

    def head(self, status: int, *headers: tuple[str, str], reason: str | None = None) -> None:
        self.send_response(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        getattr(self, "get_" + self.name.strip("/").replace("-", "_").partition("/")[0])()

    def get_file(self) -> None:
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range", self.etag)
        total = len(self.data)
        if asked and condition == self.etag:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= total:
                self.head(416, ("Content-Range", f"bytes */{total}"), ("Content-Length", "0"))
                return
            part = self.data[first:]
            self.head(
                206,
                ("Content-Length", str(len(part))),
                ("Content-Range", f"bytes {first}-{total - 1}/{total}"),
                ("ETag", self.etag),
            )
        else:
            part = self.data
            self.head(200, ("Content-Length", str(total)), ("ETag", self.etag), ("X-Long", "x" * 5000))
        if self.name.endswith("half"):
            part = part[: total // 2]
            self.close_connection = True
        self.wfile.write(part)

    def get_plain(self) -> None:
        """Ignores Range; no ETag."""
        self.head(200, ("Content-Length", str(len(self.data))))
        n = len(self.data) // 2 if self.name.endswith("half") else len(self.data)
        self.wfile.write(self.data[:n])
        self.close_connection = True

    def get_until_close(self) -> None:
        self.close_connection = True
        self.head(200)
        self.wfile.write(self.data)

    def get_chunked(self) -> None:
        self.head(200, ("Transfer-Encoding", "chunked"))
        half = self.name.endswith("half")
        data, n = self.data[:50000] if half else self.data, 1
        while data:
            self.wfile.write(b"%X;ext=1\r\n%s\r\n" % (len(data[:n]), data[:n]))
            data, n = data[n:], n * 2 % 3001 + 1
        if half:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")

    def get_bytes(self) -> None:
        """Each byte by itself."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for c in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
            self.wfile.write(bytes((c,)))
            self.wfile.flush()
            time.sleep(0.002)
        self.close_connection = True

    def get_hop(self) -> None:
        self.head(302, ("Location", self.path.removeprefix("/hop")), ("Content-Length", "0"))

    def get_loop(self) -> None:
        self.head(301, ("Location", "/loop"), ("Content-Length", "0"))

    def get_to(self) -> None:
        self.head(307, ("Location", self.server.goal), ("Content-Length", "0"))

    def get_login(self) -> None:
        if self.headers.get("Authorization") != "Basic dXNlcjpwQHNzOi93b3Jk":
            self.head(401, ("Content-Length", "0"), reason="bad p@ss:/word of user")
        else:
            self.get_file()

    def get_status(self) -> None:
        body = b"<?xml?><Error><Code>RequestTimeTooSkewed</Code></Error>"
        self.head(int(self.name.rpartition("/")[2]), ("Content-Length", str(len(body))), reason="")
        self.wfile.write(body)

    def get_stall(self) -> None:
        self.head(200, ("Content-Length", "100000"))
        self.wfile.write(self.data[:5000])
        self.server.stop.wait(10)
        self.close_connection = True

    def get_slow(self) -> None:
        """Slow, yet never silent for long."""
        self.head(200, ("Content-Length", "6000"))
        for i in range(6):
            self.wfile.write(self.data[i * 1000 : i * 1000 + 1000])
            time.sleep(0.5)

    def get_silent(self) -> None:
        self.server.stop.wait(10)
        self.close_connection = True

    def get_gzip(self) -> None:
        self.head(200, ("Content-Length", "3"), ("Content-Encoding", "gzip"))
        self.wfile.write(b"abc")

    def get_endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10000)
        self.close_connection = True

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        out = b""
        while n := int(self.rfile.readline(), 16):
            out += self.rfile.read(n)
            assert self.rfile.readline() == b"\r\n"
        assert self.rfile.readline() == b"\r\n"
        return out

    def do_PUT(self) -> None:
        where = self.name.strip("/").partition("/")[0]
        if where == "early":  # answers before it has read
            self.head(int(self.name.rpartition("/")[2]), ("Content-Length", "0"))
            self.close_connection = True
            self.connection.shutdown(1)
            while self.rfile.read(65536):
                pass
            return
        if where == "stuck":
            self.server.stop.wait(10)
            self.close_connection = True
            return
        body = self.body()
        if where == "to":
            self.head(307, ("Location", self.server.goal), ("Content-Length", "0"))
            return
        self.server.got.append((self.path, dict(self.headers), body))
        self.head(int(where) if where.isdigit() else 201, ("Content-Length", "0"))

    do_POST = do_PUT


@contextlib.contextmanager
def web(handler=Files, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[_Threads]:
    """An HTTP server on `.server_port`; `.url` is its root."""
    server = _Threads(handler, tls, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def raw(handler: Callable) -> Iterator[int]:
    """A TCP server that runs handler(socket) in a thread per connection; yields its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                handler(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def ftp(
    folder: Path, tls: str = "", certificate: Path | None = None, key: Path | None = None, **options
) -> Iterator[int]:
    """pyftpdlib over `folder`, user "user" with the password "p@ss:/word"; yields its port.

    Args:
        tls: "" none, "e" explicit and required, "i" implicit.
        certificate, key: PEM files, for TLS.
        options: attributes of the handler.
    """
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

    users = DummyAuthorizer()
    users.add_user("user", "p@ss:/word", str(folder), perm="elradfmwMT")
    users.add_user("reader", "reader", str(folder), perm="elr")
    users.add_anonymous(str(folder))

    class Plain(FTPHandler):
        pass

    class Explicit(TLS_FTPHandler):
        tls_control_required = tls == "e"
        tls_data_required = tls == "e"

    class Implicit(TLS_FTPHandler):
        def handle(self):
            self.secure_connection(self.ssl_context)
            self._prot = self._pbsz = True
            super().handle()

    handler = {"": Plain, "e": Explicit, "i": Implicit}[tls]
    handler.authorizer = users
    handler.auth_failed_timeout = 0
    if tls:
        handler.certfile, handler.keyfile = str(certificate), str(key)
        handler.ssl_context = handler.get_ssl_context()
    for name, value in options.items():
        setattr(handler, name, value)
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    going = True

    def serve():
        while going:
            loop.loop(0.02, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        going = False
        thread.join()
        server.close_all()
