# The charge point against a central system on paper: registration, sessions, what survives a cut.
import sys

from ocpp_bench import Bench
import iso8601


# req: CORE-BOOT-01, CORE-BOOT-03, STAT-07, TX-01, TX-02, TX-11, AUTH-01, AUTH-11
# A session: BootNotification first, status of 0 and 1, then Authorize, StartTransaction, StopTransaction in this order.
def test_session():
    b = Bench()
    b.connect()
    assert b.actions() == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert [p["connectorId"] for p in b.payloads("StatusNotification")] == [0, 1]
    b.plug()
    b.present("04A1B2C3")
    b.charge(1500)
    b.run(60)
    b.charge(1500)
    b.present("04A1B2C3")
    b.unplug()
    assert b.actions("Authorize", "StartTransaction", "StopTransaction") == [
        "Authorize",
        "StartTransaction",
        "StopTransaction",
    ]
    start, stop = b.payloads("StartTransaction")[0], b.payloads("StopTransaction")[0]
    assert start["connectorId"] == 1 and start["idTag"] == "04A1B2C3" and start["meterStart"] == 0
    assert stop["transactionId"] == 1 and stop["meterStop"] == 3000 and stop["reason"] == "Local"
    assert iso8601.parse(stop["timestamp"]) > iso8601.parse(start["timestamp"])
    assert b.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert b.cp.transactions.queued == 0
    assert b.clock.holds == 0


# req: CORE-BOOT-02, CORE-BOOT-04, CORE-BOOT-05
# Rejected: nothing is sent and no CALL answered until the interval is over.
def test_boot_rejected():
    b = Bench()
    verdict = {"status": "Rejected", "currentTime": "2026-11-22T10:00:00Z", "interval": 40}
    b.answers["BootNotification"] = lambda payload: verdict
    b.connect()
    b.plug()
    b.cp.receive('[2,"x","GetConfiguration",{}]', b.clock.ms)
    b.run(39)
    assert b.actions() == ["BootNotification"]
    assert b.replies == []
    verdict = {"status": "Accepted", "currentTime": "2026-11-22T10:00:00Z", "interval": 40}
    b.answers["BootNotification"] = lambda payload: verdict
    b.run(3)
    assert b.actions()[:3] == ["BootNotification", "BootNotification", "StatusNotification"]
    assert b.statuses() == ["Preparing"]


# req: CORE-BOOT-06
# Pending: the charger answers, and sends nothing of its own.
def test_boot_pending():
    b = Bench()
    verdict = {"status": "Pending", "currentTime": "2026-11-22T10:00:00Z", "interval": 40}
    b.answers["BootNotification"] = lambda payload: verdict
    b.connect()
    b.plug()
    assert b.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"}) == {"status": "Accepted"}
    assert b.call("RemoteStartTransaction", {"idTag": "T"}) == {"status": "Rejected"}
    b.run(30)
    assert b.actions() == ["BootNotification"]


# req: CORE-BOOT-03, CORE-HB-01, CORE-HB-02
# Silence for HeartbeatInterval gives a Heartbeat; a new interval holds at once.
def test_heartbeat():
    b = Bench()
    b.connect()
    b.run(299)
    assert b.actions("Heartbeat") == []
    b.run(2)
    assert len(b.actions("Heartbeat")) == 1
    b.call("ChangeConfiguration", {"key": "heartbeatinterval", "value": "10"})
    b.run(21)
    assert len(b.actions("Heartbeat")) == 3


