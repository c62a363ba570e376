"""Smart charging down to the car: what a central system orders is what is drawn, with the right statuses."""

import datetime
import itertools

import pytest

MIN_A = 6
HARDWARE_A = 32
LATE_S = 8  # a period is in force within this: change of duty, the car's ramp, and the next look


def statuses(charger):
    """What connector 1 told, each once until another one."""
    return [status for status, _ in itertools.groupby(charger.statuses[1])]


def stamp(bench, seconds=0):
    """The box's own time, some seconds from now."""
    now = datetime.datetime.fromisoformat(bench.box.state()["utc"])
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def profile(rows, purpose="TxDefaultProfile", level=0, unique=1, kind="Absolute", **schedule):
    """A chargingProfile; rows: [(startPeriod, A)]."""
    periods = [{"startPeriod": start, "limit": limit} for start, limit in rows]
    return {
        "chargingProfileId": unique,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, **schedule},
    }


async def install(charger, made, connector=1):
    answer = await charger.call("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": made})
    assert answer == {"status": "Accepted"}


async def draws(bench, amps, status, late_s=LATE_S):
    """Waits until the car draws so much on each phase, and not more than the pulse width can tell less."""
    ma = int(min(amps, HARDWARE_A) * 1000) if amps >= MIN_A else 0
    drawn = {">=": max(0, ma - 150), "<=": ma}
    await bench.until(status=status, drawn_ma=[drawn] * 3, timeout_s=late_s)


async def play(bench, rows, begin_ms, late_s=LATE_S):
    """Follows a schedule that began at `begin_ms`: late in every period, and soon after each change of it."""
    for (start, amps), (end, _) in itertools.pairwise([*rows, (rows[-1][0] + 60, 0)]):
        await bench.passes(start + 1 - (bench.box.time_ms - begin_ms) / 1000)
        await draws(bench, amps, "Charging" if amps >= MIN_A else "SuspendedEVSE", late_s)
        await bench.passes(end - 3 - (bench.box.time_ms - begin_ms) / 1000)
        await draws(bench, amps, "Charging" if amps >= MIN_A else "SuspendedEVSE", late_s)


# req: SC-EVAL-07, SC-EVAL-08
# Pauses of 0 A, a limit too low for any car, tenths of amperes, more than there is: the current follows, period by period.
async def test_schedule_is_followed(bench):
    charger = await bench.start()
    await bench.charge()
    rows = [(0, 16), (30, 0), (60, 10.4), (90, 5.9), (120, 40), (150, 6)]
    begin = bench.box.time_ms
    await install(charger, profile(rows, startSchedule=stamp(bench)))
    await play(bench, rows, begin)
    told = statuses(charger)
    assert told[1:] == ["Preparing", "Charging", "SuspendedEVSE", "Charging", "SuspendedEVSE", "Charging"]
    assert len(charger.transactions) == 1 and not charger.transactions[1].stops


# The firmware's own paces, its safety step 50 times a second, its tick 10 times, and a collection every few kilobytes, take an
# hour for a day. Here the step comes once a second, the tick every two (so all that debounces takes its time), and memory is
# collected every 150 KB.
TIME_LAPSE = """
import gc, app
from port.board import Board

every, tick = Board.every, app.Wallbox.tick
ticks = [0]

class Gc:
    def __getattr__(self, name):
        return getattr(gc, name)

    def threshold(self, size):
        gc.threshold(150000)

def rarely(self):
    ticks[0] += 1
    if ticks[0] % 20 == 0:
        tick(self)

app.gc = Gc()
app.Wallbox.tick = rarely
Board.every = lambda self, ms, step: every(self, 1000, step)
"""
DAY = [16, 16.5, 0, 0, 6, 10.1, 32, 40, 5.9, 8, 13, 0, 20, 25, 7.7, 3, 11, 0, 12.3, 31.9, 6.1, 9, 0, 14]


