# Transactions from start to delivery, and the statuses and meter values that go with them.
from ocpp_bench import Bench
import iso8601


def shown(b):
    return [(p["status"], p.get("info")) for p in b.payloads("StatusNotification") if p["connectorId"] == 1]


# req: TX-03, STAT-06
# Energy flows from the authorisation on, whether StartTransaction is answered or not.
def test_energy_before_the_answer():
    b = Bench()
    b.connect()
    b.answers["StartTransaction"] = lambda payload: None
    b.plug()
    b.present("A")
    assert b.cp.connectors[0].allowed


# req: TX-04, J-SYNC-03, J-SYNC-01
# A late answer is nobody's; the repeated message gets the id, and what was queued carries it.
def test_late_answer():
    b = Bench(MessageTimeout="10", TransactionMessageRetryInterval="5", MeterValueSampleInterval="10")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: None
    b.plug()
    b.present("A")
    late = b.cp.rpc._id
    b.run(11)
    b.cp.receive('[3,"%s",{"transactionId":5,"idTagInfo":{"status":"Accepted"}}]' % late, b.clock.ms)
    b.answers["StartTransaction"] = lambda payload: {"transactionId": -3, "idTagInfo": {"status": "Accepted"}}
    b.run(20)
    assert len(b.payloads("StartTransaction")) == 2
    assert [p["transactionId"] for p in b.payloads("MeterValues")][:2] == [-3, -3]
    assert b.cp.connectors[0].transaction.id == -3


# req: TX-06, TX-09, J-SYNC-01
# While a transaction message waits for its retry, others flow; order is kept.
def test_order_during_retry():
    b = Bench(TransactionMessageRetryInterval="30", MeterValueSampleInterval="10")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: "InternalError"
    b.plug()
    b.present("A")
    b.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "5"})
    b.run(25)
    assert len(b.payloads("StartTransaction")) == 1
    assert b.payloads("MeterValues") == [] and len(b.payloads("Heartbeat")) >= 3
    del b.answers["StartTransaction"]
    b.run(10)
    b.present("A")
    assert b.actions("StartTransaction", "MeterValues", "StopTransaction") == [
        "StartTransaction",
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]


# req: TX-08
# A loss of connection is no attempt.
def test_disconnection_is_no_attempt():
    b = Bench(TransactionMessageAttempts="2", TransactionMessageRetryInterval="0")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: None
    b.plug()
    b.present("A")
    for _ in range(5):
        b.disconnect()
        b.connect()
        b.run(0)
    assert len(b.payloads("StartTransaction")) == 6 and b.cp.transactions.refused == 0


# req: TX-13, STAT-02
# The car is unplugged: EVDisconnected, Finishing with the reason in words while the cable is in the socket.
def test_unplugged_at_the_car():
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    b.plug()
    b.present("A")
    b.charge(5)
    c.plugged = c.requesting = c.energised = False
    b.run(0)
    assert b.payloads("StopTransaction")[0]["reason"] == "EVDisconnected"
    assert "idTag" not in b.payloads("StopTransaction")[0]
    assert shown(b)[-1] == ("Finishing", "EV side disconnected")
    assert not c.locked
    c.plugged = True
    b.run(5)
    assert not c.allowed and len(b.payloads("StartTransaction")) == 1
    b.unplug()
    assert shown(b)[-1] == ("Available", None)


# req: TX-13
# UnlockConnectorOnEVSideDisconnect off: the socket stays locked until that tag comes, which starts nothing.
def test_held_after_unplugging():
    b = Bench(UnlockConnectorOnEVSideDisconnect="false")
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    b.plug()
    b.present("A")
    c.plugged = False
    b.run(1)
    assert c.locked
    b.present("B")
    assert c.locked
    b.present("A")
    b.run(0)
    assert not c.locked and len(b.payloads("StartTransaction")) == 1


