# ExtendedTriggerMessage of the security extension.
from ocpp_bench import Bench


def trigger(b, message, **fields):
    return b.call("ExtendedTriggerMessage", dict(requestedMessage=message, **fields))["status"]


def ready(**settings):
    b = Bench(**settings)
    b.connect()
    b.run(0)
    b.sent.clear()
    return b


CASES_MESSAGES = [
    ("LogStatusNotification", "LogStatusNotification", {"status": "Idle"}),
    ("FirmwareStatusNotification", "SignedFirmwareStatusNotification", {"status": "Idle"}),
    ("Heartbeat", "Heartbeat", {}),
    ("BootNotification", "BootNotification", None),
    ("MeterValues", "MeterValues", None),
    ("StatusNotification", "StatusNotification", None),
]


# req: XTRG-01
def test_messages(message, action, payload):
    b = ready()
    assert trigger(b, message) == "Accepted"
    assert b.actions()[0] == action
    assert payload is None or b.sent == [(action, payload)]


CASES_REFUSED = [
    ("DiagnosticsStatusNotification", {}, "NotImplemented"),
    ("Nonsense", {}, "NotImplemented"),
    ("StatusNotification", {"connectorId": 0}, "Rejected"),
    ("MeterValues", {"connectorId": 2}, "Rejected"),
    ("SignChargePointCertificate", {}, "Rejected"),  # CpoName is empty
]


# req: XTRG-01
def test_refused(message, fields, status):
    b = ready()
    assert trigger(b, message, **fields) == status
    assert b.sent == []


# What runs is told with its request, what was installed is Idle, and the plain message has no request.
CASES_JOBS = [
    ("log", "LogStatusNotification", "Uploading", {"status": "Uploading", "requestId": 7}),
    ("firmware", "FirmwareStatusNotification", "Downloading", {"status": "Downloading", "requestId": 7}),
    ("firmware", "FirmwareStatusNotification", "Installed", {"status": "Idle"}),
]


# req: XTRG-01
def test_jobs(job, message, status, payload):
    b = ready()
    b.cp.jobs[job] = [None, status, 7]
    assert trigger(b, message) == "Accepted"
    assert b.sent[0][1] == payload
    if job == "firmware":
        b.sent.clear()
        b.call("TriggerMessage", {"requestedMessage": message})
        assert "requestId" not in b.sent[0][1]
