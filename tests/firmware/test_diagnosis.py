# heap: 330K
# (104K for one wallbox and its flash, the rest for this file and what it keeps of the diagnostics)
# The lines of a diagnostics file: what is in them, what the window cuts, and that no secret ever is.
import json

from test_app import run, wallbox
from flashlog import FlashLog
from ledger import Ledger
from nor import Nor, Region, blank
import iso8601

T0 = iso8601.parse("2026-11-22T10:00:00Z")


class Link:
    drops = 3
    up = False


def box(**settings):
    it, board = wallbox()
    it.ocpp.link = Link()
    flash = blank(3)
    it.log.kept = FlashLog(Ledger(Region(Nor(flash), 0, 3), range(256)), it.clock)
    for name, value in settings.items():
        it.settings.set(name, value)
    return it, board


def lines(it, start=None, stop=None):
    found = []
    line = b""
    for piece in it.ocpp.diagnose(start, stop):
        line += piece
        if piece == b"\n":
            assert len(line) < 1024
            if line != b"\n":
                found.append(json.loads(line))
            line = b""
    assert not line  # each has its end
    return found


def one(found, key):
    return [line for line in found if key in line]


def logged(found):
    return [line["log"] for line in one(found, "log")]


# req: DIAG-01
# All that the field asks for: versions, settings, counters, connectors, flash, the queue, the last frames, the log.
def test_all_is_there():
    it, board = box(ChargePointId="CP 1")
    it.clock.set_utc(T0)
    it.log.info("app", "hello")
    it.ocpp.receive('[2,"id-1","Heartbeat",{"secret":1}]', 0)
    board.tags.append("FREE")
    board.connectors[0].car = "B"
    run(it, 3)
    found = lines(it)
    head = found[0]
    assert (head["pilotwire"], head["format"], head["charger"]) == ("diagnostics", 1, "CP 1")
    assert head["version"] and head["micropython"] and head["reset"] and head["start"] == it.ocpp.transactions.boot
    assert head["time"] == "2026-11-22T10:00:03Z"
    assert {"setting": "HeartbeatInterval", "value": "300"} in found
    assert one(found, "counters")[0]["counters"]["link_drops"] == 3
    assert one(found, "heap")[0]["heap"]["used"] > 1000
    assert one(found, "status")[0]["connector"] == one(found, "limit")[0]["connector"] == 1 and len(one(found, "cycles")) == 1
    assert [line["flash"] for line in one(found, "flash")] == ["journal", "samples", "meters", "log"]
    assert one(found, "record")[0]["record"] == "StartTransaction" and one(found, "record")[0]["state"] == "open"
    assert one(found, "frame")[0]["frame"] == '[2,"id-1","Heartbeat",' and one(found, "frame")[0]["bytes"] == 35
    assert "I app: hello" in logged(found) and "I app: tag FREE" in logged(found)
    assert found[-1] == {"end": True}


# req: DIAG-03
# startTime and stopTime cut log, frames and queue; what was written before the time was known goes with what is around it.
def test_window():
    it, board = box()
    it.log.info("x", "before any time")
    it.clock.set_utc(T0)
    for minute in range(5):
        it.log.info("x", "minute %d" % minute)
        it.ocpp.receive('[3,"m%d",{}]' % minute, 0)
        it.clock.advance(60000)
    assert len(logged(lines(it))) == 6
    found = lines(it, T0 + 60, T0 + 180)
    assert logged(found) == ["I x: minute 1", "I x: minute 2"]
    assert [line["frame"] for line in one(found, "frame")] == ['[3,"m1",', '[3,"m2",']
    assert found[0]["from"] == "2026-11-22T10:01:00Z" and found[0]["to"] == "2026-11-22T10:03:00Z"
    assert logged(lines(it, None, T0 + 60)) == ["I x: before any time", "I x: minute 0"]
    assert logged(lines(it, T0 + 240)) == ["I x: minute 4"]
    assert logged(lines(it, T0 + 9999)) == [] and lines(it, T0 + 9999)[-1] == {"end": True}


# Secret settings are told as set or not; what they hold is in no line, even where a log line holds it by mistake.
def test_no_secret():
    secret, password = 'wifi "key" 12345', "pass-word"
    it, board = box(WifiKey=secret, CentralSystemURL="wss://user:" + password + "@host/path")
    it.log.info("x", "the key is " + secret)
    it.log.info("x", "url wss://user:" + password + "@host/path")
    text = "".join([line.decode() for line in it.ocpp.diagnose(None, None)])
    assert secret not in text and json.dumps(secret)[1:-1] not in text and password not in text
    assert "the key is ***" in text
    found = [json.loads(line) for line in text.split("\n") if line]
    assert {"setting": "WifiKey", "secret": True, "set": True} in found
    assert {"setting": "CentralSystemURL", "value": "wss://***@host/path"} in found


# The ring keeps the last twelve frames, oldest first, without any payload.
def test_frames():
    it, board = box()
    it.clock.set_utc(T0)
    for n in range(30):
        it.ocpp.receive('[3,"answer-%d",{"key":"AuthorizationKey"}]' % n, 0)
    it.ocpp.receive(None, 0)
    frames = [line["frame"] for line in one(lines(it), "frame")]
    assert frames == ['[3,"answer-%d",' % n for n in range(19, 30)], frames


# A peer's nonsense in log and frames stays one line of JSON each.
def test_nonsense():
    it, board = box()
    it.log.info("x", 'quote " back \\ tab \t nul \0 umlaut \xe4 \ud800')
    it.ocpp.receive('[2,"\xe4\t",' + "x" * 100, 0)
    assert 'I x: quote " back \\ tab \t nul \0 umlaut \xe4 \ud800' in logged(lines(it))
    assert [line["frame"] for line in one(lines(it), "frame")] == ['[2,"???",' + "x" * 32]
