# TriggerMessage: the answer first, then the message, as it is true by then; the only things that leave in Pending.
from ocpp_bench import Bench

BOOT = "BootNotification"
HEARTBEAT = "Heartbeat"
VALUES = "MeterValues"
STATUS = "StatusNotification"


def boot(status, interval=0):
    return lambda payload: {"status": status, "currentTime": "2026-11-22T10:00:00Z", "interval": interval}


def ready(**settings):
    b = Bench(**settings)
    b.connect()
    b.run(0)
    b.sent.clear()
    return b


def pending(interval=100, **settings):
    b = Bench(**settings)
    b.answers[BOOT] = boot("Pending", interval)
    b.connect()
    b.sent.clear()
    return b


def trigger(b, message, number=None):
    payload = {"requestedMessage": message}
    if number is not None:
        payload["connectorId"] = number
    return b.call("TriggerMessage", payload)["status"]


CASES_MESSAGES = [
    (BOOT, None),
    ("DiagnosticsStatusNotification", {"status": "Idle"}),
    ("FirmwareStatusNotification", {"status": "Idle"}),
    (HEARTBEAT, {}),
    (VALUES, None),
    (STATUS, None),
]


# req: TRG-01, TRG-03
# Every message of the standard: Accepted, then the message; uploads and updates that do not run are Idle.
def test_messages(message, payload):
    b = ready()
    asked = []
    b.answers["Heartbeat"] = b.answers["MeterValues"] = lambda payload: asked.append(len(b.replies)) or {}
    before = len(b.replies)
    assert trigger(b, message) == "Accepted"
    assert message not in b.answers or asked == [before + 1], "the answer comes first"
    if payload is not None:
        assert b.sent == [(message, payload)]
    assert b.actions()[0] == message and set(b.actions()) <= {message, STATUS}


# req: TRG-01
# A name that is not known is answered so, whether the schema has it or not; a missing one is an error.
def test_unknown_message():
    b = ready()
    assert trigger(b, "LogStatusNotification") == "NotImplemented"
    assert trigger(b, "Nonsense") == "NotImplemented"
    assert b.call("TriggerMessage", {}) == "OccurenceConstraintViolation"
    assert b.call("TriggerMessage", {"requestedMessage": 5}) == "TypeConstraintViolation"
    assert b.sent == []


CASES_CONNECTORS = [
    (STATUS, None, [0, 1, 2]),
    (STATUS, 0, [0]),
    (STATUS, 2, [2]),
    (STATUS, 3, None),
    (STATUS, -1, None),
    (VALUES, None, [1, 2]),
    (VALUES, 1, [1]),
    (VALUES, 0, None),
    (VALUES, 3, None),
    (VALUES, -1, None),
    (HEARTBEAT, 99, []),
    (BOOT, -7, []),
]


# req: TRG-02
# Without connectorId one message per connector, the station's status included; with one only that; others are refused.
def test_connectors(message, number, connectors):
    b = ready(connectors=2)
    assert trigger(b, message, number) == ("Rejected" if connectors is None else "Accepted")
    if connectors:
        assert [p["connectorId"] for p in b.payloads(message)] == connectors
    elif connectors is None:
        assert b.sent == []


# req: MV-06, MV-11
# MeterValues: those of MeterValuesSampledData with context Trigger and the transaction that runs; never queued.
def test_meter_values():
    b = ready()
    assert trigger(b, VALUES, 1) == "Accepted"
    (p,) = b.payloads(VALUES)
    assert p["connectorId"] == 1 and "transactionId" not in p
    values = p["meterValue"][0]["sampledValue"]
    assert [v["measurand"] for v in values] == [
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Current.Offered",
    ]
    assert {v["context"] for v in values} == {"Trigger"}
    b.plug()
    b.present("A")
    b.charge(77)
    b.sent.clear()
    b.answers[VALUES] = lambda payload: "InternalError"
    assert trigger(b, VALUES) == "Accepted"
    (p,) = b.payloads(VALUES)
    assert p["transactionId"] == 1
    assert p["meterValue"][0]["sampledValue"][0]["value"] == "77"
    b.run(200)
    assert len(b.payloads(VALUES)) == 1 and b.cp.transactions.queued == 0


# req: MV-06, MV-10
# Nothing is measured for it: there is nothing to send, so it is refused.
def test_meter_values_of_nothing():
    b = ready(MeterValuesSampledData="")
    assert trigger(b, VALUES) == "Rejected"
    assert b.sent == []