# req: TX-14
# StopTransactionOnEVSideDisconnect off: SuspendedEV, locked; plugged in again it goes on without a tag.
# The bench looks at every change of status in every test; this one has many.
# req: STAT-03
def test_transaction_outlives_unplugging():
    b = Bench(StopTransactionOnEVSideDisconnect="false")
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    b.plug()
    b.present("A")
    b.charge(5)
    c.plugged = c.requesting = c.energised = False
    b.run(1)
    assert shown(b)[-1] == ("SuspendedEV", "EV side disconnected") and c.locked
    assert b.payloads("StopTransaction") == []
    c.plugged = True
    b.charge(5)
    assert shown(b)[-1] == ("Charging", None)
    b.present("A")
    assert b.payloads("StopTransaction")[0]["reason"] == "Local"


def flowing():
    """(bench, connector 1) after 50 Wh of a transaction, of which the electrical side says that its contactor is closed."""
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    b.plug()
    b.present("A")
    b.charge(50)
    c.live = True
    return b, c


# req: TX-11
# A car may take seconds to follow the withdrawal of current: what flows meanwhile is on the bill, and the plug is on its way out.
def test_what_flows_until_the_contactor_opens():
    b, c = flowing()
    b.present("A")
    c.energy_wh += 3
    b.run(4)
    assert b.statuses()[-1] == "Finishing" and not c.allowed and not c.locked
    assert b.payloads("StopTransaction") == []
    assert b.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}  # which is nothing new
    c.energy_wh += 4
    c.energised = c.live = False
    b.run(1)
    [stop] = b.payloads("StopTransaction")
    assert (stop["meterStop"], stop["reason"], stop["idTag"]) == (57, "Local", "A")
    assert c.transaction is None and b.statuses()[-1] == "Finishing"


# A contactor that never opens holds up no bill.
def test_a_contactor_that_stays_closed():
    b, c = flowing()
    c.fault = "weld"
    b.run(11)
    assert [p["reason"] for p in b.payloads("StopTransaction")] == ["Other"]


# req: TX-19
# Started online, stopped offline: the Stop is queued with the id, Finishing is shown after the reconnect.
def test_stopped_offline():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    b.charge(5)
    b.disconnect()
    b.present("A")
    b.connect()
    b.run(1)
    assert b.payloads("StopTransaction")[0]["transactionId"] == 1
    assert b.statuses()[-1] == "Finishing"


# req: TX-22
# Another tag while a transaction runs changes nothing.
def test_other_tag():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    b.present("B")
    b.run(2)
    assert len(b.payloads("StartTransaction")) == 1 and b.payloads("StopTransaction") == []


# req: TX-23
# A tag in Finishing starts nothing; unplugging gives Available.
def test_tag_in_finishing():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    b.present("A")
    b.present("A")
    b.present("B")
    b.run(2)
    assert len(b.payloads("StartTransaction")) == 1 and b.statuses()[-1] == "Finishing"
    b.unplug()
    assert b.statuses()[-1] == "Available"


# req: TX-25
# meterStop is never under meterStart, times never run backwards.
def test_monotonic():
    b = Bench()
    b.connect()
    b.cp.connectors[0].energy_wh = 500
    b.plug()
    b.present("A")
    b.cp.connectors[0].energy_wh = 400
    b.present("A")
    assert b.payloads("StopTransaction")[0]["meterStop"] == 500
    start, stop = b.payloads("StartTransaction")[0], b.payloads("StopTransaction")[0]
    assert iso8601.parse(stop["timestamp"]) >= iso8601.parse(start["timestamp"])


# req: TX-10
# No room for the Stop: the transaction does not begin.
def test_no_room():
    b = Bench()
    b.connect()
    b.cp.transactions.has_room = lambda: False
    b.plug()
    b.present("A")
    b.run(1)
    assert b.payloads("StartTransaction") == [] and not b.cp.connectors[0].allowed


