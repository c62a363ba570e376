# What the central system orders: availability, reset, unlock, remote start and stop, data transfer.
from ocpp_bench import Bench


def available(b, number, kind="Inoperative"):
    return b.call("ChangeAvailability", {"connectorId": number, "type": kind})["status"]


# req: AVAIL-01, AVAIL-02, STAT-09
# Inoperative: Unavailable at once, no charging by tag or remote start, also after a power cut; Operative brings it back.
def test_inoperative():
    b = Bench()
    b.connect()
    assert available(b, 1) == "Accepted"
    b.run(0)
    assert b.statuses()[-1] == "Unavailable"
    assert available(b, 1) == "Accepted"
    b.reboot()
    b.connect()
    assert b.statuses()[-1] == "Unavailable"
    b.plug()
    b.present("A")
    assert b.payloads("StartTransaction") == []
    assert b.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}) == {"status": "Rejected"}
    assert available(b, 1, "Operative") == "Accepted"
    b.run(0)
    assert b.statuses()[-1] == "Preparing"


# req: AVAIL-03, AVAIL-06
# During a transaction: Scheduled, effective when it is over and the cable out; an opposite order takes it back.
def test_scheduled():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    assert available(b, 1) == "Scheduled"
    assert available(b, 1, "Operative") == "Accepted"
    assert available(b, 1) == "Scheduled"
    b.charge(10)
    b.present("A")
    assert b.statuses()[-1] == "Finishing"
    b.unplug()
    b.run(0)
    assert b.statuses()[-1] == "Unavailable"


# req: AVAIL-06
# A scheduled change survives the power cut that ends the transaction: the first status after it is Unavailable.
def test_scheduled_over_a_power_cut():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    assert available(b, 1) == "Scheduled"
    b.cut()
    b.start()
    b.sent.clear()
    b.connect()
    assert b.statuses()[0] == "Unavailable"


# req: AVAIL-04
# Connector 0: the station and all connectors; one in use waits, the answer is Scheduled then; Operative restores all.
def test_station():
    b = Bench(connectors=2)
    b.connect()
    assert available(b, 0) == "Accepted"
    b.run(0)
    assert [b.statuses(n)[-1] for n in (0, 1, 2)] == ["Unavailable"] * 3
    assert available(b, 0, "Operative") == "Accepted"
    b.run(0)
    assert [b.statuses(n)[-1] for n in (0, 1, 2)] == ["Available"] * 3
    b.plug(2)
    b.present("A")
    assert available(b, 0) == "Scheduled"
    b.charge(10, 2)
    assert [b.statuses(n)[-1] for n in (0, 1, 2)] == ["Unavailable", "Unavailable", "Charging"]
    b.present("A")
    b.unplug(2)
    b.run(0)
    assert b.statuses(2)[-1] == "Unavailable"


CASES_NO_CONNECTOR = [-1, 2, 99]


# req: AVAIL-05
def test_no_connector(number):
    b = Bench()
    b.connect()
    assert available(b, number) == "Rejected"
    assert b.call("UnlockConnector", {"connectorId": number}) == {"status": "NotSupported"}
    assert b.call("RemoteStartTransaction", {"connectorId": number, "idTag": "A"}) == {"status": "Rejected"}


# Reset: Accepted, then the transaction is stopped with its reason and delivered, then the restart.
CASES_RESET = [("Soft", "SoftReset"), ("Hard", "HardReset")]


# req: RST-01, RST-02, RST-04, TX-12
def test_reset(kind, reason):
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    b.charge(10)
    assert b.call("Reset", {"type": kind}) == {"status": "Accepted"}
    assert b.cp.restart is None
    assert b.call("Reset", {"type": kind}) == {"status": "Rejected"}
    b.run(1)
    assert [p["reason"] for p in b.payloads("StopTransaction")] == [reason]
    assert b.cp.restart == reason
    b.reboot(reason)
    b.connect()
    b.run(1)
    assert len(b.payloads("StopTransaction")) == 1
    assert b.statuses()[-1] in ("Finishing", "Preparing")