# req: J-REC-02, J-REC-04, TX-07, TX-18
# Offline start and stop are queued and delivered in order after the reconnect, without a new BootNotification.
def test_offline_session():
    b = Bench(AllowOfflineTxForUnknownId="true", MeterValueSampleInterval="60")
    b.connect()
    b.disconnect()
    b.sent.clear()
    b.plug()
    b.present("TAG")
    b.charge(100)
    b.run(125)
    b.present("TAG")
    assert b.sent == []
    assert b.cp.transactions.queued == 4
    b.connect()
    b.run(1)
    assert b.actions("StartTransaction", "MeterValues", "StopTransaction", "BootNotification", "Authorize") == [
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    assert b.payloads("MeterValues")[0]["transactionId"] == 1
    assert b.payloads("StopTransaction")[0]["transactionId"] == 1
    assert b.statuses() == ["Finishing"]


# req: TX-15, TX-17
# Power is cut while energy flows: one Start, one Stop with reason PowerLoss, the cable still in.
def test_power_loss():
    b = Bench()
    b.connect()
    b.plug()
    b.present("TAG")
    b.charge(0)
    for _ in range(3):
        b.charge(400)
        b.run(61)
    b.reboot()
    b.connect()
    b.run(1)
    assert len(b.payloads("StartTransaction")) == 1
    assert [(p["reason"], p["meterStop"], p["transactionId"]) for p in b.payloads("StopTransaction")] == [
        ("PowerLoss", 1200, 1)
    ]
    assert b.statuses()[-1] == "Finishing"
    b.unplug()
    assert b.statuses()[-1] == "Available"
    b.reboot()
    b.connect()
    assert len(b.payloads("StopTransaction")) == 1


# req: TX-17
# Power is cut between StartTransaction and its answer: Start is sent again, then Stop with the id obtained.
def test_power_loss_before_the_answer():
    b = Bench()
    b.connect()
    b.answers["StartTransaction"] = lambda payload: None
    b.plug()
    b.present("TAG")
    assert len(b.payloads("StartTransaction")) == 1
    b.reboot()
    del b.answers["StartTransaction"]
    b.connect()
    b.run(1)
    starts = b.payloads("StartTransaction")
    assert len(starts) == 2 and starts[0] == starts[1]
    assert b.payloads("StopTransaction")[0]["transactionId"] == 1


# req: TX-05, TX-08, TX-24
# A Start that is refused for ever leaves the queue after the last attempt; its Stop carries -1.
def test_attempts():
    b = Bench(TransactionMessageAttempts="3", TransactionMessageRetryInterval="60")
    b.connect()
    b.answers["StartTransaction"] = lambda payload: "InternalError"
    b.plug()
    b.present("TAG")
    b.charge(10)
    b.run(58)
    assert len(b.payloads("StartTransaction")) == 1
    b.run(3)
    assert len(b.payloads("StartTransaction")) == 2
    b.run(117)
    assert len(b.payloads("StartTransaction")) == 2
    b.run(5)
    assert len(b.payloads("StartTransaction")) == 3
    b.present("TAG")
    assert b.payloads("StopTransaction")[0]["transactionId"] == -1
    assert b.cp.transactions.refused == 1


# req: J-TIME-01
# What happened before the clock was known is told with the right time afterwards, even from an earlier start.
def test_times_before_sync():
    b = Bench(AllowOfflineTxForUnknownId="true")
    b.connect()
    b.reboot()
    b.plug()
    b.run(100)
    b.present("TAG")
    b.run(50)
    b.connect()
    b.run(1)
    start = iso8601.parse(b.payloads("StartTransaction")[0]["timestamp"])
    assert abs(start - (b.world_s - 51)) <= 2, (start, b.world_s)


# req: MV-01
# MeterValues every MeterValueSampleInterval from the start of the transaction; a new interval holds at once; 0 is none.
def test_samples():
    b = Bench(MeterValueSampleInterval="10")
    b.connect()
    b.plug()
    b.run(7)
    b.present("TAG")
    b.run(31)
    assert len(b.payloads("MeterValues")) == 3
    value = b.payloads("MeterValues")[0]["meterValue"][0]["sampledValue"]
    assert [v["measurand"] for v in value] == ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Offered"]
    assert value[2]["value"] == "32.00" and value[1]["value"] == "7360"
    b.call("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "0"})
    b.run(31)
    assert len(b.payloads("MeterValues")) == 3


# req: REM-START-01, REM-START-02, REM-STOP-01
# RemoteStart is answered first, authorises, waits for the cable; RemoteStop ends it with reason Remote.
def test_remote():
    b = Bench()
    b.connect()
    assert b.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "T"}) == {"status": "Accepted"}
    b.run(0)
    assert b.statuses()[-1] == "Preparing"
    assert b.actions("Authorize", "StartTransaction") == ["Authorize"]
    b.plug()
    assert b.actions("Authorize", "StartTransaction") == ["Authorize", "StartTransaction"]
    assert b.call("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
    assert b.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    b.run(0)
    assert b.payloads("StopTransaction")[0]["reason"] == "Remote"
    assert "idTag" not in b.payloads("StopTransaction")[0]


# req: REM-START-02, AUTH-15
# No cable within ConnectionTimeOut: back to Available, the authorisation is gone.
def test_remote_timeout():
    b = Bench(ConnectionTimeOut="20")
    b.connect()
    b.call("RemoteStartTransaction", {"idTag": "T"})
    b.run(19)
    assert b.statuses()[-1] == "Preparing"
    b.run(2)
    assert b.statuses()[-1] == "Available"
    b.plug()
    assert b.actions("StartTransaction") == []


# req: AUTH-01
# An invalid tag starts nothing.
def test_invalid_tag():
    b = Bench()
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Invalid"}}
    b.connect()
    b.plug()
    b.present("TAG")
    b.run(1)
    assert b.actions("StartTransaction") == []
    assert b.statuses()[-1] == "Preparing"


# req: AUTH-21
# A tag of more than 20 characters is never sent.
def test_long_tag():
    b = Bench()
    b.connect()
    b.plug()
    b.present("123456789012345678901")
    b.run(1)
    assert b.actions("Authorize") == []


# req: STAT-02
# Energy off by a limit: SuspendedEVSE; the car not asking: SuspendedEV; straight from Preparing to Charging.
def test_suspended():
    b = Bench()
    b.connect()
    b.plug()
    b.present("TAG")
    b.run(2)
    assert b.statuses()[-1] == "Preparing"
    b.charge(1)
    c = b.cp.connectors[0]
    c.requesting = c.energised = False
    b.run(1)
    c.offering = False
    b.run(1)
    c.offering = c.requesting = True
    b.run(2)
    c.energised = True
    b.run(1)
    assert b.statuses()[1:] == ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Charging"]


# A safety fault ends the transaction; nothing starts again by itself when it clears.
CASES_SAFETY_FAULT = [
    ("emergency", "EmergencyStop", "OtherError"),
    ("rcd", "Other", "GroundFailure"),
    ("weld", "Other", "PowerSwitchFailure"),
]


# req: TX-26, TX-12, STAT-05
def test_safety_fault(fault, reason, code):
    b = Bench()
    b.connect()
    b.plug()
    b.present("TAG")
    b.charge(100)
    c = b.cp.connectors[0]
    c.fault = fault
    b.run(1)
    assert b.payloads("StopTransaction")[0]["reason"] == reason
    shown = b.payloads("StatusNotification")[-1]
    assert shown["status"] == "Faulted" and shown["errorCode"] == code
    c.fault = None
    b.run(20)
    assert b.statuses()[-1] == "Finishing" and not c.allowed
    assert len(b.payloads("StartTransaction")) == 1


# req: TX-26, STAT-04
# Another fault only interrupts it.
def test_passing_fault():
    b = Bench()
    b.connect()
    b.plug()
    b.present("TAG")
    b.charge(100)
    c = b.cp.connectors[0]
    c.fault = "temperature"
    c.energised = False
    b.run(1)
    assert not c.allowed and b.statuses()[-1] == "Faulted"
    c.fault = None
    b.run(1)
    assert c.allowed
    b.charge(100)
    assert b.statuses()[-1] == "Charging"
    assert b.actions("StopTransaction") == []


# Frames that are wrong in each possible way: the answer that belongs to them, and the charger lives on.
CASES_FRAMES = [
    ('{"a":1}', '[4,"-1","GenericError","",{}]'),
    ("not json", '[4,"-1","GenericError","",{}]'),
    (None, '[4,"-1","GenericError","",{}]'),
    ("[]", '[4,"-1","GenericError","",{}]'),
    ('[5,"x"]', None),
    ('[3,"nobody",{}]', None),
    ('[4,"nobody","InternalError","",{}]', None),
    ('[2,"x","NoSuchAction",{}]', '[4,"x","NotImplemented","NoSuchAction",{}]'),
    ('[2,"x","ReserveNow",{}]', "OccurenceConstraintViolation"),
    ('[2,"x","ChangeConfiguration",[]]', "FormationViolation"),
    ('[2,"x","ChangeConfiguration",{"key":1,"value":""}]', "TypeConstraintViolation"),
    ('[2,"x","ChangeConfiguration",{"key":"HeartbeatInterval"}]', "OccurenceConstraintViolation"),
    ('[2,"x","RemoteStartTransaction",{"idTag":"123456789012345678901"}]', "PropertyConstraintViolation"),
    ('[2,"x","Reset",{"type":"Warm"}]', "PropertyConstraintViolation"),
    ('[2,"x","TriggerMessage",{"requestedMessage":"Heartbeats"}]', '[3,"x",{"status":"NotImplemented"}]'),
    ('[2,"x","#Kind",{}]', "NotImplemented"),
    ('[2,"x","Reset.conf",{}]', "NotImplemented"),
    ('[2,"x","tick",{}]', "NotImplemented"),
    ('[2,"0123456789012345678901234567890123456","GetConfiguration",{}]', "FormationViolation"),
    ('[2,"x","GetConfiguration"]', '[3,"x",'),
    ('[2,"x","GetConfiguration",null]', '[3,"x",'),
]


# req: J-ERR-03, J-FMT-01, J-FMT-02, J-FMT-03, J-FMT-04, J-ERR-01, J-ERR-02, J-SYNC-03
def test_frames(text, expected):
    b = Bench()
    b.connect()
    b.cp.receive(text, b.clock.ms)
    answer = b.cp.next_frame(b.clock.ms)
    if answer is not None and not isinstance(answer, str):
        answer = next(answer)
    if expected is None:
        assert answer is None
    else:
        assert expected in answer
    assert b.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}) == {"status": "Accepted"}


