# Security events: kept on flash until they are told, and in the log whatever comes of them.
import cold
from ocpp16 import security_events, security_log
from ocpp_bench import T0, Bench
import iso8601
import isoformat

EVENT = "SecurityEventNotification"


def bench(**settings):
    return Bench(events=3, **settings)


def types(b):
    return [p["type"] for p in b.payloads(EVENT)]


def log(b):
    found = [name for _, _, name, _ in security_log.records(b.cp, False)]
    cold.drop("ocpp16.records")
    return found


# req: SEC-EVT-03, CORE-BOOT-03
# StartupOfTheDevice after each start, behind the first statuses; its time is that of the start, though the clock came later.
def test_startup():
    b = bench()
    b.run(20)
    b.connect()
    b.run(0)
    assert b.actions()[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert b.actions()[3:] == [EVENT]
    told = b.payloads(EVENT)[0]
    assert told["type"] == "StartupOfTheDevice" and told["techInfo"] == "pilotwire 0.1.0"
    assert abs(iso8601.parse(told["timestamp"]) - T0) <= 1


# req: SEC-EVT-03, RST-05
def test_reset():
    b = bench()
    b.connect()
    b.run(1)
    assert b.call("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    b.run(6)
    assert b.cp.restart == "HardReset"
    b.sent.clear()
    b.reboot("HardReset")
    b.connect()
    b.run(1)
    assert types(b) == ["StartupOfTheDevice", "ResetOrReboot"]


# req: SEC-EVT-01
# Not answered, lost or refused: told again, after a power cut as well, until the answer has come.
def test_told_until_answered():
    b = bench(TransactionMessageRetryInterval="10")
    answers = [None, "InternalError", {}]
    b.answers[EVENT] = lambda payload: answers.pop(0)
    b.connect()
    b.run(1)
    assert types(b) == ["StartupOfTheDevice"]
    b.run(35)  # no answer within MessageTimeout, then a wait of 10 s
    assert len(types(b)) == 1
    b.run(10)
    assert len(types(b)) == 2
    b.run(8)
    assert len(types(b)) == 2, "the second failure doubles the wait"
    b.cut()
    b.start()
    answers.append(None)
    b.connect()
    b.run(5)
    assert types(b)[2:] == ["StartupOfTheDevice"] * 2, "the first is answered, the second is not"
    assert len({p["timestamp"] for p in b.payloads(EVENT)}) == 2
    b.cut()
    b.start()
    answers += [{}] * 2
    b.connect()
    b.run(5)
    assert len(types(b)) == 6 and not answers, "the second again, and that of this start"


# req: SEC-EVT-01
# The link goes while one is on its way: not an attempt, and told again at once.
def test_disconnected():
    b = bench()
    b.answers[EVENT] = lambda payload: None
    b.connect()
    b.run(1)
    b.disconnect()
    del b.answers[EVENT]
    b.connect()
    b.run(1)
    assert types(b) == ["StartupOfTheDevice"] * 2 and b.cp.events[0] == 0


# A central system that does not know the message is not asked for ever; the log keeps them.
CASES_UNKNOWN = ["NotImplemented", "NotSupported"]


# req: SEC-EVT-01
def test_unknown(code):
    b = bench()
    b.answers[EVENT] = lambda payload: code
    b.connect()
    b.run(300)
    assert types(b) == ["StartupOfTheDevice"]
    assert log(b) == ["StartupOfTheDevice"]


# req: SEC-EVT-01, SEC-EVT-02, SEC-LOG-03
# Which are told, and that all are in the log, in their order.
def test_told_and_logged():
    b = bench()
    b.connect()
    b.run(1)
    b.sent.clear()
    told = (
        "FirmwareUpdated",
        "SettingSystemTime",
        "MemoryExhaustion",
        "TamperDetectionActivated",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidCentralSystemCertificate",
        "InvalidChargePointCertificate",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
    )
    quiet = (
        "FailedToAuthenticateAtCentralSystem",
        "CentralSystemFailedToAuthenticate",
        "ReconfigurationOfSecurityParameters",
        "InvalidMessages",
        "AttemptedReplayAttacks",
    )
    for name in told + quiet:
        security_events.note(b.cp, name, "x" * 300 + "\u00e9")
    b.run(5)
    assert tuple(types(b)) == told
    assert all([len(p["techInfo"]) <= 255 for p in b.payloads(EVENT)])
    assert tuple(log(b)[1:]) == told + quiet


# req: SEC-EVT-01
# A log that is full gives up its oldest events, and charging goes on; nothing of the transactions is touched.
def test_rolls():
    b = Bench(events=2)
    b.plug()
    b.connect()
    b.present("A")
    b.charge(100)
    b.disconnect()
    for i in range(150):
        security_events.note(b.cp, "InvalidTLSVersion", "number %d" % i)
        b.lines.clear()
    b.present("A")
    b.unplug()
    heard = []  # in place of all that was sent
    b.answers["StopTransaction"] = lambda payload: heard.append("stop") or {"idTagInfo": {"status": "Accepted"}}
    b.answers[EVENT] = lambda payload: heard.append(int(payload["techInfo"].split()[1])) or b.sent.clear() or {}
    b.connect()
    b.run(30)
    assert heard[0] == "stop"
    numbers = heard[1:]
    assert numbers == list(range(numbers[0], 150)) and 50 < len(numbers) < 150
    assert b.cp.events[0] == 0


# More than a minute is a step, less is not.
CASES_CLOCK_STEP = [(50, []), (-50, []), (100, ["SettingSystemTime"]), (-100, ["SettingSystemTime"])]


# req: J-TIME-01
def test_clock_step(seconds, expected):
    b = bench()
    b.connect()
    b.run(1)
    b.sent.clear()
    b.answers["Heartbeat"] = lambda payload: {"currentTime": isoformat.format(b.world_s + seconds)}
    b.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    b.run(1)
    assert types(b) == expected


# req: J-FMT-03
# Nonsense is an event, but a flood of it is not a flood of events; a CALL that comes twice is one.
def test_invalid_messages():
    b = bench()
    b.connect()
    for _ in range(100):
        b.cp.receive("nonsense", b.clock.ms)
    b.run(1)
    assert log(b)[1:] == ["InvalidMessages"] * 7 and types(b) == ["StartupOfTheDevice"]


# Tests of a central system may want silence; the log hears them all the same.
def test_silent():
    b = bench(DisableSecurityEventNotifications="true")
    b.connect()
    b.run(5)
    assert types(b) == [] and log(b) == ["StartupOfTheDevice"]
