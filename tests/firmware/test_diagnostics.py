# GetDiagnostics: what it answers, where the file goes, and the file as a stream of a known size.
import asyncio

from ocpp_bench import T0, Bench
from ocpp16.diagnostics import completed, file_name
from ocpp16.upload import Source

GET = "GetDiagnostics"
STATUS = "DiagnosticsStatusNotification"


class Link:
    """Nobody can be reached."""

    def __init__(self):
        self.asked = []

    async def socket(self, host, port):
        self.asked.append((host, port))
        await asyncio.sleep(3)
        raise OSError(113)


def bench(**settings):
    b = Bench(**settings)
    b.cp.link = Link()
    b.windows = []
    b.cp.diagnose = lambda start, stop: b.windows.append((start, stop)) or [b'{"a": 1}\n'] * 20
    b.connect()
    b.run(0)
    b.sent.clear()
    return b


def statuses(b):
    b.exchange()
    return [p["status"] for p in b.payloads(STATUS)]


# A location that is a directory gets the name of the file: it ends in a slash, has no path, or is FTP and names no file.
CASES_COMPLETED = [
    ("http://h/up/", "http://h/up/F"),
    ("http://h", "http://h/F"),
    ("http://h/up", "http://h/up"),
    ("http://h/up.php", "http://h/up.php"),
    ("http://h/up/?sig=a/b", "http://h/up/F?sig=a/b"),
    ("https://h/key?sig=a/b", "https://h/key?sig=a/b"),
    ("ftp://u:p@h", "ftp://u:p@h/F"),
    ("ftp://u:p@h/", "ftp://u:p@h/F"),
    ("ftp://u:p@h:21/dir", "ftp://u:p@h:21/dir/F"),
    ("FTPS://h/dir/", "FTPS://h/dir/F"),
    ("ftp://h/dir/log.txt", "ftp://h/dir/log.txt"),
]


# req: DIAG-01
def test_completed(url, wanted):
    assert completed(url, "F") == wanted


# req: DIAG-01
def test_file_name():
    b = bench(ChargePointId="CP /1\xe4")
    assert file_name(b.cp, "diagnostics") == "CP_20_2F1_C3_A4-diagnostics-20261122T100000Z.jsonl"
    b.cp.settings.set("ChargePointId", "\xe4" * 24)
    assert len(file_name(b.cp, "diagnostics")) <= 255


# The answer has the name; without one where nothing can be in the window, and then nothing is sent.
CASES_WINDOW = [
    ({}, (None, None)),
    ({"startTime": "2026-11-22T09:00:00Z"}, (T0 - 3600, None)),
    ({"stopTime": "2026-11-22T10:30:00+01:00"}, (None, T0 - 1800)),
    ({"startTime": "2026-11-22T09:00:00Z", "stopTime": "2026-11-22T09:30:00Z"}, (T0 - 3600, T0 - 1800)),
    ({"startTime": "2026-11-22T09:30:00Z", "stopTime": "2026-11-22T09:30:00Z"}, None),
    ({"startTime": "2026-11-23T09:30:00Z"}, None),
]


# req: DIAG-01
async def test_window(fields, window):
    b = bench()
    answer = b.call(GET, dict(fields, location="http://h/", retries=0))
    assert ("fileName" in answer) == (window is not None), answer
    await asyncio.sleep(10)
    assert statuses(b) == (["Uploading", "UploadFailed"] if window else [])
    assert b.windows[:1] == ([window] if window else [])


# A pair of statuses for each try, also where the URL can never work; the interval lies between.
CASES_URL = ["http://h/", "gopher://h/", "ftp://", "nonsense"]


# req: DIAG-02, FW-07
async def test_url(location):
    b = bench()
    assert "fileName" in b.call(GET, {"location": location, "retries": 2, "retryInterval": 50})
    await asyncio.sleep(90)
    assert statuses(b) == ["Uploading", "UploadFailed"] * 2
    await asyncio.sleep(30)
    assert statuses(b) == ["Uploading", "UploadFailed"] * 3
    await asyncio.sleep(500)
    assert statuses(b) == ["Uploading", "UploadFailed"] * 3 and not b.cp.jobs


# req: DIAG-03
# A new request ends the old one, whatever it is doing.
async def test_new_request():
    b = bench()
    b.call(GET, {"location": "http://one/", "retries": 5, "retryInterval": 60})
    await asyncio.sleep(1)
    b.call(GET, {"location": "http://two/", "retries": 0})
    await asyncio.sleep(200)
    assert b.cp.link.asked == [("one", 80), ("two", 80)]
    assert statuses(b) == ["Uploading", "Uploading", "UploadFailed"]
    assert b.cp.clock.holds == 0 and not b.cp.transferring


# The stream has exactly the size that was told before, whatever became of the lines meanwhile.
CASES_SOURCE = [(10, b"line\nline\n"), (7, b"line\nli"), (13, b"line\nline\n\n\n\n"), (0, b"")]


def test_source(size, wanted):
    for piece in (1, 3, 64):
        source = Source(lambda: iter([b"line\n", b"line\n"]), size)
        got = b""
        while True:
            buf = bytearray(piece)
            n = source.readinto(memoryview(buf))
            if not n:
                break
            got += buf[:n]
        assert got == wanted, got
