# Cold: puts a Wallbox together from the parts of this board. Loaded once at start, and dropped.
import json

from app import Wallbox
from flashlog import FlashLog
from ledger import Ledger
from log import Log
from ocpp16.transactions import DATA, SAMPLE
from port import storage
from port.board import Board
from port.clock import Clock
from port.console import Console
from port.link import Link
from settings import Settings
from store import Store

_HERE = __file__.rsplit("/", 1)[0]
# The sectors of the ledger partition: journal, samples (which may be given up undone, oldest first), registers; and the log.
_LEDGERS = (((), 0, 44), ((SAMPLE, DATA), 44, 72), ((), 124, 4))
_LOG = (range(256), 116, 8)


def make(slot):
    """The wallbox of this board, ready to run."""
    with open("/board.json") as f:
        board = Board(json.load(f))
    clock = Clock()
    store = Store("/data")
    settings = Settings(store, _HERE + "/settings.txt")
    flash = storage.open_ledger_partition()
    log = Log(level=settings.get("LogLevel"), kept=FlashLog(Ledger(flash, *_LOG), clock))
    link = Link(settings.get("WifiSsid"), settings.get("WifiKey"), clock)
    with open(_HERE + "/build.json") as f:
        version = json.load(f)["version"]
    ledgers = [Ledger(flash, kinds, first, count) for kinds, first, count in _LEDGERS]
    wallbox = Wallbox(board, store, ledgers, link, clock, settings, log, slot, version)
    wallbox.console = Console()
    return wallbox
