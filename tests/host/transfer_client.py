"""lib/transfer as a child process: MicroPython, compiled modules, under a heap of the chip's size.

folder = compile_client(tmp_path)
got = fetch(folder, "get", "http://127.0.0.1:8080/file")     what the child saw, as a dict
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

from pilotwire import build, runtime
from pilotwire.shrink import shrink

ROOT = Path(__file__).parents[2]
HEAP = 48 * 1024  # bytes of the chip for everything: asyncio, TLS stream, the child's own code and the transfer
_MODULE = ("transfer", "tlsclient")

# What the child runs. File contents are a pattern without a period that a lost or doubled piece could hide in.
_CLIENT = r"""
import asyncio, gc, hashlib, json, sys
import transfer

_PERIOD = 509

def pattern():
    return bytes([(i * i + 7 * i >> 1) & 255 for i in range(_PERIOD)])

class Sink:
    def __init__(self, keep):
        self.hash = hashlib.sha256()
        self.n = self.restarts = self.pieces = self.live = 0
        self.cut = 0
        self.keep = keep
        self.head = b""
    def write(self, piece):
        if self.cut and self.n + len(piece) > self.cut:
            raise OSError(28)
        self.hash.update(piece)
        if len(self.head) < self.keep:
            self.head += bytes(piece[:self.keep])
        self.n += len(piece)
        self.pieces += 1
        if self.pieces % 16 == 8:
            gc.collect()
            self.live = max(self.live, gc.mem_alloc())
    def restart(self):
        self.__init__(self.keep)
        self.restarts = 1

class Source:
    def __init__(self, n):
        self.n = n
        self.at = self.live = self.pieces = self.seeks = 0
        self.block = pattern() * 2
    def readinto(self, view):
        n = min(len(view), self.n - self.at, _PERIOD)
        at = self.at % _PERIOD
        view[:n] = memoryview(self.block)[at:at + n]
        self.at += n
        self.pieces += 1
        if self.pieces % 32 == 8:
            gc.collect()
            self.live = max(self.live, gc.mem_alloc())
        return n
    def seek(self, at):
        self.at = at
        self.seeks += 1

async def connect(host, port):
    return (await asyncio.open_connection(host, port))[0]

async def main(options):
    o = json.loads(options)
    roots = []
    if o.get("root"):
        with open(o["root"], "rb") as f:
            roots.append(f.read())
    async def secure(stream, host):
        import tlsclient
        return await tlsclient.connect(stream.s, host, roots)
    turns = 0
    async def other():
        nonlocal turns
        while True:
            await asyncio.sleep_ms(1)
            turns += 1
    task = asyncio.create_task(other())
    sink = Sink(o.get("keep", 0))
    sink.cut = o.get("cut", 0)
    buf = bytearray(o.get("buf", 1024))
    place = transfer.Place(o.get("offset", 0), o.get("mark", ""), o.get("known"))
    wait_s = o.get("wait_s", 20)
    out = {"errors": []}
    source = Source(o.get("n", 0))
    asyncio.open_connection  # asyncio loads its parts at their first use; a charger has them
    if roots:
        import tlsclient
    gc.collect()
    before = gc.mem_alloc()
    for url in o["urls"]:
        try:
            if o["job"] == "get":
                await transfer.get(url, sink, connect, secure, buf, place, wait_s)
            else:
                source.at = 0
                await transfer.put(url, source, connect, secure, buf, None if o.get("unknown") else source.n,
                    method=o.get("method", "PUT"), form=o.get("form"), headers=o.get("headers", ()),
                    place=place, wait_s=wait_s)
            break
        except transfer.TransferError as e:
            out["errors"].append([e.kind, e.text])
        sink.cut = 0
        if o.get("pause_ms"):
            await asyncio.sleep_ms(o["pause_ms"])
    out["live"] = max(sink.live, source.live) - before
    gc.collect()
    out["kept"] = gc.mem_alloc() - before
    task.cancel()
    out["loaded"] = [m for m in sys.modules if m[:4] in ("http", "ftpc", "ftpl", "ftpr") or m[:8] == "transfer"]
    out.update(n=sink.n, sha=sink.hash.digest().hex(), restarts=sink.restarts, turns=turns, sent=place.offset,
        offset=place.offset, mark=place.mark, size=place.size, seeks=source.seeks, head=sink.head.hex())
    print(json.dumps(out))
"""


def content(n: int) -> bytes:
    """What the child's source gives: n bytes."""
    block = bytes((i * i + 7 * i >> 1) & 255 for i in range(509))
    return (block * (n // 509 + 1))[:n]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compile_client(folder: Path) -> Path:
    """Libraries and child as they go onto the chip (-O3, short names), in `folder`."""
    for name in _MODULE:
        for path in sorted((ROOT / "lib" / name).glob("*.py")):
            text = shrink(path.read_text(), path.name)
            (folder / path.name).with_suffix(".mpy").write_bytes(
                build.compile_module(path, path.name, ("-O3",), text.encode())
            )
    source = folder / "child.py"
    source.write_text(_CLIENT)
    (folder / "child.mpy").write_bytes(build.compile_module(source, "child.py", ("-O3",)))
    source.unlink()
    return folder


def fetch(folder: Path, job: str, *urls: str, heap: int = HEAP, timeout: float = 60, **options) -> dict:
    """The child's result: it tries the URLs one after the other, with one Place, until one succeeds."""
    options.update(job=job, urls=urls)
    done = subprocess.run(
        [
            *runtime.micropython(),
            "-X",
            f"heapsize={runtime.heap_bytes(heap)}",
            "-c",
            f"import asyncio, child; asyncio.run(child.main({json.dumps(options)!r}))",
        ],
        env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])
