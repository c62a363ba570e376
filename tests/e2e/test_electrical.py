"""Every fault from the model down to the contactor and up to the StatusNotification; latched ones over a restart."""

import json

import pytest

from pilotwire.sim import opening

# kind at the control socket, board in place of the virtual one's, errorCode, ms to open, does it end by itself, transaction ends
FAULTS = [
    ("rcd", {}, "GroundFailure", 100, False, True),
    ("open_pe", {"connectors": [{"earth": 18}]}, "GroundFailure", 100, True, True),
    ("emergency", {}, "OtherError", 100, True, True),
    ("tamper", {}, "OtherError", 300, True, True),
    ("short", {}, "EVCommunicationError", 100, True, False),
    ("diode", {}, "EVCommunicationError", 400, False, False),
    ("temperature", {}, "HighTemperature", 1000, True, False),
    ("over_current", {}, "OverCurrentFailure", 20000, False, True),
]


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


@pytest.mark.parametrize(("kind", "board", "code", "most_ms", "by_itself", "ends"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_fault_opens_and_is_told(bench, kind, board, code, most_ms, by_itself, ends):
    charger = await bench.start(board=board)
    await bench.charge()
    await bench.passes(8)
    begin = bench.box.time_ms
    await bench.do("fault", kind=kind)
    await bench.until(closed=False, timeout_s=30)
    opens = [e.time_ms for e in bench.events if e.who == "contactor" and e.what == "opens"]
    assert opens[-1] - begin <= most_ms
    await bench.until(status="Faulted", fault=kind)
    await bench.told(lambda c: errors(c) == [code])
    await bench.do("clear", kind=kind)
    await bench.passes(45)
    state = bench.state()
    if by_itself:
        assert state["fault"] is None
        if not ends:
            await bench.until(status="Charging", closed=True)
    else:
        assert state["fault"] == kind and not state["closed"]
    if not ends and not by_itself:
        await bench.do("pause")
    assert len(charger.transactions) == 1
    if ends and kind not in ("open_pe", "tamper"):
        await bench.told(lambda c: next(iter(c.transactions.values())).stops == 1)


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


# Contacts that do not open: PowerSwitchFailure, and the live plug stays locked.
async def test_weld(bench):
    await bench.start()
    await bench.charge()
    await bench.do("fault", kind="weld")
    await bench.do("pause")
    await bench.until(status="Faulted", fault="weld")
    assert bench.state()["closed"] and bench.state()["locked"]
    await bench.told(lambda c: errors(c) == ["PowerSwitchFailure"])


async def test_no_close(bench):
    await bench.start()
    await bench.do("fault", kind="no_close")
    await bench.do("plug")
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Faulted", fault="no_close")
    await bench.told(lambda c: errors(c) == ["PowerSwitchFailure"])


# A lock that does not move is tried three times, then told.
async def test_lock(bench):
    await bench.start()
    await bench.do("fault", kind="lock")
    await bench.do("plug")
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Faulted", fault="lock")
    await bench.told(lambda c: errors(c) == ["ConnectorLockFailure"])
    await bench.do("clear", kind="lock")
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Charging", closed=True)


# A monitor that does not trip when it is tested after the session.
async def test_monitor_that_fails_its_test(bench):
    await bench.start()
    await bench.do("fault", kind="rcd_test")
    await bench.charge()
    await bench.do("tag", id="C0FFEE01")
    await bench.until(closed=False, locked=False)
    await bench.do("unplug")
    await bench.until(status="Faulted", fault="rcd", timeout_s=10)
    await bench.told(lambda c: errors(c) == ["GroundFailure"])


# Warm: less current, in steps of an ampere; told to the car by the duty.
async def test_derating(bench):
    await bench.start()
    await bench.charge()
    await bench.do("warm", celsius=70, seconds=60)
    await bench.until(timeout_s=300, offered_ma={"<=": 28000})
    assert bench.state()["closed"] and max(bench.state()["drawn_ma"]) <= 30000
    await bench.do("warm", celsius=30, seconds=0)
    await bench.until(timeout_s=600, offered_ma=32000)


# An S0 meter without pulses for half an hour while a car draws.
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
@pytest.mark.parametrize("cause", ["car opens S2", "rcd", "short", "emergency"])
async def test_time_to_open(bench, cause):
    await bench.start()
    times = await opening.measure(bench.box, bench.events, cause, times=4)
    assert len(times) == 4 and max(times) <= 100, times


async def test_time_to_open_when_unplugged(bench):
    tethered = {"socket": False, "lock": None, "lock_feedback": None, "proximity_adc": None}
    await bench.start(board={"connectors": [tethered]})
    times = await opening.measure(bench.box, bench.events, "unplug", times=4)
    assert max(times) <= 100, times


METER = {"driver": "sdm630", "uart": 2, "rx": 18, "tx": 19, "baud": 9600}


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
    await bench.do("fault", kind="meter")
    await bench.until(status="Faulted", fault="meter", timeout_s=30)
    await bench.told(lambda c: errors(c) == ["PowerMeterFailure"])
    await bench.do("clear", kind="meter")
    await bench.until(fault=None, timeout_s=10)


# One phase of a car that draws too much is seen by a meter that tells the phases.
async def test_over_current_of_one_phase(bench):
    await bench.start(board={"connectors": [{"s0": None, "pulses_per_kwh": None, "meter": METER}]})
    await bench.do("plug", phases=1)
    await bench.charge(plug=False)
    await bench.passes(8)
    await bench.do("fault", kind="over_current")
    await bench.until(status="Faulted", fault="over_current", timeout_s=20)


# A PN532 reads the tags.
async def test_reader(bench):
    rfid = {"driver": "pn532", "uart": 1, "rx": 16, "tx": 17, "baud": 115200}
    charger = await bench.start(board={"rfid": rfid})
    await bench.passes(2)
    await bench.charge(tag="04A1B2C3")
    assert next(iter(charger.transactions.values())).tag == "04A1B2C3"