# req: CFG-01, CFG-02, CFG-05
# What is asked is answered in order, in canonical spelling; what is unknown is named.
def test_get_configuration():
    b = Bench()
    b.connect()
    everything = b.call("GetConfiguration", {})["configurationKey"]
    names = [entry["key"] for entry in everything]
    assert len(names) > 20 and "HeartbeatInterval" in names
    assert "CentralSystemURL" not in names and "WifiKey" not in names
    answer = b.call("GetConfiguration", {"key": ["nonsense", "heartbeatINTERVAL", "NumberOfConnectors", "nonsense"]})
    assert answer["unknownKey"] == ["nonsense"]
    assert answer["configurationKey"] == [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
    ]


CASES_CHANGE_CONFIGURATION = [
    ("HeartbeatInterval", "60", "Accepted"),
    ("HeartbeatInterval", "-1", "Rejected"),
    ("HeartbeatInterval", "1.5", "Rejected"),
    ("LocalPreAuthorize", "TRUE", "Accepted"),
    ("LocalPreAuthorize", "yes", "Rejected"),
    ("NumberOfConnectors", "2", "Rejected"),
    ("CentralSystemURL", "ws://evil/", "NotSupported"),
    ("NoSuchKey", "1", "NotSupported"),
    ("MeterValuesSampledData", "power.active.import, Temperature", "Accepted"),
    ("MeterValuesSampledData", "Power.Active.Import,SoC", "Rejected"),
    ("ConnectionTimeOut", "0", "Rejected"),
]


