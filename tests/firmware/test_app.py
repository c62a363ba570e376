# heap: 300K
# (104K for one wallbox and its flash, the rest for this file and a second one)
# The whole app on a board of plain Python: what the root wires together, and that two of them do not meet.
import gc

from app import Wallbox
from fake_board import FakeBoard
from ledger import Ledger
from log import Log
from nor import Nor, Region
from ocpp_bench import TABLE, Clock, MemoryStore
from ocpp16.transactions import DATA, SAMPLE
from settings import Settings


class NoLink:
    """A link that never comes up."""

    up = False


def wallbox(connectors=1, socket=False, sectors=8):
    board = FakeBoard(connectors)
    for part in board.connectors:
        part.max_ma = 32000
        part.pulses_per_kwh = 1000
        part.socket = socket
        part.ventilation = False
    gc.collect()  # one piece of this size is wanted
    flash = bytearray(4096 * sectors)
    for i in range(0, len(flash), 64):
        flash[i : i + 64] = b"\xff" * 64
    region = Region(Nor(flash), 0, sectors)
    ledgers = (
        Ledger(region, (), 0, sectors - 4),
        Ledger(region, (SAMPLE, DATA), sectors - 4, 2),
        Ledger(region, (), sectors - 2, 2),
    )
    store = MemoryStore()
    store.write("accepted", b"")
    settings = Settings(store, TABLE)
    settings.set("AllowOfflineTxForUnknownId", "true")
    lines = []
    box = Wallbox(board, store, ledgers, NoLink(), Clock(), settings, Log(print=lines.append), report=lines.append)
    box.lines = lines
    return box, board


def run(box, seconds):
    for i in range(seconds * 50):
        box.clock.advance(20)
        box.step()
        if i % 5 == 4:
            box.tick()


# A tag and a car: the contactor closes, pulses become Wh, the tag again ends it; all without a central system.
def test_session_offline():
    box, board = wallbox()
    part = board.connectors[0]
    part.car = "B"
    run(box, 2)
    assert not part.closed
    board.tags.append("A")
    run(box, 1)
    assert part.duty == 533
    part.car = "C"
    run(box, 2)
    assert part.closed and box.ocpp.connectors[0].status == "Charging"
    for _ in range(10):
        part.pulse_count += 5
        run(box, 1)
    assert box.ocpp.connectors[0].energy_wh == 50
    board.tags.append("A")
    run(box, 1)
    assert part.duty == 1000
    part.car = "B"
    run(box, 1)
    assert not part.closed and box.ocpp.connectors[0].status == "Finishing"
    assert box.ocpp.transactions.queued == 2
    assert board.fed > 0 and any([line.startswith('@{"') for line in box.lines])


# A fault on the electrical side ends the transaction, and nothing comes back by itself.
def test_emergency():
    box, board = wallbox()
    part = board.connectors[0]
    part.car = "B"
    run(box, 2)
    board.tags.append("A")
    run(box, 1)
    part.car = "C"
    run(box, 2)
    assert part.closed
    board.emergency_on = True
    run(box, 1)
    assert not part.closed and box.ocpp.connectors[0].status == "Faulted"
    board.emergency_on = False
    run(box, 40)
    assert not part.closed and not box.outlets[0].evse.allowed


# req: CFG-10
# A fixed cable has nothing to unlock: the key says so and can't be changed.
def test_fixed_cable():
    box, _ = wallbox(socket=False)
    assert box.settings.get("UnlockConnectorOnEVSideDisconnect") is False
    box = None
    box, _ = wallbox(socket=True)
    assert box.settings.get("UnlockConnectorOnEVSideDisconnect") is True


# An order over the serial line; one that makes no sense is a warning.
def test_orders():
    box, board = wallbox()
    orders = [{"limit": {"connector": 1, "slot": "user", "ma": 10000}}, {"limit": 7}, {"limit": {"connector": 9}}]

    class Console:
        def order(self):
            return orders.pop(0) if orders else None

    box.console = Console()
    run(box, 1)
    assert ("user", 10000, "serial line") in box.outlets[0].evse.limits.items()
    assert len([line for line in box.lines if line.startswith("W app")]) == 2


# The safety step stops: the watchdog is not fed any more.
def test_watchdog_needs_the_step():
    box, board = wallbox()
    run(box, 1)
    fed = board.fed
    for _ in range(20):
        box.clock.advance(100)
        box.tick()
    assert board.fed - fed <= 1


# Two wallboxes in one interpreter share nothing.
def test_two():
    one, board = wallbox(sectors=6)
    two, _ = wallbox(sectors=6)
    board.connectors[0].car = "B"
    run(one, 2)
    run(two, 2)
    assert one.ocpp.connectors[0].status == "Preparing" and two.ocpp.connectors[0].status == "Available"
