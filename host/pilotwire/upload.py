"""`pilotwire upload`: the development loop. Compiles, compares with what is on the board, sends what has changed, restarts it.

Files go to the slot that the board runs. Two ways to it: mpremote's transport, or ampy for those who have scripts around it.
What is gone from the sources is removed from the board.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from pilotwire import build
from pilotwire.device import ports
from pilotwire.errors import PilotwireError

VIA = ("mpremote", "ampy")
_LOOK_S = 0.5


class Way(Protocol):
    """What the upload asks of a board."""

    def hashes(self, names: list[str]) -> dict[str, str]: ...
    def json(self, code: str, expression: str) -> object: ...
    def write(self, name: str, data: bytes) -> None: ...
    def remove(self, name: str) -> None: ...


# On the board: every file of a slot.
_LIST = """
import os
def _below(top, found):
    try:
        for name, kind, *_ in os.ilistdir(top):
            path = top + '/' + name
            _below(path, found) if kind == 0x4000 else found.append(path)
    except OSError:
        pass
    return found
def _slot():
    try:
        with open('/slot') as f:
            s = f.read(1)
    except OSError:
        s = 'a'
    return s if s in ('a', 'b') else 'a'
"""


def upload(way: Way, made: dict[str, bytes], say: Callable[[str], None]) -> dict[str, list[str]]:
    """Bring a board's files up to date.

    Args:
        way: to the board.
        made: `build.modules()`.
        say: told of each file.

    Returns:
        names on the board: {"sent": [...], "removed": [...]}.
    """
    import hashlib

    slot = str(way.json(_LIST, "_slot()"))
    wanted = {_there(name, slot): data for name, data in made.items()}
    there = way.json(_LIST, f"_below('/{slot}', [])")
    assert isinstance(there, list)
    names = sorted(wanted)
    on_board = way.hashes(names)
    changed = [name for name in names if on_board.get(name) != hashlib.sha256(wanted[name]).hexdigest()]
    # The app's list of files last: a board whose cable is pulled half-way shows an old build.
    changed.sort(key=lambda name: name.endswith("/build.json"))
    gone = sorted(name for name in there if name not in wanted)
    # First, for the room; among them what a run that was cut left half-written.
    for name in gone:
        say(f"removing {name}")
        way.remove(name)
    for number, name in enumerate(changed, 1):
        say(f"{number}/{len(changed)} {name} ({len(wanted[name])} bytes)")
        way.write(name, wanted[name])
    return {"sent": changed, "removed": gone}


def _there(name: str, slot: str) -> str:
    return f"/{slot}/{name[3:]}" if name.startswith("/a/") else name


class AmpyWay:
    """adafruit-ampy in the place of mpremote's transport; slower, since it enters the raw REPL for every file."""

    def __init__(self, port: str):
        from ampy.files import Files
        from ampy.pyboard import Pyboard, PyboardError

        self._error = PyboardError
        self.port = port
        try:
            self._board = Pyboard(port, baudrate=ports.BAUD)
        except PyboardError:
            raise PilotwireError(f"cannot open {port}", "ampy cannot open it", "close what uses it")
        self._files = Files(self._board)

    def close(self) -> None:
        """Restart the board's program and close the port."""
        try:
            with contextlib.suppress(OSError):
                self._board.serial.write(b"\r\x02\x04")
                time.sleep(0.1)
        finally:
            self._board.close()

    @contextlib.contextmanager
    def _repl(self) -> Iterator[None]:
        try:
            self._board.enter_raw_repl()
            yield
            self._board.exit_raw_repl()
        except self._error as error:
            raise PilotwireError(f"a command failed on {self.port}", _last(error), "press EN (or RST) and try again")

    def json(self, code: str, expression: str) -> object:
        """See LiveBoard.json."""
        with self._repl():
            printed = self._board.exec_(f"{code}\nimport json\nprint(json.dumps({expression}))")
        return json.loads(printed.decode().strip().splitlines()[-1])

    def hashes(self, names: list[str]) -> dict[str, str]:
        """See LiveBoard.hashes."""
        from pilotwire.device.raw_repl import HASHES

        found: dict[str, str] = {}
        for at in range(0, len(names), 16):
            part = self.json(HASHES, f"{{n: _hash(n) for n in {names[at : at + 16]!r}}}")
            assert isinstance(part, dict)
            found.update(part)
        return found

    def write(self, name: str, data: bytes) -> None:
        """See LiveBoard.write; ampy writes in place."""
        try:
            folder = ""
            for part in name.split("/")[1:-1]:
                folder += "/" + part
                self._files.mkdir(folder, exists_okay=True)
            self._files.put(name, data)
        except (self._error, RuntimeError) as error:
            raise PilotwireError(f"cannot write {name} on {self.port}", _last(error), "try again")

    def remove(self, name: str) -> None:
        """See LiveBoard.remove."""
        try:
            self._files.rm(name)
        except (self._error, RuntimeError) as error:
            raise PilotwireError(f"cannot remove {name} on {self.port}", _last(error))


