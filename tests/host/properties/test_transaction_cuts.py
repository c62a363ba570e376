"""A transaction survives every cut: each flash operation of a run is the last one, whole, torn or left out.

The run is repeated up to the cut, everything in RAM is dropped, the charger starts again from the same flash, and the same
central system, which knows a repeated message when it sees one, must end with one Start and one Stop per transaction.
"""

import pytest
from paper_charger import CentralSystem, compact_schemas, nor, ocpp_bench  # noqa: F401 (a fixture)

_TEARS = [("bytes", 1), ("bytes", 13), ("bytes", 20), ("tail", 16), ("bits", 1), ("weak",)]


def bench(central, **settings):
    b = ocpp_bench.Bench(sectors=8, AllowOfflineTxForUnknownId="true", **settings)
    b.answers["StartTransaction"] = central.start
    b.answers["StopTransaction"] = central.stop
    b.connect()  # known to the central system, clock set
    return b


def online(b):
    b.plug()
    b.present("A")
    b.charge(300)
    b.run(61)
    b.charge(700)
    b.present("A")
    b.unplug()


def offline_stop(b):
    b.plug()
    b.present("A")
    b.charge(300)
    b.disconnect()
    b.run(61)
    b.charge(700)
    b.present("A")
    b.connect()
    b.run(1)
    b.unplug()


def offline(b):
    b.disconnect()
    b.plug()
    b.present("A")
    b.charge(300)
    b.run(61)
    b.charge(700)
    b.present("A")
    b.unplug()
    b.connect()
    b.run(1)


def offline_start(b):
    b.disconnect()
    b.plug()
    b.present("A")
    b.charge(300)
    b.connect()
    b.run(61)
    b.charge(700)
    b.present("A")
    b.unplug()


def remote(b):
    b.plug()
    assert b.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}) == {"status": "Accepted"}
    b.run(0)
    b.charge(1000)
    assert b.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    b.run(1)
    b.unplug()


def refused_start(b):
    central = b.answers["StartTransaction"]
    b.answers["StartTransaction"] = lambda payload: dict(central(payload), idTagInfo={"status": "Invalid"})
    b.plug()
    b.present("A")
    b.charge(0)
    b.unplug()


def two_sessions(b):
    online(b)
    b.answers["StopTransaction"], stop = (lambda payload: None), b.answers["StopTransaction"]
    b.plug()
    b.present("B")
    b.charge(50)
    b.present("B")
    b.answers["StopTransaction"] = stop
    b.disconnect()
    b.connect()
    b.run(1)
    b.unplug()


def availability(b):
    b.plug()
    b.present("A")
    b.charge(1000)
    assert b.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Scheduled"}
    b.present("A")
    b.unplug()
    b.run(0)


def settings_change(b):
    b.plug()
    b.present("A")
    assert b.call("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "77"}) == {"status": "Accepted"}
    b.charge(1000)
    b.present("A")
    b.unplug()


def samples_for_the_bill(b):
    b.plug()
    b.present("A")
    b.charge(400)
    b.run(65)
    b.charge(600)
    b.present("A")
    b.unplug()


SCENARIOS = [
    (online, {}),
    (offline_stop, {"MeterValueSampleInterval": "30"}),
    (offline_start, {}),
    (offline, {"MeterValueSampleInterval": "30"}),
    (remote, {}),
    (refused_start, {}),
    (two_sessions, {}),
    (availability, {}),
    (settings_change, {}),
    (samples_for_the_bill, {"MeterValueSampleInterval": "20", "StopTxnSampledData": "Energy.Active.Import.Register"}),
]


def operations(play, options):
    """How many flash operations a run takes from the moment the charger is known, and what the meter shows at its end."""
    central = CentralSystem()
    b = bench(central, **options)
    b.nor.record = []
    play(b)
    assert len(central.starts) == len(central.stops) > 0 and central.again <= (play is two_sessions)
    return len(b.nor.record), b.cp.connectors[0].energy_wh


def cut_at(play, options, number, tear):
    """Run up to the cut, start again, finish; the central system, the bench, and what the meter showed at the cut."""
    central = CentralSystem()
    b = bench(central, **options)
    answers = dict(b.answers)
    b.nor.cut(number, tear)
    try:
        play(b)
    except nor.PowerCut:
        pass
    else:
        raise AssertionError("the cut did not come")
    meter = b.cp.connectors[0].energy_wh
    b.nor.cut(-1)
    b.answers.clear()
    b.answers.update(answers)
    b.reboot()
    b.connect()
    b.run(2)
    b.unplug()
    b.run(2)
    return central, b, meter


# Each operation left out; test_every_tear does the halves.
# req: TX-07, TX-15, TX-17, TX-24
@pytest.mark.parametrize("play,options", SCENARIOS, ids=[play.__name__ for play, _ in SCENARIOS])
def test_every_cut(play, options):
    check(play, options, None)


@pytest.mark.exhaustive
@pytest.mark.parametrize("play,options", SCENARIOS, ids=[play.__name__ for play, _ in SCENARIOS])
@pytest.mark.parametrize("tear", _TEARS, ids=str)
def test_every_tear(play, options, tear):
    check(play, options, tear)


def check(play, options, tear):
    count, _ = operations(play, options)
    assert count > 3
    for number in range(count):
        central, b, meter = cut_at(play, options, number, tear)
        where = f"cut at operation {number} of {count}"
        assert set(central.stops) == set(central.starts.values()), where
        assert b.cp.transactions.queued == 0 and b.cp.transactions.refused == 0, where
        assert b.cp.connectors[0].transaction is None, where
        for stop in central.stops.values():
            assert 0 <= stop["meterStop"] <= meter, where
        # A message may be repeated only when its answer was being written down.
        assert central.again <= 1 + (play is two_sessions), where
        # And the charger is as good as new.
        before = len(central.starts)
        b.plug()
        b.present("Z")
        b.charge(10)
        b.present("Z")
        assert len(central.starts) == before + (0 if b.cp.connectors[0].unavailable else 1), where
        assert set(central.stops) == set(central.starts.values()), where


# req: TX-08, TX-06
@pytest.mark.exhaustive
def test_a_thousand_transactions_offline():
    """Queued, power-cycled, delivered in order to a central system that fails now and then; nothing twice."""
    central = CentralSystem()
    b = ocpp_bench.Bench(
        sectors=128, AllowOfflineTxForUnknownId="true", TransactionMessageAttempts="100", TransactionMessageRetryInterval="0"
    )
    b.connect()
    b.disconnect()
    for i in range(1000):
        b.plug()
        b.present(f"T{i:04}")
        b.charge(10)
        b.present(f"T{i:04}")
        b.unplug()
    assert b.cp.transactions.queued == 2000
    b.reboot()
    assert b.cp.transactions.queued == 2000
    count = 0

    def flaky(book):
        def answer(payload):
            nonlocal count
            count += 1
            return "InternalError" if count % 7 == 0 else book(payload)

        return answer

    b.answers["StartTransaction"] = flaky(central.start)
    b.answers["StopTransaction"] = flaky(central.stop)
    b.sent.clear()
    while b.cp.transactions.queued:
        b.connect()
        b.run(0)
        if b.cp.transactions.queued % 50 == 0:
            b.disconnect()
    assert len(central.starts) == len(central.stops) == 1000 and central.again == 0
    tags = [dict(key)["idTag"] for key in central.starts]
    assert tags == [f"T{i:04}" for i in range(1000)]
    assert list(central.stops) == list(range(1, 1001))
