"""Our WebSocket client against those from PyPI: speed and heap, in the Unix port, each against the same server.

The server is made for this: it does not parse the frames of a run but counts their bytes, so that it is never what is
measured, and looks at the last one closely. What depends on the machine is a ratio of medians within one run, in which the
clients take turns.
"""

import base64
import contextlib
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from pilotwire import build, runtime
from pilotwire.bench.figure import Figure
from pilotwire.errors import PilotwireError

# Versions that were seen to run; tests/bench/clients.py drives them.
PEERS = {
    "chumicro": ("chumicro-websockets==0.27.3", "chumicro-sockets", "chumicro-timing"),
    "async-websocket-client": ("micropython-async-websocket-client==0.3.4",),
}
OURS = ("wsclient", "wsframes", "wsrules", "wshandshake")
# The client that writes a frame in three pieces needs 40 ms for a message: fewer of them are enough.
SIZES = {200: (3000, 60), 4096: (600, 60), 65536: (60, 20)}
_HEAP = 2 << 20
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def peers(root: Path) -> Path:
    """Folder with the peers and all that they need, installed the first time."""
    folder = root / "build" / "bench" / "peers"
    wanted = [name for names in PEERS.values() for name in names]
    stamp = folder / ".stamp"
    if not stamp.exists() or stamp.read_text() != repr(wanted):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--upgrade"]
            + ["-t", str(folder), *wanted],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise PilotwireError("cannot install what we compare with", done.stderr.strip(), "is the network up?")
        stamp.write_text(repr(wanted))
    return folder


def compiled(root: Path, out: Path) -> dict[str, int]:
    """Compiles clients and peers into `out`, all at -O3; returns bytes of .mpy by client."""
    sizes = dict.fromkeys(["ours", *PEERS], 0)
    out.mkdir(parents=True, exist_ok=True)
    source = root / "tests" / "bench" / "clients.py"
    beside = [source.read_text("utf-8"), *OURS]  # the names of our modules, too
    files = build.modules(beside=beside)
    for name in OURS:
        data = files[f"/a/{name}.mpy"]
        (out / f"{name}.mpy").write_bytes(data)
        sizes["ours"] += len(data)
    packages = {
        "chumicro": ("chumicro_websockets", "chumicro_sockets", "chumicro_timing"),
        "async-websocket-client": ("async_websocket_client",),
    }
    skip = ("testing.py", "server.py", "_ca_bundle.py", "generators.py", "_circuitpython.py", "_cpython.py")
    for client, names in packages.items():
        for path in sorted(p for name in names for p in (peers(root) / name).rglob("*.py")):
            target = out / path.relative_to(peers(root)).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            data = build.compile_module(path, path.name, ("-O3",))
            target.write_bytes(data)
            # What a board would not be given does not count.
            sizes[client] += 0 if path.name in skip else len(data)
    (out / "clients.mpy").write_bytes(build.compile_module(source, "clients.py", ("-O3",)))
    return sizes


class Server:
    """Does what orders say: counts a flood, or sends one."""

    def __enter__(self) -> "Server":
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, EOFError), sock, sock.makefile("rb") as file:
            key = b""
            while (line := file.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"sec-websocket-key":
                    key = value.strip()
            accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
            sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            for order in self._orders(file):
                what, size, count = order.split(":")
                text = b"x" * int(size)
                if what == "receive":
                    sock.sendall(_frame(text) * int(count))
                    continue
                left = (len(_frame(text)) + 4) * (int(count) - 1)
                while left:
                    n = len(file.read1(min(left, 1 << 16)))
                    if not n:
                        raise EOFError
                    left -= n
                if _message(file) != text:
                    raise EOFError
                sock.sendall(_frame(b"all"))

    def _orders(self, file) -> Iterator[str]:
        while True:
            yield _message(file).decode()


def _frame(payload: bytes) -> bytes:
    n = len(payload)
    if n < 126:
        return bytes((0x81, n)) + payload
    return b"\x81" + (b"\x7e" + n.to_bytes(2, "big") if n < 65536 else b"\x7f" + n.to_bytes(8, "big")) + payload


def _message(file) -> bytes:
    head = file.read(2)
    if len(head) < 2 or head[0] != 0x81 or head[1] < 128:
        raise EOFError
    n = head[1] & 127
    if n > 125:
        n = int.from_bytes(file.read(2 if n == 126 else 8), "big")
    mask = file.read(4)
    data = file.read(n)
    key = (mask * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(n, "big")


def run(client: str, orders: list[str], folder: Path, timeout: float = 120) -> dict[str, int | None]:
    """What one client says of one connection: heap in bytes of this desktop, and microseconds by order."""
    with Server() as server:
        try:
            done = subprocess.run(
                [*runtime.micropython(), "-X", f"heapsize={_HEAP}", "-c", "import clients", client, str(server.port)]
                + orders,
                env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return {}
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise PilotwireError(f"the client {client} does not run", (done.stdout + done.stderr).strip()[-600:])


def measure(rounds: int = 5) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """({client: {"import": chip bytes, "connect": chip bytes, "send 200": messages/s, ...}}, {client: .mpy bytes})."""
    root = build.repository()
    folder = root / "build" / "bench" / "clients"
    sizes = compiled(root, folder)
    clients = ["ours", *PEERS]
    found: dict[str, dict[str, list[float]]] = {client: {} for client in clients}
    for _ in range(rounds):
        for size, (many, few) in SIZES.items():
            for what in ("send", "receive"):
                for client in clients:
                    slow = client == "async-websocket-client" and what == "send"
                    count = few if slow else many
                    order = f"{what}:{size}:{count}"
                    got = run(client, [order], folder)
                    for key in ("import", "connect"):
                        if key in got:
                            heap = runtime.chip_bytes(got[key] or 0)
                            found[client].setdefault(key, []).append(heap)
                    took = got.get(order)
                    if took:
                        found[client].setdefault(f"{what} {size}", []).append(count * 1e6 / took)
    medians = {c: {key: statistics.median(values) for key, values in found[c].items()} for c in clients}
    return medians, sizes


def figures() -> list[Figure]:
    """Ours against the better peer at each size, and the heap of each."""
    found, mpy = measure()
    made = []
    for what, size, budget in (("send", 200, 1.2), ("send", 4096, 2), ("send", 65536, 5), ("receive", 4096, 0.9)):
        key = f"{what} {size}"
        best = max((found[peer].get(key, 0.0) for peer in PEERS), default=0.0)
        ours = found["ours"].get(key)
        ratio = round(ours / best, 2) if ours and best else None
        made.append(Figure(f"ws_{what}_ratio_{size}", ratio, "ratio", budget, 1.0))
    for size in (200, 65536):
        for client in found:
            made += [Figure(f"ws_{client}_receive_{size}", round(found[client].get(f"receive {size}", 0)), "messages/s")]
    for client in found:
        for size in SIZES:
            made += [Figure(f"ws_{client}_send_{size}", round(found[client].get(f"send {size}", 0)), "messages/s")]
    least = min(found[p]["import"] + found[p]["connect"] for p in PEERS)
    ours = found["ours"]["import"] + found["ours"]["connect"]
    made.append(Figure("ws_heap_bytes", round(ours), "B", round(least), round(least)))
    for client, values in found.items():
        made.append(Figure(f"ws_{client}_heap_import_bytes", round(values["import"]), "B"))
        made.append(Figure(f"ws_{client}_heap_connect_bytes", round(values["connect"]), "B"))
        made.append(Figure(f"ws_{client}_mpy_bytes", mpy[client], "B"))
    return made
