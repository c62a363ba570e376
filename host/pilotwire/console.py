"""The prompt that follows the demo: scenario lines typed by a person, against the running box."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import TextIO

from pilotwire.errors import PilotwireError
from pilotwire.player import Player
from pilotwire.scenario import WORDS, parse_line

_HELP = f"""\
Words: {", ".join(WORDS)}, help, quit
  plug connector=1 cable_a=32 car=normal    tag id=C0FFEE01     limit slot=user ma=8000
  remote_start id=C0FFEE01 connector=1      remote_stop         unplug connector=1
  fault connector=1 kind=diode              speed factor=60     state"""


async def converse(player: Player, out: TextIO) -> None:
    """Reads lines from stdin until `quit` or its end, plays each, and says how it went.

    Args:
        player: plays the lines.
        out: where prompt and answers go.
    """
    lines = _lines()
    print(f"\nNow it is yours, in real time. {_HELP}", file=out)
    while True:
        print("> ", end="", file=out, flush=True)
        line = await lines.get()
        if line is None or line.strip() in ("quit", "exit"):
            return
        if line.strip() == "help":
            print(_HELP, file=out)
            continue
        try:
            step = parse_line(line)
            if step is not None:
                answer = await player.step(step)
                if answer or step.word == "state":
                    print(json.dumps(answer, indent=2, default=str), file=out)
        except (PilotwireError, TimeoutError) as error:
            print(f"pilotwire: {error}", file=out)


def _lines() -> asyncio.Queue[str | None]:
    """Lines of stdin as they come, None at its end.

    A daemon thread, since asyncio cannot read a stdin that is a regular file, and since a reader
    that waits must not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def put(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, line)

    def read() -> None:
        try:
            for line in sys.stdin:
                put(line)
        finally:
            put(None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return queue
