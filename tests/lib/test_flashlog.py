# A log on flash: what is kept, how much it may wear, and that it never fails.
from flashlog import LINE, UPTIME, FlashLog
from ledger import Ledger
from log import Log
from nor import Nor, Region, blank


class Clock:
    seconds = None

    def utc(self):
        return self.seconds

    def uptime_s(self):
        return 7


def make(sectors=4):
    flash = blank(sectors)
    nor = Nor(flash)
    kept = FlashLog(Ledger(Region(nor, 0, sectors), range(256)), Clock())
    return nor, kept, Log(print=lambda line: None, level=2, kept=kept)


def lines(ledger):
    return [(int.from_bytes(p[1:5], "little"), p[5:].decode()) for _, kind, p, _ in ledger.records() if kind == LINE]


def test_kept_over_a_reset():
    nor, kept, log = make()
    log.info("app", "one")
    kept._clock.seconds = 1000
    log.warning("app", "two")
    log.debug("app", "not shown, not kept")
    log.error("app", "three\nforged")
    again = Ledger(Region(nor, 0, 4), range(256))
    wanted = [(UPTIME | 7, "I app: one"), (1000, "W app: two"), (1000, "E app: three forged")]
    assert lines(again) == wanted and lines(kept.ledger) == wanted


# A flood is bounded: a sector at once, then what time brings back; errors get half a sector more.
def test_wear():
    nor, kept, log = make()
    while kept.prepare():
        pass
    erases = kept.ledger.erases
    for n in range(1000):
        log.info("x", "line %d" % n)
    assert kept.ledger.erases == erases, "a line erases nothing by itself"
    shown = len(lines(kept.ledger))
    assert 70 < shown < 130 and kept.lost == 1000 - shown
    for _ in range(1000):
        log.error("x", "an error")
    assert len(lines(kept.ledger)) <= shown + 60
    lost = kept.lost
    for _ in range(12):  # a minute
        kept.prepare()
    log.info("x", "one more")
    assert kept.lost == lost + 1, "errors have used up more than that"
    for _ in range(60 * 12):
        kept.prepare()
        log.info("x", "an hour of nonsense, a line each five seconds")
    assert kept.ledger.erases - erases <= 10


def test_oldest_make_room():
    nor, kept, log = make()
    for n in range(400):
        log.info("x", "%d" % n)
        kept.prepare()
    found = [int(bytes(payload[10:])) for _, _, payload, _ in kept.ledger.records()]
    assert 60 < len(found) < 390 and found == list(range(400 - len(found), 400)), len(found)


class Broken:
    def ioctl(self, request, argument):
        return 4 if request == 4 else 0

    def readblocks(self, *args):
        pass

    def writeblocks(self, *args):
        raise OSError(5)


def test_never_fails():
    out = []
    kept = FlashLog(Ledger(Broken(), range(256)), Clock())
    log = Log(print=out.append, kept=kept)
    log.error("x", "y")
    assert out == ["E x: y"] and kept.lost == 1
