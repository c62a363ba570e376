# The lines of a diagnostics file: what is in them, what the window cuts, and that no secret ever is.
import json

from app_bench import run, wallbox
from flashlog import FlashLog
from ledger import Ledger
from nor import SECTOR, Nor, Region, blank
import iso8601

T0 = iso8601.parse("2026-11-22T10:00:00Z")
_LOG = blank(3)


class Link:
    drops = 3
    up = False


def box(**settings):
    it, board = wallbox()
    it.ocpp.link = Link()
    nor = Nor(_LOG)
    for k in range(3):
        nor.erase(k * SECTOR)
    it.log.kept = FlashLog(Ledger(Region(nor, 0, 3), range(256)), it.clock)
    for name, value in settings.items():
        it.settings.set(name, value)
    return it, board


class Lines:
    """A diagnostics file, on the disk as a server would have it; read anew by whoever looks."""

    def __init__(self, pieces):
        size = 0
        with open("diagnostics", "wb") as file:
            for piece in pieces:
                file.write(piece)
                size = 0 if piece == b"\n" else size + len(piece)
                assert size < 1023  # with its end under 1 KB
        assert not size  # each has its end

    def texts(self):
        with open("diagnostics") as file:
            for text in file:
                if text != "\n":
                    yield text

    def ends(self):
        """(the first, the last)."""
        first = text = None
        for text in self.texts():
            first = first or text
        return json.loads(first), json.loads(text)

    def __contains__(self, line):
        return sum([json.loads(text) == line for text in self.texts()]) > 0

    def of(self, key):
        """Those that have the key."""
        return [json.loads(text) for text in self.texts() if json.dumps(key) in text and key in json.loads(text)]


def lines(it, start=None, stop=None):
    return Lines(it.ocpp.diagnose(start, stop))


def logged(found):
    return [line["log"] for line in found.of("log")]


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
    head, end = found.ends()
    assert (head["pilotwire"], head["format"], head["charger"]) == ("diagnostics", 1, "CP 1")
    assert head["version"] and head["micropython"] and head["reset"] and head["start"] == it.ocpp.transactions.boot
    assert head["time"] == "2026-11-22T10:00:03Z"
    assert {"setting": "HeartbeatInterval", "value": "300"} in found
    assert found.of("counters")[0]["counters"]["link_drops"] == 3
    assert found.of("heap")[0]["heap"]["used"] > 1000
    assert found.of("status")[0]["connector"] == found.of("limit")[0]["connector"] == 1 and len(found.of("cycles")) == 1
    assert [line["flash"] for line in found.of("flash")] == ["journal", "samples", "meters", "log"]
    assert found.of("record")[0]["record"] == "StartTransaction" and found.of("record")[0]["state"] == "open"
    assert found.of("frame")[0]["frame"] == '[2,"id-1","Heartbeat",' and found.of("frame")[0]["bytes"] == 35
    assert "I app: hello" in logged(found) and "I app: tag FREE" in logged(found)
    assert end == {"end": True}


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
    assert [line["frame"] for line in found.of("frame")] == ['[3,"m1",', '[3,"m2",']
    head = found.ends()[0]
    assert head["from"] == "2026-11-22T10:01:00Z" and head["to"] == "2026-11-22T10:03:00Z"
    assert logged(lines(it, None, T0 + 60)) == ["I x: before any time", "I x: minute 0"]
    assert logged(lines(it, T0 + 240)) == ["I x: minute 4"]
    found = lines(it, T0 + 9999)
    assert logged(found) == [] and found.ends()[1] == {"end": True}


# Secret settings are told as set or not; what they hold is in no line, even where a log line holds it by mistake.
def test_no_secret():
    secret, password = 'wifi "key" 12345', "pass-word"
    it, board = box(WifiKey=secret, CentralSystemURL="wss://user:" + password + "@host/path")
    it.log.info("x", "the key is " + secret)
    it.log.info("x", "url wss://user:" + password + "@host/path")
    found = lines(it)
    starred = 0
    for text in found.texts():
        assert secret not in text and json.dumps(secret)[1:-1] not in text and password not in text
        starred += "the key is ***" in text
    assert starred == 1
    assert {"setting": "WifiKey", "secret": True, "set": True} in found
    assert {"setting": "CentralSystemURL", "value": "wss://***@host/path"} in found


# The ring keeps the last twelve frames, oldest first, without any payload.
def test_frames():
    it, board = box()
    it.clock.set_utc(T0)
    for n in range(30):
        it.ocpp.receive('[3,"answer-%d",{"key":"AuthorizationKey"}]' % n, 0)
    it.ocpp.receive(None, 0)
    frames = [line["frame"] for line in lines(it).of("frame")]
    assert frames == ['[3,"answer-%d",' % n for n in range(19, 30)], frames


# A peer's nonsense in log and frames stays one line of JSON each.
def test_nonsense():
    it, board = box()
    it.log.info("x", 'quote " back \\ tab \t nul \0 umlaut \xe4 \ud800')
    it.ocpp.receive('[2,"\xe4\t",' + "x" * 100, 0)
    assert 'I x: quote " back \\ tab \t nul \0 umlaut \xe4 \ud800' in logged(lines(it))
    assert [line["frame"] for line in lines(it).of("frame")] == ['[2,"???",' + "x" * 32]
