# The whole app on a board of plain Python: what the root wires together, and that two of them do not meet.
import os
from struct import unpack_from

from app_bench import charge, run, wallbox
from nor import Nor, blank
from ocpp16.transactions import STOP
import cold
import iso8601

_SECOND = blank(6)  # flash of a second wallbox


class Console:
    """Orders that come one after the other."""

    def __init__(self, orders):
        self._orders = orders

    def order(self):
        return self._orders.pop(0) if self._orders else None


def press(box, board, seconds):
    """The button is held for so long, a tick at least."""
    board.pressed = True
    run(box, seconds) if seconds else box.tick()
    board.pressed = False
    run(box, 1)


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
    assert board.fed > 0 and board.reported.startswith('@{"')


# req: TX-11
# The tag says stop, the car draws for three seconds more: each Wh up to the contactor's opening is on the bill.
def test_the_bill_ends_with_the_flow():
    box, board = wallbox()
    part = board.connectors[0]
    c = box.ocpp.connectors[0]
    charge(box, board)
    part.pulse_count = 50
    board.tags.append("A")
    for _ in range(3):
        part.pulse_count += 5
        run(box, 1)
    assert part.closed and c.transaction and board.kept[0] == 65
    part.pulse_count += 1
    part.car = "B"
    run(box, 1)
    assert not part.closed and c.transaction is None
    [stop] = [data for _, kind, data, _ in box.ocpp.transactions.journal.records() if kind == STOP]
    assert unpack_from("<I", stop, 10)[0] == 66


# A fault on the electrical side ends the transaction, and nothing comes back by itself.
def test_emergency():
    box, board = wallbox()
    part = board.connectors[0]
    charge(box, board)
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
    box.console = Console(orders)
    run(box, 1)
    assert ("user", 10000, "serial line") in box.outlets[0].evse.limits.items()
    assert len([line for line in box.lines if line.startswith("W app")]) == 2


# A load manager has a time in which it must speak again, and what is not a whole number is refused.
def test_load_management():
    box, board = wallbox(LoadFallbackCurrent="8")
    limits = box.outlets[0].evse.limits
    assert limits.items()[-1] == ("load", 8000, "silent")
    orders = [{"limit": {"connector": 1, "slot": "load", "ma": 20000, "seconds": 30}}]
    for ma, seconds in ((1.5, 1), (7000, 0.5), (-1, 0)):
        orders.append({"limit": {"connector": 1, "slot": "load", "ma": ma, "seconds": seconds}})
    box.console = Console(orders)
    run(box, 29)
    assert limits.items()[-1] == ("load", 20000, "serial line")
    assert len([line for line in box.lines if line.startswith("W app")]) == 3
    run(box, 2)
    assert limits.items()[-1] == ("load", 8000, "silent")


# A step that can not see opens, and the charger starts again.
def test_a_step_that_dies():
    box, board = wallbox()
    part = board.connectors[0]
    charge(box, board)

    def dead():
        raise OSError(-263)

    part.pilot_mv = dead
    box.clock.advance(20)
    box.step()
    assert not part.closed and not part.closed2
    try:
        box.tick()
    except OSError:
        return
    raise AssertionError("nobody knows")


# The hook of a handshake and the timer's callback: not one within the other, and not twice for callbacks that have piled up.
def test_steps_do_not_nest_nor_pile_up():
    box, board = wallbox()
    part = board.connectors[0]
    calls = []

    def pilot_mv():
        calls.append(box.clock.now_ms())
        box.clock.advance(30)
        box.step()
        return [12000, 12000]

    part.pilot_mv = pilot_mv
    box.clock.advance(20)
    box.step()
    assert len(calls) == 1
    del part.pilot_mv
    part.pilot_mv = lambda: calls.append(0) or [12000, 12000]
    for _ in range(8):
        box.step()
    assert len(calls) == 2


# A short press starts and stops where charging is free; ten seconds make the box as new, but for its ledger.
def test_button():
    box, board = wallbox(FreeChargingTag="FREE", SetupPassword="on the label")
    part = board.connectors[0]
    run(box, 1)
    press(box, board, 5)
    part.car = "B"
    run(box, 2)
    part.car = "C"
    run(box, 3)
    assert part.closed
    try:
        press(box, board, 11)
    except SystemExit:
        raise AssertionError("a car charges")
    press(box, board, 0)
    run(box, 1)
    part.car = "B"
    run(box, 1)
    assert not part.closed and box.ocpp.connectors[0].status == "Finishing"
    queued = box.ocpp.transactions.queued
    with open(box.settings.store.path("profiles"), "w") as f:
        f.write("x")
    try:
        press(box, board, 11)
    except SystemExit:
        assert board.restarts == ["reset"]
        assert os.listdir(box.settings.store.path("x")[:-2]) == []
        assert box.settings.values == {"SetupPassword": "on the label"}
        assert box.ocpp.transactions.queued == queued > 0
        return
    raise AssertionError("no restart")


def test_button_at_the_start():
    box, board = wallbox()
    try:
        press(box, board, 4)
    except SystemExit:
        assert board.restarts == ["setup"]
        return
    raise AssertionError("no restart")


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
    two, _ = wallbox(sectors=6, nor=Nor(_SECOND))
    board.connectors[0].car = "B"
    run(one, 2)
    run(two, 2)
    assert one.ocpp.connectors[0].status == "Preparing" and two.ocpp.connectors[0].status == "Available"


# req: SC-EVAL-06, SC-EVAL-07, SC-EVAL-09
# A charging profile down to the pilot: its limit from the first current on, a pause, one phase where the board can switch.
def test_charging_profile():
    box, board = wallbox(parts="contactor2 pilot_switch")
    part, cp = board.connectors[0], box.ocpp
    assert box.settings.get("ConnectorSwitch3to1PhaseSupported")
    cp.clock.set_utc(iso8601.parse("2026-11-22T10:00:00Z"))

    def limit(amps, phases=None):
        period = {"startPeriod": 0, "limit": amps}
        if phases:
            period["numberPhases"] = phases
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        what = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}
        what.update(chargingProfileKind="Relative", chargingSchedule=schedule)
        assert cold.call("ocpp16.smart_charging", "install", cp, 1, what, None, False)

    limit(10)
    part.car = "B"
    run(box, 2)
    board.tags.append("A")
    run(box, 1)
    assert part.duty == 166
    part.car = "C"
    run(box, 2)
    assert part.closed and part.closed2 and cp.connectors[0].status == "Charging"
    limit(0)
    run(box, 1)
    assert part.duty == 1000 and cp.connectors[0].status == "SuspendedEVSE"
    part.car = "B"
    run(box, 1)
    assert not part.closed and cp.connectors[0].transaction
    limit(16, 1)
    run(box, 70)
    part.car = "C"
    run(box, 3)
    assert part.closed and not part.closed2 and part.duty == 266
    assert cold.call("ocpp16.composite_schedule", "Profile", cp) and box.ocpp.profiles.hardware(0) == (32000, 1)
    assert box.ocpp.read(1)[5] == 16000 * 230 // 1000
    limit(16)
    run(box, 1)
    assert part.duty == 1000  # it goes back to three, with a pause


def test_no_switching():
    box, _ = wallbox()
    assert not box.settings.get("ConnectorSwitch3to1PhaseSupported")
    assert box.ocpp.profiles.hardware(0) == (32000, 3)