# req: SC-EVAL-04, SC-EVAL-05, SC-EVAL-07, SC-EVAL-08
# A day of 24 hours: the current follows its schedule hour by hour, and after the last one begins anew with the first.
@pytest.mark.exhaustive
async def test_a_day(bench):
    quiet = {"MeterValueSampleInterval": "0", "WebSocketPingInterval": "0", "HeartbeatInterval": "3600"}
    charger = await bench.start(before_main=TIME_LAPSE, heap=400 * 1024, speed=0.0, settings=quiet)
    await bench.do("plug", battery_wh=1_000_000)
    await bench.until(status="Preparing")
    await bench.do("tag", id="C0FFEE01")
    await bench.until(status="Charging")
    rows = [(3600 * hour, amps) for hour, amps in enumerate(DAY)]
    played = [*DAY, DAY[0]]
    begin, metered, seen = bench.box.time_ms, bench.state()["energy_wh"], len(charger.statuses[1])
    made = profile(rows, kind="Recurring", startSchedule=stamp(bench)) | {"recurrencyKind": "Daily"}
    await install(charger, made)
    await play(bench, [(3600 * hour, amps) for hour, amps in enumerate(played)], begin, 60)
    suspended = [amps < MIN_A for amps in played]
    changes = [now for now, _ in itertools.groupby([False, *suspended])]
    told = ["SuspendedEVSE" if now else "Charging" for now in changes]
    # At this pace the contactor is late, so that after a pause it seems for a moment to be the car that waits.
    after = [status for status in charger.statuses[1][seen - 1 :] if status != "SuspendedEV"]
    assert [status for status, _ in itertools.groupby(after)] == told
    hourly = [min(amps, HARDWARE_A) * 3 * 230 if amps >= MIN_A else 0 for amps in played]
    expected = sum(hourly[:-1]) + hourly[-1] / 60
    assert bench.state()["energy_wh"] - metered == pytest.approx(expected, rel=0.01)
    assert len(charger.transactions) == 1 and not charger.transactions[1].stops


# req: SC-EVAL-09, SC-RS-01, REM-START-06, SC-SET-06
# A profile that comes with the remote start holds from the first current on, goes with its transaction, and does not outlive
# a power cut either; the default does.
async def test_profile_of_a_remote_start(bench):
    charger = await bench.start()
    await install(charger, profile([(0, 20)], unique=1))
    for purpose, expected in (("TxDefaultProfile", "Rejected"), ("TxProfile", "Accepted")):
        made = profile([(0, 10)], purpose, unique=2, kind="Relative")
        answer = await charger.call("RemoteStartTransaction", {"idTag": "FAR-1", "connectorId": 1, "chargingProfile": made})
        assert answer == {"status": expected}
    await bench.do("plug")
    await bench.until(status="Charging")
    first = next(e for e in bench.events if e.who == "contactor" and e.what == "closes")
    await draws(bench, 10, "Charging")
    offered = [e.data["offered_ma"] for e in bench.events if e.data and e.data.get("offered_ma")]
    assert first and all(ma <= 10000 for ma in offered)
    await bench.do("power", on=False)
    await bench.do("power", on=True)
    await bench.told(lambda c: c.transactions[1].stops)
    assert await charger.call("ClearChargingProfile", {"id": 2}) == {"status": "Unknown"}
    await bench.leave()
    await bench.charge(tag="NEXT")
    await draws(bench, 20, "Charging")


EVCC_MEASURANDS = [
    "Power.Active.Import", "Energy.Active.Import.Register", "Current.Import", "Voltage",
    "Current.Offered", "Power.Offered", "SoC",
]  # fmt: skip


async def configure(charger, key, value):
    return (await charger.call("ChangeConfiguration", {"key": key, "value": value}))["status"]


async def configuration(charger, *keys):
    answer = await charger.call("GetConfiguration", {"key": list(keys)} if keys else {})
    return {entry["key"]: entry.get("value") for entry in answer["configurationKey"]}


