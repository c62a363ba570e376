"""The prompt after the demo, with lines from a stdin that is no terminal."""

import asyncio
import io

import pytest

from pilotwire import console
from pilotwire.errors import PilotwireError
from pilotwire.player import Player


class Box:
    """Remembers what it was told; refuses `plug`."""

    def __init__(self):
        self.told = []

    async def do(self, word, **fields):
        self.told.append((word, fields))
        if word == "plug":
            raise PilotwireError("plug was refused", "there is a car already")
        return {"slot": "a"} if word == "state" else {}


@pytest.mark.parametrize("end", ["quit\nunplug\n", ""])
def test_lines_are_played_and_errors_do_not_end_it(monkeypatch, end):
    lines = "tag id=0815\n\nplug\nfrob\nhelp\nstate\n" + end
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    box, out = Box(), io.StringIO()
    asyncio.run(asyncio.wait_for(console.converse(Player(box), out), 10))
    assert box.told == [("tag", {"id": "0815"}), ("plug", {}), ("state", {})]
    text = out.getvalue()
    assert "pilotwire: plug was refused, there is a car already" in text
    assert "pilotwire: unknown word 'frob'" in text
    assert '"slot": "a"' in text and text.count("Words: ") == 2
