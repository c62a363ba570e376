# Cold: puts a Wallbox together from the parts of this board. Loaded once at start, and dropped.
import json

import cold
from port.board import Board
from port.clock import Clock
from settings import Settings
from store import Store

_HERE = __file__.rsplit("/", 1)[0]
_SLOTS = "port.slots"


def make(slot):
    """The wallbox of this board, ready to run. From set-up mode it does not return."""
    with open("/board.json") as f:
        board = Board(json.load(f))
    clock = Clock()
    store = Store("/data")
    settings = Settings(store, _HERE + "/settings.txt")
    with open(_HERE + "/build.json") as f:
        version = json.load(f)["version"]
    nothing = not (settings.get("CentralSystemURL") or settings.get("FreeChargingTag"))
    if nothing or board.reset_cause == "setup":
        from port.access_point import AccessPoint

        cold.call("setup.mode", "run", board, settings, AccessPoint(), clock, nothing, version, slot)
    return _charger(board, clock, store, settings, slot, version)


def _charger(board, clock, store, settings, slot, version):
    cold.load("vocabulary")
    cold.drop("vocabulary")
    # Imported only now: set-up mode needs the room.
    from app import Wallbox
    from flashlog import FlashLog
    from ledger import Ledger
    from log import Log
    from ocpp16.transactions import DATA, SAMPLE
    from port import storage
    from port.console import Console
    from port.link import Link

    # The sectors of the ledger partition: journal, samples (which may be given up undone, oldest first), registers.
    sectors = (((), 0, 44), ((SAMPLE, DATA), 44, 71), ((), 124, 4))
    flash = storage.open_ledger_partition()
    log = Log(level=settings.get("LogLevel"), kept=FlashLog(Ledger(flash, range(256), 115, 5), clock))
    link = Link(settings.get("WifiSsid"), settings.get("WifiKey"), clock, board.lan)
    ledgers = [Ledger(flash, kinds, first, count) for kinds, first, count in sectors]
    ledgers.append((flash, 120, 4))  # type: ignore  # of security events, opened for each
    wallbox = Wallbox(board, store, ledgers, link, clock, settings, log, slot, version)
    if settings.damaged:
        log.error("app", "%d settings files were damaged; values are the last good ones" % settings.damaged)
    wallbox.console = Console()
    wallbox.ocpp.slot = slot
    wallbox.ocpp.slots = _SLOTS
    wallbox.ocpp.trial = cold.call(_SLOTS, "on_trial", slot)
    wallbox.proven = False
    _forget(wallbox)
    return wallbox


def _forget(wallbox):
    """Free the code that made what is made only at start: 3 KB."""
    ocpp, outlet = wallbox.ocpp, wallbox.outlets[0]
    once = [wallbox, wallbox.board, wallbox.log, wallbox.console, wallbox.settings, wallbox.clock, wallbox.connection, outlet]
    once += [outlet.evse, outlet.board, ocpp, ocpp.link, ocpp.rpc, ocpp.store, ocpp.transactions, ocpp.connectors[0]]
    once += [ocpp.statuses, ocpp.sampling, ocpp.profiles]
    for part in once + list(outlet.evse.__dict__.values()):
        try:
            type(part).__init__ = None  # what is only deleted stays in the table
        except AttributeError:
            pass  # a number