# req: SC-EVAL-07, SC-EVAL-08, SC-SET-07, MV-06, MV-07, TRG-02, TRG-04
# evcc: its set-up, then its control of the current by one TxDefaultProfile that it replaces again and again, 0 A to pause.
async def test_evcc(bench):
    charger = await bench.start()
    assert await charger.call("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == {"status": "Accepted"}
    keys = await configuration(charger)
    assert {"SmartCharging", "RemoteTrigger"} <= set(keys["SupportedFeatureProfiles"].split(","))
    assert "Current" in keys["ChargingScheduleAllowedChargingRateUnit"].split(",") and keys["NumberOfConnectors"] == "1"
    assert "ConnectorSwitch3to1PhaseSupported" not in keys
    boots = len(charger.boots)
    assert await charger.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
    await bench.told(lambda c: len(c.boots) == boots + 1)
    accepted = [m for m in EVCC_MEASURANDS if await configure(charger, "MeterValuesSampledData", m) == "Accepted"]
    assert {"Power.Active.Import", "Energy.Active.Import.Register", "Current.Offered", "Power.Offered"} <= set(accepted)
    assert "SoC" not in accepted
    wanted = ",".join(accepted[: int(keys["MeterValuesSampledDataMaxLength"])])
    assert await configure(charger, "MeterValuesSampledData", wanted) == "Accepted"
    assert await charger.call("TriggerMessage", {"requestedMessage": "MeterValues"}) == {"status": "Accepted"}
    await bench.told(lambda c: c.meter_values)
    assert await configure(charger, "MeterValueSampleInterval", "10") == "Accepted"
    assert await configure(charger, "WebSocketPingInterval", "30") == "Accepted"

    async def set_current(amps):
        level, unique = int(keys["ChargeProfileMaxStackLevel"]), int(keys["MaxChargingProfilesInstalled"])
        made = profile([(0, amps)], level=level, unique=unique, startSchedule=stamp(bench, -60))
        await install(charger, made)

    await set_current(0)
    await bench.do("plug")
    await bench.until(status="Preparing")
    answer = await charger.call("RemoteStartTransaction", {"idTag": "evcc", "connectorId": 1})
    assert answer == {"status": "Accepted"}
    await draws(bench, 0, "SuspendedEVSE")
    for amps in (6, 10.3, 0, 12.7):
        await set_current(amps)
        await draws(bench, amps, "Charging" if amps else "SuspendedEVSE")
        seen = len(charger.meter_values)
        await bench.told(lambda c, seen=seen: len(c.meter_values) > seen, 12)
        values = {v["measurand"]: float(v["value"]) for v in charger.meter_values[-1]["meterValue"][-1]["sampledValue"]}
        assert values["Current.Offered"] == pytest.approx(amps, abs=0.1)
        assert values["Power.Offered"] == pytest.approx(amps * 690, abs=70)
        answer = await charger.call("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        (period,) = answer["chargingSchedule"]["chargingSchedulePeriod"]
        assert period["startPeriod"] == 0 and float(period["limit"]) == amps
    # The transaction is one and the same all the time, and the limit is still there when it is the next one.
    assert len(charger.transactions) == 1 and charger.transactions[1].stops == 0
    await charger.call("RemoteStopTransaction", {"transactionId": 1})
    await bench.leave()
    await bench.charge(tag="NEXT")
    await draws(bench, 12.7, "Charging")


# As Home Assistant knows them; its default is to ask for all of them.
HOME_ASSISTANT_MEASURANDS = [
    "Current.Export", "Current.Import", "Current.Offered", "Energy.Active.Export.Register", "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Register", "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval",
    "Energy.Active.Import.Interval", "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Frequency",
    "Power.Active.Export", "Power.Active.Import", "Power.Factor", "Power.Offered", "Power.Reactive.Export",
    "Power.Reactive.Import", "RPM", "SoC", "Temperature", "Voltage",
]  # fmt: skip


# req: MV-07, CFG-05, SC-SET-08
# Home Assistant: all measurands at once, then one by one, which a charger must survive; its current slider; its service calls.
async def test_home_assistant(bench):
    charger = await bench.start()
    assert await configuration(charger, "NumberOfConnectors") == {"NumberOfConnectors": "1"}
    await configuration(charger, "HeartbeatInterval")
    before = await configuration(charger, "MeterValuesSampledData")
    everything = ",".join(HOME_ASSISTANT_MEASURANDS)
    assert len(everything) > 370 and await configure(charger, "MeterValuesSampledData", everything) == "Rejected"
    assert await configuration(charger, "MeterValuesSampledData") == before
    told = [await configure(charger, "MeterValuesSampledData", m) for m in HOME_ASSISTANT_MEASURANDS]
    accepted = [m for m, status in zip(HOME_ASSISTANT_MEASURANDS, told, strict=True) if status == "Accepted"]
    assert set(told) == {"Accepted", "Rejected"} and "Energy.Active.Import.Register" in accepted
    assert await configure(charger, "MeterValuesSampledData", ",".join(accepted)) == "Accepted"
    assert await configuration(charger, "MeterValuesSampledData") == {"MeterValuesSampledData": ",".join(accepted)}
    assert await configure(charger, "MeterValueSampleInterval", "60") == "Accepted"
    assert await configure(charger, "ClockAlignedDataInterval", "900") == "Accepted"
    profiles = await configuration(charger, "SupportedFeatureProfiles")
    assert "SmartCharging" in profiles["SupportedFeatureProfiles"].split(",")
    seen = len(charger.statuses[1])
    answer = await charger.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
    assert answer == {"status": "Accepted"}
    await bench.told(lambda c: len(c.statuses[1]) > seen)
    for _ in range(3):  # in a row, without waiting for what they cause
        await charger.call("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    await bench.told(lambda c: c.meter_values)
    await bench.charge()
    level = int((await configuration(charger, "ChargeProfileMaxStackLevel"))["ChargeProfileMaxStackLevel"])
    limit = profile([(0, 13.0)], "ChargePointMaxProfile", level, 1000, startSchedule="2020-01-01T00:00:00Z")
    await install(charger, limit, 0)
    await draws(bench, 13, "Charging")
    transaction = profile([(0, 9.0)], "TxProfile", level, 1001, "Relative") | {"transactionId": 1}
    await install(charger, transaction)
    await draws(bench, 9, "Charging")
    cleared = {"connectorId": 1, "chargingProfilePurpose": "TxProfile"}
    assert await charger.call("ClearChargingProfile", cleared) == {"status": "Accepted"}
    await draws(bench, 13, "Charging")
    assert await charger.call("ClearChargingProfile", {}) == {"status": "Accepted"}
    await draws(bench, HARDWARE_A, "Charging")