# req: TX-08
# What was refused for good is kept, and can be queued again by a DataTransfer.
def test_requeue():
    b = Bench(TransactionMessageAttempts="1")
    b.connect()
    b.answers["StartTransaction"] = b.answers["StopTransaction"] = lambda payload: "InternalError"
    b.plug()
    b.present("A")
    b.charge(70)
    b.present("A")
    b.run(1)
    assert b.cp.transactions.refused == 2 and b.cp.transactions.queued == 0
    first = b.payloads("StartTransaction")[0], b.payloads("StopTransaction")[0]
    assert first[1]["transactionId"] == -1
    b.reboot()
    b.answers.clear()
    b.sent.clear()
    b.connect()
    b.run(1)
    assert b.payloads("StartTransaction") == []
    answer = b.call("DataTransfer", {"vendorId": "org.pilotwire", "messageId": "RequeueRefused"})
    assert answer == {"status": "Accepted", "data": "2"}
    b.run(1)
    start, stop = b.payloads("StartTransaction")[0], b.payloads("StopTransaction")[0]
    assert start == first[0]
    assert stop["transactionId"] == 1 and stop["meterStop"] == first[1]["meterStop"]
    assert b.call("DataTransfer", {"vendorId": "org.pilotwire", "messageId": "RequeueRefused"})["data"] == "0"


# req: MV-02, MV-11
# On the grid of the UTC day, on each connector, with and without a transaction, online and offline.
def test_clock_aligned():
    b = Bench(connectors=2, ClockAlignedDataInterval="900", MeterValuesAlignedData="Energy.Active.Import.Register")
    b.connect()
    b.plug(1)
    b.present("A")
    b.disconnect()
    b.run(905)
    b.connect()
    b.run(2)
    values = b.payloads("MeterValues")
    assert [v["connectorId"] for v in values] == [1, 2]
    assert [v.get("transactionId") for v in values] == [1, None]
    for v in values:
        assert v["meterValue"][0]["timestamp"] == "2026-11-22T10:15:00Z"
        sampled = v["meterValue"][0]["sampledValue"]
        assert [(s["context"], s["measurand"]) for s in sampled] == [("Sample.Clock", "Energy.Active.Import.Register")]


# req: MV-05, MV-09
# Begin, End and interruptions are told in the bill, if anywhere: MeterValues have samples only, also around a power cut.
def test_contexts_of_meter_values():
    b = Bench(MeterValueSampleInterval="60", ClockAlignedDataInterval="90", StopTxnSampledData="Energy.Active.Import.Register")
    b.connect()
    b.plug()
    b.present("A")
    b.run(200)
    b.reboot()
    b.connect()
    b.run(100)
    contexts = [s["context"] for v in b.payloads("MeterValues") for m in v["meterValue"] for s in m["sampledValue"]]
    assert sorted(set(contexts)) == ["Sample.Clock", "Sample.Periodic"]


# req: MV-03, MV-08
# StopTxnSampledData: Begin, each sample, End in the transactionData.
def test_transaction_data():
    b = Bench(MeterValueSampleInterval="60", StopTxnSampledData="Energy.Active.Import.Register", MeterValuesSampledData="")
    b.connect()
    b.plug()
    b.present("A")
    b.charge(10)
    b.run(130)
    b.charge(10)
    b.present("A")
    assert b.payloads("MeterValues") == []
    data = b.payloads("StopTransaction")[0]["transactionData"]
    contexts = [entry["sampledValue"][0]["context"] for entry in data]
    assert contexts == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]
    assert [entry["sampledValue"][0]["value"] for entry in data] == ["0", "10", "10", "20"]
    assert all(entry["sampledValue"][0]["unit"] == "Wh" for entry in data)
    b.unplug()
    b.plug()
    b.present("A")
    b.present("A")
    assert len(b.payloads("StopTransaction")[1]["transactionData"]) == 2


# req: MV-04
# Too much: the middle is thinned out, Begin and End stay; also over a power cut.
def test_transaction_data_thinned():
    b = Bench(MeterValueSampleInterval="10", StopTxnSampledData="Energy.Active.Import.Register", MeterValuesSampledData="")
    b.connect()
    b.plug()
    b.present("A")
    b.run(455)
    b.present("A")
    data = b.payloads("StopTransaction")[0]["transactionData"]
    assert len(data) == 20
    contexts = [entry["sampledValue"][0]["context"] for entry in data]
    assert contexts[0] == "Transaction.Begin" and contexts[-1] == "Transaction.End"
    times = [iso8601.parse(entry["timestamp"]) for entry in data]
    assert times == sorted(times)
    for i in range(len(times) - 1):
        assert times[i + 1] - times[i] <= 40


