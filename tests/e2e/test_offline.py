"""Without the central system: charging goes on, and what happened is told afterwards, once and in order."""

import itertools

from pilotwire.csms import answers

# So that a connection that has died is noticed within a few seconds, which pass in real time.
PING = {"WebSocketPingInterval": "2"}


def calls(charger, *actions):
    """Actions of the charger's requests in the order in which they came, of these only."""
    return [f.action for f in charger.frames if f.direction == "in" and f.type == 2 and f.action in actions]


# req: TX-06, TX-07, AUTH-06, J-REC-02, J-REC-03
# A whole session while the network is away: delivered in order once it is back, with the times at which it happened.
async def test_a_session_offline(bench):
    charger = await bench.start(settings=PING | {"AllowOfflineTxForUnknownId": "true"})
    await bench.do("network", up=False)
    await bench.do("wait", until={"online": False}, timeout_s=60)
    await bench.charge()
    await bench.passes(190)
    await bench.do("tag", id="C0FFEE01")
    await bench.leave()
    metered = bench.state()["energy_wh"]
    assert not charger.transactions
    await bench.do("network", up=True)
    await bench.told(lambda c: c.transactions and not c.transactions[1].running, timeout_s=600)
    await bench.do("wait", until={"queue": 0}, timeout_s=60)
    transaction = charger.transactions[1]
    assert (transaction.starts, transaction.stops, transaction.reason) == (1, 1, "Local")
    assert calls(charger, "StartTransaction", "MeterValues", "StopTransaction") == [
        "StartTransaction", "MeterValues", "MeterValues", "MeterValues", "StopTransaction",
    ]  # fmt: skip
    times = [transaction.start_time, *(v["timestamp"] for v in transaction.meter_values), transaction.stop_time]
    assert times == sorted(times) and len(set(times)) == 5
    assert transaction.energy_wh == metered
    # It was never restarted, so it does not boot again. What was under way when the cable was cut arrived late, and must
    # not be what the central system goes on believing.
    assert len(charger.boots) == 1 and charger.connections == 2
    assert charger.statuses[1][-1] == "Available"


# req: AUTH-06
# An unknown tag gets nothing offline unless AllowOfflineTxForUnknownId says so.
async def test_an_unknown_tag_offline(bench):
    charger = await bench.start(settings=PING)
    await bench.do("network", up=False)
    await bench.do("wait", until={"online": False}, timeout_s=60)
    await bench.do("plug")
    await bench.until(status="Preparing")
    await bench.do("tag", id="STRANGER")
    await bench.passes(30)
    assert bench.state()["status"] == "Preparing" and bench.state()["transaction"] is None
    assert not charger.transactions


# req: J-WS-03, TX-06
# A cable that is cut in a session says nothing: only the missing answer to a ping shows it. The car does not notice.
async def test_a_cut_cable_is_noticed(bench):
    charger = await bench.start(settings=PING)
    await bench.charge()
    await bench.passes(70)
    cut = bench.box.time_ms
    await bench.do("network", up=False)
    await bench.do("wait", until={"online": False}, timeout_s=10)
    # One interval until the ping is due, and as long for its answer.
    assert bench.box.time_ms - cut <= 2 * 2000 + 500
    await bench.passes(60)
    assert bench.state()["status"] == "Charging" and bench.state()["drawn_ma"][0] > 31000
    await bench.do("network", up=True)
    await bench.do("wait", until={"online": True, "queue": 0}, timeout_s=600)
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: not c.transactions[1].running)
    assert (charger.transactions[1].starts, charger.transactions[1].stops) == (1, 1)
    assert len(charger.boots) == 1 and charger.connections == 2


# req: J-REC-01, J-REC-02, TX-06
# The central system ends and comes back minutes later, twice: found again by itself, nothing told twice.
async def test_the_central_system_goes_and_comes_back(bench):
    charger = await bench.start()
    await bench.charge()
    for connections in (2, 3):
        await bench.central.__aexit__()
        await bench.do("wait", until={"online": False}, timeout_s=10)
        await bench.passes(90)
        assert bench.state()["status"] == "Charging"
        await bench.central.__aenter__()
        await bench.do("wait", until={"online": True, "queue": 0}, timeout_s=600)
        assert charger.connections == connections
    await bench.do("tag", id="C0FFEE01")
    await bench.leave()
    metered = bench.state()["energy_wh"]
    await bench.told(lambda c: c.statuses[1][-1] == "Available")
    (transaction,) = charger.transactions.values()
    assert (transaction.starts, transaction.stops) == (1, 1)
    assert transaction.energy_wh == metered
    told = [status for status, _ in itertools.groupby(charger.statuses[1])]
    assert told == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert len(charger.boots) == 1


# req: TX-06, TX-08
# An answer that gets lost: the message is told again until it is answered, and the next one waits for it.
async def test_lost_answers(bench):
    charger = await bench.start(settings={"MessageTimeout": "2", "TransactionMessageRetryInterval": "5"})
    seen = []

    def forgets(charger, payload):
        seen.append(payload["timestamp"])
        if len(seen) < 2:
            return None
        return answers.default(charger, "StartTransaction", payload)

    bench.central.answer["StartTransaction"] = forgets
    await bench.charge()
    await bench.told(lambda c: len(seen) == 2)
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions[1].stops == 1)
    assert (charger.transactions[1].starts, charger.transactions[1].stops) == (2, 1)
    assert len(charger.transactions) == 1 and seen[0] == seen[1]
