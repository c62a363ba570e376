"""The whole app on a board of plain Python.

    box, board = wallbox(parts="contactor2")
    charge(box, board); run(box, 60)            a car, a tag, and a minute
"""

from app import Wallbox
from fake_board import FakeBoard
from ledger import Ledger
from log import Log
from nor import Region
from ocpp16.transactions import DATA, SAMPLE
from ocpp_bench import TABLE, Clock, MemoryStore, flash
from settings import Settings


class NoLink:
    """A link that never comes up."""

    up = False


class Board(FakeBoard):
    """It keeps the last report: all of them would take more of the heap than the firmware."""

    reported = ""

    def report(self, line):
        self.reported = line


def wallbox(connectors=1, socket=False, sectors=8, parts="", nor=None, **values):
    board = Board(connectors)
    for part in board.connectors:
        part.max_ma = 32000
        part.pulses_per_kwh = 1000
        part.socket = socket
        part.ventilation = False
        part.parts = parts
    region = Region(nor or flash(sectors), 0, sectors)
    ledgers = (
        Ledger(region, (), 0, sectors - 4),
        Ledger(region, (SAMPLE, DATA), sectors - 4, 2),
        Ledger(region, (), sectors - 2, 2),
    )
    store = MemoryStore()
    store.write("accepted", b"")
    settings = Settings(store, TABLE)
    settings.set("AllowOfflineTxForUnknownId", "true")
    for name in values:
        settings.set(name, values[name])
    lines = []
    box = Wallbox(board, store, ledgers, NoLink(), Clock(), settings, Log(print=lines.append), report=board.report)
    box.lines = lines
    return box, board


def run(box, seconds):
    for i in range(seconds * 50):
        box.clock.advance(20)
        box.step()
        if i % 5 == 4:
            box.tick()


def charge(box, board):
    """A car at the first connector, a tag, and the contactor closes."""
    part = board.connectors[0]
    part.car = "B"
    run(box, 2)
    board.tags.append("A")
    run(box, 1)
    part.car = "C"
    run(box, 2)
    assert part.closed