# A phase behind a measurand, more of them than there are, whitespace: as the rows say.
CASES_LISTS = [
    ("MeterValuesSampledData", "Temperature, Power.Active.Import", "Accepted"),
    ("MeterValuesSampledData", "Voltage", "Rejected"),
    ("MeterValuesSampledData", "Voltage.L1", "Rejected"),
    ("MeterValuesSampledData", "Power.Active.Import.L1", "Rejected"),
    ("MeterValuesAlignedData", "SoC", "Rejected"),
    ("MeterValuesAlignedData", "Energy.Active.Import.Interval", "Rejected"),
    ("metervaluesaligneddata", "temperature", "Accepted"),
    ("StopTxnSampledData", "", "Accepted"),
    ("StopTxnAlignedData", "Temperature," * 7 + "Temperature", "Rejected"),
    ("ConnectorPhaseRotation", "0.RST,1.rts", "Accepted"),
    ("ConnectorPhaseRotation", "2.RST", "Rejected"),
    ("ConnectorPhaseRotation", "1.XYZ", "Rejected"),
    ("MinimumStatusDuration", "false", "Rejected"),
]


# req: MV-07, MV-12, MV-15, CFG-12, CFG-13, J-CI-01
def test_lists(key, value, status):
    b = Bench()
    b.connect()
    assert b.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}


# req: MV-10
# An empty list of an interval that runs: no message.
def test_empty_list():
    b = Bench(MeterValueSampleInterval="10", MeterValuesSampledData="")
    b.connect()
    b.plug()
    b.present("A")
    b.run(31)
    assert b.payloads("MeterValues") == []


# req: STAT-06
# MinimumStatusDuration: what does not last is not sent; what does, later, with the time of the change. Start is not delayed.
def test_minimum_status_duration():
    b = Bench(MinimumStatusDuration="10")
    b.connect()
    b.plug()
    b.run(5)
    b.unplug()
    b.run(20)
    assert b.statuses() == ["Available"]
    b.plug()
    changed = b.clock.utc()
    b.present("A")
    assert len(b.payloads("StartTransaction")) == 1
    b.run(8)
    assert b.statuses() == ["Available"]
    b.run(3)
    assert b.statuses() == ["Available", "Preparing"]
    assert iso8601.parse(b.payloads("StatusNotification")[-1]["timestamp"]) - changed <= 1


# req: STAT-08, J-REC-03
# The same status is not sent again; after a reconnect only what the central system does not have.
def test_no_repetition():
    b = Bench(connectors=2)
    b.connect()
    b.disconnect()
    b.sent.clear()
    b.plug(1)
    b.unplug(1)
    b.plug(2)
    b.connect()
    assert [(p["connectorId"], p["status"]) for p in b.payloads("StatusNotification")] == [(2, "Preparing")]


# A fault shows its errorCode and name, and goes back to what is true by then.
CASES_FAULTS = [
    ("diode", "EVCommunicationError"),
    ("temperature", "HighTemperature"),
    ("lock", "ConnectorLockFailure"),
    ("meter", "PowerMeterFailure"),
    ("cable", "OtherError"),
]


# req: STAT-04, STAT-05
def test_faults(fault, code):
    b = Bench()
    b.connect()
    b.plug()
    c = b.cp.connectors[0]
    c.fault = fault
    b.run(0)
    p = b.payloads("StatusNotification")[-1]
    assert (p["status"], p["errorCode"], p["vendorErrorCode"]) == ("Faulted", code, fault)
    c.plugged = c.inserted = False
    b.run(0)
    c.fault = None
    b.run(0)
    assert b.statuses()[-1] == "Available"


# req: STAT-11
def test_connectors_are_numbered():
    b = Bench(connectors=3)
    b.connect()
    assert [p["connectorId"] for p in b.payloads("StatusNotification")] == [0, 1, 2, 3]
    answer = b.call("GetConfiguration", {"key": ["NumberOfConnectors"]})
    assert answer["configurationKey"][0]["value"] == "3"
