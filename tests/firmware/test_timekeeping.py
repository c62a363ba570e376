"""The clock before the first handshake: what is known to be past is lent to TLS, and nothing is stamped with it."""
# stand-ins: machine

import time

import iso8601
from ocpp16 import timekeeping
from port.clock import Clock

NOW = iso8601.parse("2026-11-22T10:00:00Z")

CASES_DATE = [
    (b"HTTP/1.1 401 No\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nServer: x\r\n\r\n", NOW),
    (b"HTTP/1.1 200 OK\r\ndate:Sun, 22 Nov 2026 10:00:00 GMT", NOW),
    (b"HTTP/1.1 200 OK\r\nX-Date: Sun, 22 Nov 2026 10:00:00 GMT\r\n\r\n", None),
    (b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Foo 2026 10:00:00 GMT\r\n\r\n", None),
    (b"HTTP/1.1 200 OK\r\nDate: Sun, 22 anF 2026 10:00:00 GMT\r\n\r\n", None),
    (b"HTTP/1.1 200 OK\r\nDate: Sun, 99 Nov 2026 10:00:00 GMT\r\n\r\n", None),
    (b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n", None),
    (b"HTTP/1.1 200 OK\r\nDate: \xff\xfe\r\n\r\n", None),
    (b"", None),
]


def test_date(head, expected):
    assert timekeeping.date(head) == expected


class Station:
    def __init__(self, sntp=""):
        self.clock = Clock()
        self.files = {}
        self.store = self
        self.transactions = self
        self.settings = {"SntpServer": sntp}
        self.synced_at = None
        self.clock.set_utc(0)

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.files[name] = data

    def synced(self):
        self.synced_at = self.clock.utc()


def shown():
    return time.time() - time.mktime((2000, 1, 1, 0, 0, 0, 0, 0))


async def test_the_last_known_time_is_lent_and_taken_back():
    it = Station()
    it.files["clock"] = b"%d" % NOW
    assert it.clock.utc() is None
    await timekeeping.prepare(it, None)
    assert shown() == NOW and it.clock.utc() is None and it.synced_at is None
    time.sleep_ms(5000)
    it.clock.lend(None)
    assert shown() == 5 and it.clock.utc() is None
    it.clock.lend(None)
    assert shown() == 5


async def test_what_is_heard_while_it_is_lent_is_the_time():
    it = Station()
    it.files["clock"] = b"%d" % (NOW - 1000)
    await timekeeping.prepare(it, None)
    timekeeping.heard(it, CASES_DATE[0][0])
    it.clock.lend(None)
    assert it.clock.utc() == NOW and it.synced_at == NOW


def test_a_date_before_what_is_known_is_not_believed():
    it = Station()
    it.files["clock"] = b"%d" % (NOW + 1)
    timekeeping.heard(it, CASES_DATE[0][0])
    assert it.clock.utc() is None


def test_remembered_once_a_day():
    it = Station()
    timekeeping.remember(it)
    assert "clock" not in it.files
    it.clock.set_utc(NOW)
    timekeeping.remember(it)
    assert it.files["clock"] == b"%d" % NOW
    it.clock.set_utc(NOW + 86400)
    timekeeping.remember(it)
    assert it.files["clock"] == b"%d" % NOW
    it.clock.set_utc(NOW + 86401)
    timekeeping.remember(it)
    assert it.files["clock"] == b"%d" % (NOW + 86401)


def test_rubbish_in_the_file_is_nothing():
    it = Station()
    it.files["clock"] = b"x1"
    it.clock.set_utc(NOW)
    timekeeping.remember(it)
    assert it.files["clock"] == b"%d" % NOW