# req: STAT-06, TRG-02
# The status of now, although it has not lasted for MinimumStatusDuration yet.
def test_status_at_once():
    b = ready(MinimumStatusDuration="20")
    b.plug()
    b.run(3)
    assert b.sent == []
    assert trigger(b, STATUS, 1) == "Accepted"
    assert b.statuses() == ["Preparing"]


CASES_PENDING = [
    (HEARTBEAT, 1),
    (STATUS, 2),
    (VALUES, 1),
    ("DiagnosticsStatusNotification", 1),
    ("FirmwareStatusNotification", 1),
]


# req: CORE-BOOT-08, TRG-05, CORE-BOOT-06, MV-06
# Pending: exactly what was asked for leaves, and nothing else.
def test_pending(message, count):
    b = pending()
    b.plug()
    b.run(5)
    assert b.sent == []
    assert trigger(b, message) == "Accepted"
    b.run(5)
    assert b.actions() == [message] * count
    b.answers[BOOT] = boot("Accepted")
    b.run(100)
    assert b.statuses()[-1] == "Preparing"


# req: CORE-BOOT-08, TRG-05
# BootNotification leaves at once, and its answer counts.
def test_pending_boot():
    b = pending(1000)
    b.answers[BOOT] = boot("Accepted", 60)
    assert trigger(b, BOOT) == "Accepted"
    b.run(1)
    assert b.actions() == [BOOT, STATUS, STATUS]
    assert b.cp.accepted


# req: TRG-05
# Before the first answer only BootNotification may be asked for, and what waits for its answer already counts once.
def test_same_kind_before_the_first_answer():
    b = Bench()
    b.answers[BOOT] = lambda payload: None
    b.connect()
    assert trigger(b, BOOT) == "Accepted"
    assert trigger(b, HEARTBEAT) == "Rejected"
    b.run(5)
    assert b.actions() == [BOOT]


# req: TRG-05
# What is asked for while the same message waits for its answer counts once.
def test_same_kind():
    b = ready()
    b.answers[HEARTBEAT] = lambda payload: None
    for _ in range(30):
        assert trigger(b, HEARTBEAT) == "Accepted"
    assert len(b.cp.triggered) <= 1


# req: CORE-BOOT-05, TRG-05
# Rejected: no answer, no message.
def test_rejected():
    b = Bench()
    b.answers[BOOT] = boot("Rejected", 100)
    b.connect()
    b.cp.receive('[2,"x","TriggerMessage",{"requestedMessage":"BootNotification"}]', b.clock.ms)
    b.run(5)
    assert b.replies == [] and b.actions() == [BOOT]


# req: TRG-04
# BootNotification after Accepted: its answer is obeyed, Pending as well; the transaction goes on.
def test_boot_after_accepted():
    b = ready(MeterValueSampleInterval="5")
    b.plug()
    b.present("A")
    b.charge(10)
    b.sent.clear()
    b.answers[BOOT] = boot("Pending", 60)
    assert trigger(b, BOOT) == "Accepted"
    b.run(20)
    assert b.actions() == [BOOT] and b.cp.registration == "Pending"
    assert b.cp.connectors[0].allowed
    b.answers[BOOT] = boot("Accepted", 60)
    b.run(45)
    assert b.actions()[:4] == [BOOT, BOOT, STATUS, STATUS]
    assert len(b.payloads(VALUES)) >= 10
    b.present("A")
    assert b.payloads("StopTransaction")[0]["transactionId"] == 1


# req: TRG-04
# No answer to it: registered is registered.
def test_boot_unanswered():
    b = ready(MessageTimeout="5")
    b.answers[BOOT] = lambda payload: None
    assert trigger(b, BOOT) == "Accepted"
    b.run(10)
    assert b.cp.accepted
    b.plug()
    b.run(1)
    assert b.statuses()[-1] == "Preparing"


# What was asked for is forgotten when the connection goes: who asks again, gets it again.
def test_disconnected():
    b = ready()
    b.answers[HEARTBEAT] = lambda payload: None
    trigger(b, HEARTBEAT)
    trigger(b, VALUES)
    b.disconnect()
    b.sent.clear()
    b.connect()
    b.run(5)
    assert VALUES not in b.actions()
