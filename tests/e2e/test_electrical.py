"""Every fault from the model down to the contactor and up to the StatusNotification; latched ones over a restart."""

import json

import pytest

from pilotwire.sim import model, opening, world

METER = {"driver": "sdm630", "uart": 2, "rx": 18, "tx": 19, "baud": 9600}
PN532 = {"driver": "pn532", "uart": 1, "rx": 16, "tx": 17, "baud": 115200}
# A board that can see everything: monitor of the earth, a meter that is asked, a reader that is asked.
BOARD = {"rfid": PN532, "connectors": [{"earth": 5, "s0": None, "pulses_per_kwh": None, "meter": METER}]}

# kind at the control socket: (when it comes, its name at the firmware, errorCode, ms until the contacts are open, how it ends)
# It ends: itself; when the car has gone ("unplugged"); by a long press of the button ("button").
FAULTS = {
    "rcd": ("charging", "rcd", "GroundFailure", 100, "button"),
    "open_pe": ("charging", "open_pe", "GroundFailure", 100, "itself"),
    "emergency": ("charging", "emergency", "OtherError", 100, "itself"),
    "short": ("charging", "short", "EVCommunicationError", 100, "itself"),
    "tamper": ("charging", "tamper", "OtherError", 300, "itself"),
    "diode": ("charging", "diode", "EVCommunicationError", 400, "unplugged"),
    "temperature": ("charging", "temperature", "HighTemperature", 1000, "itself"),
    "cable": ("charging", "cable", "OtherError", 1500, "itself"),
    "over_current": ("charging", "over_current", "OverCurrentFailure", 20000, "unplugged"),
    "meter": ("charging", "meter", "PowerMeterFailure", 20000, "itself"),
    "weld": ("charging", "weld", "PowerSwitchFailure", None, "button"),
    "no_close": ("plugged", "no_close", "PowerSwitchFailure", None, "unplugged"),
    "lock": ("plugged", "lock", "ConnectorLockFailure", None, "itself"),
    "rcd_test": ("left", "rcd", "GroundFailure", None, "button"),
    "reader": ("available", "reader", "ReaderFailure", None, "itself"),
}


def errors(charger, connector=1):
    """errorCodes that were told of a connector, in order, without NoError."""
    return [
        frame["errorCode"]
        for frame in told(charger)
        if frame["connectorId"] == connector and frame["errorCode"] != "NoError"
    ]


def told(charger):
    return [
        json.loads(frame.text)[3]
        for frame in charger.frames
        if frame.direction == "in" and frame.action == "StatusNotification" and json.loads(frame.text)[0] == 2
    ]


async def begin(bench, kind, when):
    """The fault comes at its time."""
    if when == "charging":
        await bench.charge()
        await bench.passes(8)
        await bench.do("fault", kind=kind)
        if kind == "weld":
            await bench.do("pause")
        return
    await bench.do("fault", kind=kind)
    if when == "plugged":
        await bench.do("plug")
        await bench.until(status="Preparing")
        await bench.do("tag", id="C0FFEE01")
    elif when == "left":
        await bench.charge()
        await bench.passes(3)  # the reader takes a card once until it has been away
        await bench.do("tag", id="C0FFEE01")
        await bench.until(closed=False, locked=False)
        await bench.do("unplug")


async def recover(bench, kind, end):
    """It is repaired, and the car goes."""
    await bench.do("clear", kind=kind)
    await bench.passes(3)
    fault = bench.state()["fault"]
    assert (fault is None) == (end == "itself"), f"{kind}: {fault}"
    if end == "button":
        await bench.do("button", seconds=4)
        await bench.until(fault=None, timeout_s=15)
    if bench.state()["transaction"]:
        await bench.do("tag", id="C0FFEE01")
    if bench.state()["plugged"]:
        await bench.leave()
    await bench.until(status="Available", fault=None)
    await bench.passes(3)  # the reader takes a card once until it has been away


