# Set-up mode: the name server, the form, the page and when it ends; over the air and in a browser: tests/e2e/test_setup.py.
import asyncio
import ticks
from settings import Settings
from setup import form, mode, names, page

ADDRESS = bytes([192, 168, 4, 1])
TABLE = "settings_table.tmp"
LINES = """Limit int rw 0..100 60
Flag bool rw - false
Fixed int ro .. 7
AuthorizationKey str wo 0..40
CentralSystemURL str local 0..64
ChargePointId str local 0..48
FreeChargingTag str rw 0..20
WifiSsid str local 0..32
WifiKey str secret 0..64
SetupPassword str secret 0..63
"""


class Store:
    def __init__(self):
        self.files = {}
        self.writes = 0

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.writes += 1
        self.files[name] = bytes(data)


def settings():
    with open(TABLE, "w") as f:
        f.write(LINES)
    return Settings(Store(), TABLE)


def query(name, kind=1, flags=b"\1\0"):
    parts = b"".join([bytes([len(part)]) + part for part in name.split(b".")])
    return b"\xab\xcd" + flags + b"\0\1\0\0\0\0\0\0" + parts + b"\0" + bytes([0, kind, 0, 1])


def test_every_name_is_ours():
    asked = query(b"captive.apple.com")
    reply = names.answer(asked, ADDRESS)
    assert reply[:8] == b"\xab\xcd\x85\x80\0\1\0\1"
    assert reply[12 : len(asked)] == asked[12:]
    assert reply[-4:] == ADDRESS


def test_a_name_has_no_other_records():
    reply = names.answer(query(b"a.b", kind=28), ADDRESS)
    assert reply[6:8] == b"\0\0" and len(reply) == len(query(b"a.b"))


CASES_NOT_ASKED = [
    b"",
    b"\0" * 17,
    query(b"a.b", flags=b"\x81\0"),  # a reply
    query(b"a.b", flags=b"\x28\0"),  # an update
    query(b"a.b")[:-3],
    b"\0\0\1\0\0\1\0\0\0\0\0\0\x3fabcd",  # a name that ends behind the datagram
]


def test_not_asked(data):
    assert names.answer(data, ADDRESS) is None


CASES_WRONG = [
    ("Limit", "101"),
    ("Limit", "x"),
    ("Flag", "yes"),
    ("ChargePointId", "a:b"),
    ("CentralSystemURL", "http://a"),
    ("CentralSystemURL", "ws://"),
    ("CentralSystemURL", "ws://u:p@a"),
    ("CentralSystemURL", ""),
    ("WifiKey", "seven77"),
]


def test_wrong(name, text):
    fields = {"CentralSystemURL": "ws://a", "Limit": "5"}
    fields[name] = text
    _, wrong = form.check(settings(), fields)
    assert list(wrong) == [name]


def test_what_is_right_is_kept_in_one_write():
    s = settings()
    fields = {"CentralSystemURL": " wss://a/b ", "Limit": "60", "Flag": "true", "WifiKey": " 8 blanks ", "Fixed": "9"}
    changes, wrong = form.check(s, fields)
    assert not wrong
    form.keep(s, changes)
    assert s.store.writes == 1
    assert s.values == {"CentralSystemURL": "wss://a/b", "Flag": "true", "WifiKey": " 8 blanks "}
    assert s.get("Flag") is True
    # A field of a secret that was left empty is no wish to forget it.
    changes, wrong = form.check(s, {"CentralSystemURL": "wss://a/b", "WifiKey": ""})
    assert not changes and not wrong


def test_the_page_shows_no_secret_and_escapes_what_it_shows():
    s = settings()
    s.set("WifiSsid", 'a"><script>')
    s.set("WifiKey", "do not show")
    text = "".join(page.whole(s, {}, {}, "token"))
    assert "do not show" not in text
    assert "a&quot;&gt;&lt;script&gt;" in text
    assert "Fixed" not in text
    for name in ("Limit", "Flag", "AuthorizationKey", "SetupPassword"):
        assert 'name="%s"' % name in text
    assert text.count("<input") + text.count("<select") == 9 + 1  # and the token


def test_what_was_typed_is_there_again_with_what_is_wrong():
    text = "".join(page.whole(settings(), {"Limit": "<7", "WifiKey": "typed"}, {"Limit": "is <outside>"}, "token"))
    assert 'value="&lt;7"' in text and "is &lt;outside&gt;" in text
    assert "typed" not in text
    assert "<details open>" in text


def test_a_password_of_its_own():
    s = settings()
    made = mode.password(s)
    assert len(made) == 10
    assert mode.password(s) == made
    assert mode.password(settings()) != made


class Access:
    ADDRESS = "192.168.4.1"
    name = "pilotwire-000001"

    def start(self, key):
        self.key = key

    async def names(self, answer):
        await asyncio.sleep(500000)


class Board:
    fed = 0

    def feed(self):
        self.fed += 1

    def led(self, state):
        self.state = state


class Clock:
    def now_ms(self):
        import time

        return time.ticks_ms() & 0x3FFFFFFF


class App:
    async def start_server(self, port):
        await asyncio.sleep(500000)  # the longest that ticks can hold


def started(lasting):
    told = []
    it = mode.Mode(Board(), settings(), Access(), Clock(), lasting, told.append)
    it.app = App
    return it, told


async def test_it_ends_when_nobody_comes():
    it, told = started(False)
    began = it.clock.now_ms()
    await it.run()
    assert 600000 <= ticks.diff(it.clock.now_ms(), began) < 601000
    assert it.board.fed > 5000 and it.board.state == "Setup"
    assert told[0]["password"] == it.access.key
    assert len(told) in (10, 11)


async def test_it_does_not_where_nothing_is_set():
    it, told = started(True)
    task = asyncio.create_task(it.run())
    await asyncio.sleep(3600)
    assert not task.done() and len(told) == 60
    task.cancel()