def _last(error: BaseException) -> str:
    """The last line of what the board said, which ampy's errors carry as their last argument."""
    told = error.args[-1] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    return (text.strip().splitlines() or [""])[-1]


def run(port: str | None, *, via: str, lines: bool, as_json: bool, soft: bool = False, again: bool = False) -> None:
    """`pilotwire upload`.

    Args:
        port: None to find it.
        via: "mpremote" or "ampy".
        lines: build with line numbers.
        as_json: one object at the end instead of lines.
        soft: start only the interpreter again, not the chip: faster, and what its memory of the clock holds counts as before.
        again: go on, and do it again whenever a source has changed, until Ctrl-C.
    """
    chosen = ports.choose(port)
    _once(chosen, via, lines, as_json, soft)
    if again:
        if not as_json:
            print("waiting for changes; Ctrl-C ends it", flush=True)
        for _ in _changes():
            try:
                _once(chosen, via, lines, as_json, soft)
            except PilotwireError as error:
                # A source that does not compile, a board that was unplugged: the next change may mend it.
                print(f"pilotwire: {error}", file=sys.stderr, flush=True)


def _once(port: str, via: str, lines: bool, as_json: bool, soft: bool) -> None:
    made = build.modules(lines=lines)  # not packed: what has changed is soon sent
    say = (lambda text: None) if as_json else (lambda text: print(text, flush=True))
    began = time.monotonic()
    if via == "ampy":
        done = _by_ampy(port, made, say)
    else:
        from pilotwire.device.raw_repl import LiveBoard

        with LiveBoard(port, restart="soft" if soft else "reset") as board:
            done = upload(board, made, say)
    account = {"port": port, **done, "files": len(made), "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        print(json.dumps(account), flush=True)
    else:
        count = len(done["sent"])
        print(f"{count} of {len(made)} files sent in {account['seconds']} s; the board starts again", flush=True)


def _changes() -> Iterator[None]:
    """Once for each time at which sources have changed and are still for a moment."""
    before = _stamps()
    while True:
        time.sleep(_LOOK_S)
        now = _stamps()
        if now != before:
            before = now
            yield


def _stamps() -> dict[Path, int]:
    """When each source was last written."""
    root = build.repository()
    found = {}
    for folder in (root / "firmware", root / "lib"):
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".txt"):
                with contextlib.suppress(OSError):  # an editor that replaces it just now
                    found[path] = path.stat().st_mtime_ns
    return found


def _by_ampy(port: str, made: dict[str, bytes], say: Callable[[str], None]) -> dict[str, list[str]]:
    try:
        import ampy.pyboard  # noqa: F401
    except ImportError:
        raise PilotwireError(
            "cannot upload by ampy", "it is not installed", "`pip install 'pilotwire[ampy]'`, or leave --via out"
        )
    way = AmpyWay(port)
    try:
        return upload(way, made, say)
    finally:
        way.close()