# req: STAT-04, STAT-05
# Every fault of the model: the contacts open in time or never close, the central system is told, and it ends as it should.
@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (1, 2))])
async def test_every_fault(bench, part):
    assert set(FAULTS) == {*model.FAULTS, *world.STATION_FAULTS}
    charger = await bench.start(board=BOARD)
    for kind, (when, name, code, most_ms, end) in [*FAULTS.items()][part::3]:
        number = 0 if kind == "reader" else 1
        since = len(bench.events)
        seen = len(told(charger))
        await begin(bench, kind, when)
        if number:
            await bench.until(status="Faulted", fault=name, timeout_s=40)
            await bench.until(closed=kind == "weld", timeout_s=1)
            assert bench.state()["locked"] or kind != "weld", "a live plug is never let go"
        new = await bench.told(lambda c: [f for f in told(c)[seen:] if f["errorCode"] != "NoError"], timeout_s=20)  # noqa: B023
        shown = {(f["connectorId"], f["status"], f["errorCode"], f["vendorErrorCode"]) for f in new}
        assert shown == {(number, "Faulted" if number else "Available", code, name)}
        if most_ms:
            times = {e.what: e.time_ms for e in bench.events[since:] if e.who in ("contactor", "person")}
            assert times["opens"] - times[f"causes fault {kind}"] <= most_ms, kind
        await recover(bench, kind, end)
        await bench.told(lambda c: [f for f in told(c) if f["connectorId"] == number][-1]["errorCode"] == "NoError")  # noqa: B023
    assert all(t.starts == t.stops == 1 for t in charger.transactions.values())


# A latched fault stays through a restart of the charger, and a long press of the button lets it go.
async def test_latched_fault_outlives_a_restart(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.do("fault", kind="rcd")
    await bench.until(status="Faulted", closed=False)
    await bench.do("clear", kind="rcd")
    boots = len(charger.boots)
    await bench.passes(5)
    await charger.call("Reset", {"type": "Hard"})
    await bench.told(lambda c: len(c.boots) > boots)
    await bench.until(status="Faulted", fault="rcd")
    await bench.passes(10)
    await bench.do("button", seconds=4)
    await bench.until(fault=None, timeout_s=10)
    await bench.do("unplug")
    await bench.until(status="Available")


# A lock that moves again is locked, and the car charges.
async def test_lock_that_is_repaired(bench):
    await bench.start()
    await bench.do("fault", kind="lock")
    await bench.do("plug")
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: "Faulted" in c.statuses[1])  # for a moment: nobody is authorised any more, so it rests
    await bench.do("clear", kind="lock")
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Charging", closed=True)


