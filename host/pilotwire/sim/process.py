"""The child process: one MicroPython per start of the box, on a socket pair, killed and never asked to end.

The order of what it does and what it prints is kept: before each answer everything that it printed is read.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from pilotwire import build, runtime
from pilotwire.errors import PilotwireError
from pilotwire.shrink import shrink
from pilotwire.sim import records

_MAX_LINE = 8192
_SEEN_INTO = ("time", "nor", "esp32")  # stand-ins of which others use private names
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent(parent: int) -> None:
    # Runs between fork and exec: only system calls. 1 is PR_SET_PDEATHSIG.
    _libc.prctl(1, signal.SIGKILL)  # type: ignore[union-attr]
    if os.getppid() != parent:
        os._exit(1)


@functools.cache
def stand_ins() -> Path:
    """Folder with the compiled stand-ins: a compiler at run time would need, and tear up, the heap that is capped."""
    out = build.work() / "virtual" / "stand-ins"
    with build.locked(out):
        folder = build.repository() / "boards" / "virtual"
        names = re.findall(r"^([A-Z][A-Z_0-9]+) = const\((\w+)\)", (folder / "wire.py").read_text("utf-8"), re.M)
        numbers = dict(names)
        for path in sorted(folder.glob("*.py")):
            # -O0: line numbers in the tracebacks of what is no part of the firmware.
            text = _fewer_names(path, numbers).encode()
            data = build.compile_module(path, path.name, ("-O0",), text)
            target = out / f"{path.stem}.mpy"
            if not target.exists() or target.read_bytes() != data:
                build.replace(target, data)
    return out


def _fewer_names(path: Path, numbers: dict[str, str]) -> str:
    """The source of a stand-in with its own names shortened and `wire`'s constants written out.

    All names of a program stand in tables that double when they are full: those of the stand-ins, which the chip does not have,
    would make the firmware's tables double too early.
    """
    text = path.read_text("utf-8")
    if path.name == "wire.py":
        text = re.sub(r"\b(" + "|".join(numbers) + r")\b(?!\s*\()", r"_\1", text)
    else:
        text = re.sub(r"\bwire\.(" + "|".join(numbers) + r")\b", lambda match: numbers[match[1]], text)
    return text if path.stem in _SEEN_INTO else shrink(text, path.name)


def stand_in_bytes(board: Path) -> int:
    """Heap that the stand-ins take in the interpreter with this board.json, measured once per process."""
    return _stand_in_bytes(board, tuple(runtime.micropython()))


@functools.cache
def _stand_in_bytes(board: Path, _interpreter: tuple[str, ...]) -> int:
    done = runtime.run(["-m", "child", "-1", board], path=[stand_ins()])
    try:
        return int(done.stdout)
    except ValueError:
        raise PilotwireError(
            "the virtual board does not start", (done.stderr or done.stdout).strip()
        ) from None


class Child(asyncio.Protocol):
    """A running box.

    Args:
        step: called with the words of each record; returns the answer.
        lookup: awaited with (host, port); returns the port that the answer carries.
        halted: called with the cause of a reset, or records.UNCAUGHT; the caller kills the child then.
        line: called with each line that the box prints.
        lost: called when the child is gone by itself, with its exit status.
    """

    def __init__(
        self,
        step: Callable[[tuple[int, ...]], bytes],
        lookup: Callable[[str, int], Awaitable[bytes]],
        halted: Callable[[int], None],
        line: Callable[[str], None],
        lost: Callable[[int | None], None],
    ):
        self._step, self._lookup, self._halted, self._line, self._lost = (
            step,
            lookup,
            halted,
            line,
            lost,
        )
        self._buffer = bytearray()
        self._text = b""
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self.records = 0

    async def start(
        self, heap: int, board: Path, arguments: list[str], env: dict[str, str]
    ) -> None:
        """Start it; `arguments` are those of child.py after the descriptor and board.json."""
        heap = runtime.heap_bytes(heap) + stand_in_bytes(board)
        ours, theirs = socket.socketpair()
        out, self._pipe_end = os.pipe()
        os.set_blocking(out, False)
        self._out = out
        command = [
            *runtime.micropython(),
            "-X",
            f"heapsize={heap}",
            "-m",
            "child",
            str(theirs.fileno()),
        ]
        command += [str(board), *arguments]
        environment = {**os.environ, "MICROPYPATH": f"{stand_ins()}:.frozen", "TZ": "UTC", **env}
        guard = functools.partial(_die_with_parent, os.getpid()) if _libc else None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=self._pipe_end,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env=environment,
                preexec_fn=guard,
                cwd="/",
            )
        except OSError as error:
            os.close(out)
            ours.close()
            raise PilotwireError("cannot start MicroPython", error.strerror or str(error)) from None
        finally:
            theirs.close()
            os.close(self._pipe_end)
        self.pid = self._process.pid
        loop = asyncio.get_running_loop()
        loop.add_reader(out, self._read_text)
        ours.setblocking(False)
        await loop.create_connection(lambda: self, sock=ours)

    def kill(self) -> int | None:
        """End it at once, as a power cut does; returns its exit status."""
        if self._task:
            self._task.cancel()
        if self._transport:
            self._transport.abort()
            self._transport = None
        if self._process.poll() is None:
            self._process.kill()
        status = self._process.wait()
        if self._out >= 0:
            self._read_text()
        if self._out >= 0:
            self._close_text()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        return status

    def say(self, line: str) -> None:
        """A line on the box's serial console."""
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= records.OUT_SIZE and self._transport:
            words = records.unpack(buffer)
            size = records.OUT_SIZE + (words[2] if words[0] == records.LOOKUP else 0)
            if len(buffer) < size:
                return
            rest = bytes(buffer[records.OUT_SIZE : size])
            del buffer[:size]
            self.records += 1
            self._read_text()
            if words[0] == records.STEP:
                self._transport.write(self._step(words))
            elif words[0] == records.LOOKUP:
                self._task = asyncio.ensure_future(
                    self._answer(rest.decode("utf-8", "replace"), words[3])
                )
            else:
                self._halted(words[2])
                return

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport:
            self._transport = None
            self._lost(self.kill())

    async def _answer(self, host: str, port: int) -> None:
        answer = await self._lookup(host, port)
        if self._transport:
            self._transport.write(answer)

    def _read_text(self) -> None:
        try:
            data = os.read(self._out, 65536)
        except BlockingIOError:
            return
        if not data:
            self._close_text()
        lines = (self._text + data).split(b"\n")
        # A box that never ends its line must not fill the memory.
        self._text = lines.pop()[:_MAX_LINE]
        if not data and self._text:
            lines, self._text = [*lines, self._text], b""
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r")[:_MAX_LINE])

    def _close_text(self) -> None:
        asyncio.get_running_loop().remove_reader(self._out)
        os.close(self._out)
        self._out = -1