# req: CFG-05, CFG-06, J-ERR-05, J-CI-01
def test_change_configuration(key, value, status):
    b = Bench()
    b.connect()
    assert b.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}
    b.reboot()
    b.connect()
    if key == "MeterValuesSampledData" and status == "Accepted":
        assert b.cp.settings.get(key) == "Power.Active.Import,Temperature"


# req: AUTH-22
# Two connectors, one reader: the tag is for the one with a cable; with none, for the next one plugged.
def test_two_connectors():
    b = Bench(connectors=2)
    b.connect()
    b.plug(2)
    b.present("A")
    assert b.payloads("StartTransaction")[0]["connectorId"] == 2
    b.present("B")
    b.plug(1)
    b.run(0)
    assert [p["connectorId"] for p in b.payloads("StartTransaction")] == [2, 1]
    b.present("A")
    assert [p["transactionId"] for p in b.payloads("StopTransaction")] == [1]


# req: J-ID-01
# Ids of CALLs are never used twice, not even after a restart.
def test_ids():
    b = Bench()
    seen = []
    for _ in range(3):
        receive = b.cp.receive
        b.cp.connected(b.clock.ms)
        for _ in range(5):
            text = b.cp.next_frame(b.clock.ms)
            unique = text.split('"')[1]
            assert unique not in seen and len(unique) <= 36
            seen.append(unique)
            receive('[4,"%s","GenericError","",{}]' % unique, b.clock.ms)
            b.clock.advance(40000)
        b.reboot()


CASES_FORGOTTEN = [
    ("GetConfiguration", {}),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]}),
    ("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": "Energy.Active.Import.Register"}),
    ("ChangeConfiguration", {"key": "ConnectorPhaseRotation", "value": "1.RST"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
]


# What a handler loads is nobody's to forget but its own: no module stays for good.
def test_forgotten(action, payload):
    b = Bench()
    b.connect()
    loaded = list(sys.modules)
    b.call(action, payload)
    assert [name for name in sys.modules if name not in loaded] == []