# A short that goes away: the same transaction goes on.
async def test_a_fault_that_only_interrupts(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.do("fault", kind="short")
    await bench.until(closed=False)
    await bench.do("clear", kind="short")
    await bench.until(status="Charging", closed=True)
    assert len(charger.transactions) == 1


# Warm: less current, in steps of an ampere; told to the car by the duty.
@pytest.mark.exhaustive
async def test_derating(bench):
    await bench.start()
    await bench.charge()
    await bench.do("warm", celsius=70, seconds=60)
    await bench.until(timeout_s=300, offered_ma={"<=": 28000})
    assert bench.state()["closed"] and max(bench.state()["drawn_ma"]) <= 30000
    await bench.do("warm", celsius=30, seconds=0)
    await bench.until(timeout_s=600, offered_ma=32000)


# An S0 meter without pulses for half an hour while a car draws.
@pytest.mark.exhaustive
async def test_silent_meter(bench):
    await bench.start(settings={"MeterValueSampleInterval": "0"})
    await bench.charge()
    await bench.do("fault", kind="meter")
    await bench.until(status="Faulted", fault="meter", timeout_s=2000)
    await bench.told(lambda c: errors(c) == ["PowerMeterFailure"])


# A car that sleeps is not woken unless the owner wants it; ventilation is not there; a car without B charges.
async def test_cars(bench):
    await bench.start()
    await bench.do("plug", car="ventilation")
    await bench.do("tag", id="C0FFEE01")
    await bench.passes(20)
    assert not bench.state()["closed"]
    await bench.do("tag", id="C0FFEE01")
    await bench.until(locked=False)
    await bench.do("unplug")
    await bench.until(status="Available")
    await bench.do("plug", car="no_b", phases=1, cable_a=20)
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Charging", closed=True)
    await bench.until(drawn_ma=[{">=": 19500}, 0, 0], timeout_s=20)


# At most 100 ms from the cause to the contacts, with nothing else going on.
@pytest.mark.exhaustive
async def test_time_to_open(bench):
    tethered = {"socket": False, "lock": None, "lock_feedback": None, "proximity_adc": None}
    await bench.start(board={"connectors": [tethered]})
    for cause in ("car opens S2", "unplug", "rcd", "short", "emergency"):
        times = await opening.measure(bench.box, bench.events, cause, times=2)
        assert len(times) == 2 and max(times) <= 100, (cause, times)


# A Modbus meter in place of pulses: register, power and the current of each phase; silent for ten seconds, and it is a fault.
async def test_meter_that_is_asked(bench):
    board = {"connectors": [{"s0": None, "pulses_per_kwh": None, "meter": METER}]}
    measurands = "Energy.Active.Import.Register,Current.Import,Voltage"
    settings = {"MeterValuesSampledData": measurands, "MeterValueSampleInterval": "30"}
    charger = await bench.start(board=board, settings=settings)
    async with bench.energy() as flowed:
        await bench.charge()
        await bench.told(lambda c: len(c.meter_values) >= 3, timeout_s=180)
        values = charger.meter_values[-1]["meterValue"][0]["sampledValue"]
        currents = {v["phase"]: float(v["value"]) for v in values if v["measurand"] == "Current.Import"}
        assert currents == {f"L{k}": pytest.approx(32, abs=0.1) for k in (1, 2, 3)}
        assert [float(v["value"]) for v in values if v["measurand"] == "Voltage"] == [pytest.approx(230, abs=1)] * 3
        register = int(next(v["value"] for v in values if v["measurand"] == "Energy.Active.Import.Register"))
        assert register == pytest.approx(flowed.wh, rel=0.05)


# One phase of a car that draws too much is seen by a meter that tells the phases.
@pytest.mark.exhaustive
async def test_over_current_of_one_phase(bench):
    await bench.start(board={"connectors": [{"s0": None, "pulses_per_kwh": None, "meter": METER}]})
    await bench.do("plug", phases=1)
    await bench.charge(plug=False)
    await bench.passes(8)
    await bench.do("fault", kind="over_current")
    await bench.until(status="Faulted", fault="over_current", timeout_s=20)


# A PN532 reads the tags.
async def test_reader(bench):
    charger = await bench.start(board={"rfid": PN532})
    await bench.passes(2)
    await bench.charge(tag="04A1B2C3")
    assert next(iter(charger.transactions.values())).tag == "04A1B2C3"


# The pilot is measured while the app runs: what board.json says wrongly is put right, and the states with it.
async def test_calibration(bench):
    wrong = [[300, -12000], [2400, 12000]]
    await bench.start(wait=False, heap=200 * 1024, before_main=f"""
import json
with open("/board.json") as f:
    board = json.load(f)
if not board.get("touched"):
    board["connectors"][0]["pilot_calibration"] = {wrong}
    with open("/board.json", "w") as f:
        json.dump(board, f)
""")
    await bench.told(lambda c: len(c.statuses) == 2)
    await bench.do("plug")
    await bench.passes(3)
    assert bench.state()["state"] == "A", "9 V look like 12"
    await bench.do("unplug")
    await bench.do("calibrate", high_mv=12000, low_mv=-12000)
    await bench.logged("is calibrated: [[300, -12000], [2700, 12000]]")
    await bench.charge()
    await bench.do("calibrate")
    await bench.logged("an order that can not be obeyed", "unplug the car first")
    assert bench.state()["closed"]


# Load management that falls silent leaves what the owner has set, from the start on.
async def test_load_management(bench):
    await bench.start(settings={"LoadFallbackCurrent": "10"})
    await bench.charge()
    await bench.until(offered_ma=10000)
    await bench.do("limit", slot="load", ma=20000, seconds=60)
    await bench.until(offered_ma=20000)
    await bench.until(offered_ma=10000, timeout_s=80)


# A car that sleeps is woken where the owner wants it.
@pytest.mark.exhaustive
async def test_wake_up(bench):
    await bench.start(settings={"WakeUpCar": "true"})
    await bench.do("plug", car="sleeping")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Charging", timeout_s=150)


# Ten seconds of the button: set-up mode with settings as new, and the ledger as it was.
@pytest.mark.exhaustive
async def test_factory_reset(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.do("network", up=False)
    await bench.do("tag", id="C0FFEE01")
    await bench.leave()
    boots = len(charger.boots)
    await bench.do("button", seconds=12)
    await bench.do("wait", until={"setup": {}}, timeout_s=60)
    await bench.stop()
    # The owner sets it up again, and the Stop is still there.
    await bench.start(wait=False)
    await bench.told(lambda c: len(c.boots) > boots and next(iter(c.transactions.values())).stops == 1)