# req: RST-01, RST-02
# Nobody answers: the restart comes all the same, and the Stop afterwards.
def test_reset_without_answer():
    b = Bench()
    b.connect()
    b.plug()
    b.present("A")
    b.answers["StopTransaction"] = lambda payload: None
    b.call("Reset", {"type": "Soft"})
    b.run(9)
    assert b.cp.restart is None
    b.run(2)
    assert b.cp.restart == "SoftReset"
    del b.answers["StopTransaction"]
    b.reboot("SoftReset")
    b.connect()
    b.run(1)
    assert b.payloads("StopTransaction")[-1]["reason"] == "SoftReset"


# req: RST-03
# Without a transaction: a restart, a BootNotification, and the settings are as they were.
def test_reset_idle():
    b = Bench()
    b.connect()
    b.call("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "33"})
    b.call("Reset", {"type": "Hard"})
    b.run(1)
    assert b.cp.restart == "HardReset"
    b.reboot("HardReset")
    b.sent.clear()
    b.connect()
    assert b.actions()[0] == "BootNotification"
    assert b.cp.settings.get("ConnectionTimeOut") == 33


# req: UNL-01
def test_unlock_without_lock():
    b = Bench()
    b.connect()
    assert b.call("UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}
    b.plug()
    b.present("A")
    assert b.call("UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}
    assert b.payloads("StopTransaction") == []


def unlock(b):
    b.cp.receive('[2,"u","UnlockConnector",{"connectorId":1}]', b.clock.ms)
    b.exchange()


# req: UNL-02, J-ID-02
# The answer waits for the lock; the same id again meanwhile is an error.
def test_unlock():
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    c.unlocked = False
    unlock(b)
    b.run(1)
    assert b.replies == []
    unlock(b)
    assert b.replies[0][:3] == [4, "u", "GenericError"]
    c.unlocked = True
    b.run(0)
    assert b.replies[1] == [3, "u", {"status": "Unlocked"}]
    c.unlocked = False
    unlock(b)
    b.run(9)
    assert len(b.replies) == 2
    b.run(2)
    assert b.replies[2] == [3, "u", {"status": "UnlockFailed"}]


# req: UNL-03, TX-12
# With a transaction it is stopped first, reason UnlockCommand.
def test_unlock_during_transaction():
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    b.plug()
    b.present("A")
    c.unlocked = False
    unlock(b)
    b.run(0)
    assert b.payloads("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert b.statuses()[-1] == "Finishing" and not c.locked
    c.unlocked = True
    b.run(0)
    assert b.replies[-1][2] == {"status": "Unlocked"}


# req: LOCK-01
# The plug is locked before a transaction begins; a lock that does not engage is a fault, and no transaction.
def test_lock_fails():
    b = Bench()
    b.connect()
    c = b.cp.connectors[0]
    c.has_lock = True
    c.secured = False
    b.plug()
    b.present("A")
    assert c.locked and b.payloads("StartTransaction") == []
    c.fault = "lock"
    b.run(0)
    shown = b.payloads("StatusNotification")[-1]
    assert (shown["status"], shown["errorCode"]) == ("Faulted", "ConnectorLockFailure")
    c.fault = None
    c.secured = True
    b.run(1)
    assert b.payloads("StartTransaction") == []


# req: REM-START-03
# RemoteStart is refused where it can't be done.
def test_remote_start_refused():
    b = Bench()
    start = {"connectorId": 1, "idTag": "B"}
    b.connect()
    b.plug()
    b.present("A")
    assert b.call("RemoteStartTransaction", start) == {"status": "Rejected"}
    b.present("A")
    assert b.statuses()[-1] == "Finishing"
    assert b.call("RemoteStartTransaction", start) == {"status": "Rejected"}
    b.unplug()
    b.cp.connectors[0].fault = "rcd"
    b.run(0)
    assert b.call("RemoteStartTransaction", start) == {"status": "Rejected"}
    b.cp.connectors[0].fault = None
    b.run(0)
    assert b.call("RemoteStartTransaction", {"connectorId": 0, "idTag": "B"}) == {"status": "Rejected"}
    assert b.call("RemoteStartTransaction", start) == {"status": "Accepted"}
    assert b.call("RemoteStartTransaction", start) == {"status": "Rejected"}


# req: REM-START-01
# AuthorizeRemoteTxRequests off: no Authorize, and the cache is not asked either.
def test_remote_start_without_authorize():
    b = Bench(AuthorizeRemoteTxRequests="false")
    b.connect()
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Blocked"}}
    b.present("A")
    b.sent.clear()
    b.plug()
    assert b.call("RemoteStartTransaction", {"idTag": "A"}) == {"status": "Accepted"}
    b.run(0)
    assert b.actions("Authorize", "StartTransaction") == ["StartTransaction"]


# req: REM-START-04
# No connectorId: the plugged idle one, else a free one.
def test_remote_start_anywhere():
    b = Bench(connectors=2)
    b.connect()
    b.plug(2)
    b.call("RemoteStartTransaction", {"idTag": "A"})
    b.run(0)
    assert b.payloads("StartTransaction")[0]["connectorId"] == 2
    assert b.call("RemoteStartTransaction", {"idTag": "B"}) == {"status": "Accepted"}
    b.run(0)
    b.plug(1)
    assert b.payloads("StartTransaction")[1]["connectorId"] == 1
    assert b.call("RemoteStartTransaction", {"idTag": "C"}) == {"status": "Rejected"}


# req: REM-START-05
def test_remote_start_not_authorised():
    b = Bench()
    b.connect()
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Invalid"}}
    b.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1})
    b.run(1)
    assert b.statuses()[-1] == "Available"
    b.plug()
    b.run(1)
    assert b.payloads("StartTransaction") == []


# req: REM-START-08
# A charging profile is ignored as long as smart charging is not built in.
def test_remote_start_with_profile():
    b = Bench()
    b.connect()
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
    }
    assert b.call("RemoteStartTransaction", {"idTag": "A", "chargingProfile": profile}) == {"status": "Accepted"}


# Ids that run nowhere are Rejected; 0 and -1 are ids like others when the central system gave them.
CASES_REMOTE_STOP_IDS = [0, -1, 2147483647]


# req: REM-STOP-02
def test_remote_stop_ids(number):
    b = Bench()
    b.connect()
    assert b.call("RemoteStopTransaction", {"transactionId": number}) == {"status": "Rejected"}
    b.answers["StartTransaction"] = lambda payload: None
    b.plug()
    b.present("A")
    assert b.call("RemoteStopTransaction", {"transactionId": number}) == {"status": "Rejected"}
    b.answers["StartTransaction"] = lambda payload: {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
    b.disconnect()
    b.connect()
    b.run(1)
    assert b.call("RemoteStopTransaction", {"transactionId": number}) == {"status": "Accepted"}
    b.run(0)
    assert b.payloads("StopTransaction")[0]["transactionId"] == number


# req: CORE-DT-01, CORE-DT-02
def test_data_transfer():
    b = Bench()
    b.connect()
    assert b.call("DataTransfer", {"vendorId": "com.example", "data": "x"}) == {"status": "UnknownVendorId"}
    assert b.call("DataTransfer", {"vendorId": "Org.Pilotwire", "messageId": "x"}) == {"status": "UnknownMessageId"}
    assert b.call("DataTransfer", {"vendorId": "org.pilotwire"}) == {"status": "UnknownMessageId"}


# A DataTransfer of ours takes its turn; whatever the answer, it is told to who sent it.
CASES_DATA_TRANSFER_OF_OURS = [
    ({"status": "Accepted", "data": "y"}, ("Accepted", None)),
    ({"status": "UnknownVendorId"}, ("UnknownVendorId", None)),
    ("NotImplemented", (None, "NotImplemented")),
    ({"status": "Nonsense"}, (None, "PropertyConstraintViolation")),
]


# req: CORE-DT-03
def test_data_transfer_of_ours(answer, told):
    from ocpp16.rpc import Call

    b = Bench()
    b.connect()
    b.answers["DataTransfer"] = lambda payload: answer
    got = []
    b.cp.send(Call("DataTransfer", {"vendorId": "org.pilotwire"}, lambda c, a, e: got.append((a and a["status"], e))))
    b.exchange()
    assert got == [told]
