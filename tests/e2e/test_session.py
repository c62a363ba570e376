"""Charging sessions as they should be: what the central system is told, and what it is billed for."""

import itertools

import pytest

# One transaction from plug to unplug, as connector 1 tells it.
STATUSES = ["Available", "Preparing", "Charging", "Finishing", "Available"]


def statuses(charger, connector=1):
    """What a connector told, each once until another one: a status may be told again with other details."""
    return [status for status, _ in itertools.groupby(charger.statuses[connector])]


def energies(charger, connector=1):
    """The energy registers (Wh) of a connector's MeterValues, in order."""
    return [
        int(value["value"])
        for payload in charger.meter_values
        if payload["connectorId"] == connector
        for sample in payload["meterValue"]
        for value in sample["sampledValue"]
        if value.get("measurand") == "Energy.Active.Import.Register"
    ]


# req: TX-01, TX-02, MV-01, STAT-01, AUTH-01
# A whole session: started once, metered every minute, a limit obeyed within five seconds, stopped once, billed for
# what flowed.
async def test_a_session(bench):
    charger = await bench.start()
    async with bench.energy() as flowed:
        await bench.charge()
        await bench.passes(150)
        await bench.do("limit", slot="user", ma=10000)
        await bench.do("wait", until={"connectors": [{"offered_ma": {"<=": 10000}}]}, timeout_s=5)
        await bench.passes(150)
        assert max(bench.state()["drawn_ma"]) <= 10000
        await bench.do("tag", id="C0FFEE01")
        await bench.leave()
    await bench.told(lambda c: c.statuses[1][-1] == "Available")
    (transaction,) = charger.transactions.values()
    assert (transaction.starts, transaction.stops, transaction.reason) == (1, 1, "Local")
    assert (transaction.tag, transaction.stop_tag) == ("C0FFEE01", "C0FFEE01")
    assert transaction.energy_wh == pytest.approx(flowed.wh, rel=0.02)
    assert statuses(charger) == STATUSES and charger.statuses[0] == ["Available"]
    registers = [transaction.meter_start, *energies(charger), transaction.meter_stop]
    steps = [b - a for a, b in itertools.pairwise(registers)]
    assert len(steps) == 6 and all(step > 0 for step in steps) and steps[3] < steps[1] / 2
    assert len(charger.boots) == 1 and charger.connections == 1


# req: REM-START-01, REM-START-02, REM-STOP-01
# The central system starts and stops; nobody shows a tag.
async def test_remote_start_and_stop(bench):
    charger = await bench.start()
    await bench.do("plug", connector=1)
    await bench.until(status="Preparing")
    answer = await charger.call("RemoteStartTransaction", {"idTag": "FAR-1", "connectorId": 1})
    assert answer == {"status": "Accepted"}
    await bench.until(status="Charging")
    await bench.passes(30)
    again = await charger.call("RemoteStartTransaction", {"idTag": "FAR-2", "connectorId": 1})
    assert again == {"status": "Rejected"}
    (transaction,) = charger.transactions.values()
    wrong = await charger.call("RemoteStopTransaction", {"transactionId": transaction.id + 1})
    assert wrong == {"status": "Rejected"}
    answer = await charger.call("RemoteStopTransaction", {"transactionId": transaction.id})
    assert answer == {"status": "Accepted"}
    await bench.leave()
    await bench.told(lambda c: c.statuses[1][-1] == "Available")
    assert (transaction.tag, transaction.reason, transaction.stops) == ("FAR-1", "Remote", 1)
    assert statuses(charger) == STATUSES


# req: REM-START-03, AUTH-15
# A remote start without a cable waits for one, and gives up after ConnectionTimeOut.
async def test_remote_start_before_the_cable(bench):
    charger = await bench.start(settings={"ConnectionTimeOut": "30"})
    for plugs in (False, True):
        answer = await charger.call("RemoteStartTransaction", {"idTag": "FAR-1"})
        assert answer == {"status": "Accepted"}
        await bench.until(status="Preparing")
        if plugs:
            await bench.do("plug")
            await bench.until(status="Charging")
        else:
            await bench.until(status="Available", timeout_s=35)
    assert len(charger.transactions) == 1


# req: TX-02
# Two sessions side by side on one box: each has its own tag, meter and bill.
async def test_two_connectors(bench):
    charger = await bench.start(connectors=2)
    await bench.charge(tag="FIRST", connector=1)
    await bench.passes(70)
    await bench.charge(tag="SECOND", connector=2)
    await bench.do("draw", connector=2, amps=8)
    await bench.passes(130)
    assert (bench.state(1)["status"], bench.state(2)["status"]) == ("Charging", "Charging")
    await bench.do("tag", id="FIRST")
    await bench.leave(connector=1)
    assert bench.state(2)["status"] == "Charging"
    await bench.do("tag", id="SECOND")
    await bench.leave(connector=2)
    await bench.told(lambda c: c.statuses[2][-1] == "Available" and c.statuses[1][-1] == "Available")
    first, second = charger.transactions.values()
    for number, transaction in ((1, first), (2, second)):
        assert (transaction.connector, transaction.starts, transaction.stops) == (number, 1, 1)
        assert statuses(charger, number) == STATUSES
        registers = [transaction.meter_start, *energies(charger, number), transaction.meter_stop]
        assert registers == sorted(set(registers))
        # What the car still draws until it has opened S2 is not billed.
        assert bench.state(number)["energy_wh"] - 8 <= transaction.energy_wh <= bench.state(number)["energy_wh"]
    assert (first.tag, second.tag) == ("FIRST", "SECOND")
    assert first.energy_wh > 2 * second.energy_wh


# req: CFG-01
# Everything at once, of both connectors while cars charge: the largest answer still fits into the heap.
async def test_all_of_the_configuration(bench):
    charger = await bench.start(connectors=2)
    await bench.charge(tag="FIRST", connector=1)
    await bench.charge(tag="SECOND", connector=2)
    known = {}
    for _ in range(3):
        answer = await charger.call("GetConfiguration")
        known = {entry["key"]: entry for entry in answer["configurationKey"]}
        assert "unknownKey" not in answer
    assert known["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
    assert known["MeterValueSampleInterval"]["value"] == "60"
    # What can be set only at the box is not for the network to see.
    assert not {"CentralSystemURL", "WifiKey", "ChargePointId"} & set(known)
    answer = await charger.call("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]})
    assert answer["unknownKey"] == ["Nonsense"] and len(answer["configurationKey"]) == 1


# req: CFG-02
# An interval that is changed while a car charges holds from then on.
async def test_change_configuration_in_a_session(bench):
    charger = await bench.start()
    await bench.charge()
    change = {"key": "MeterValueSampleInterval", "value": "10"}
    assert await charger.call("ChangeConfiguration", change) == {"status": "Accepted"}
    await bench.told(lambda c: len(c.meter_values) >= 3, timeout_s=35)
    wrong = {"key": "MeterValueSampleInterval", "value": "-1"}
    assert await charger.call("ChangeConfiguration", wrong) == {"status": "Rejected"}
    unknown = {"key": "Nonsense", "value": "1"}
    assert await charger.call("ChangeConfiguration", unknown) == {"status": "NotSupported"}
