# Jobs beside OCPP, and the tries of a transfer with the statuses that tell of them.
import asyncio
import sys

from ocpp_bench import Bench
import cold

WORDS = ("Downloading", "Downloaded", {"": "DownloadFailed", "auth": "Refused"})
ACTION = "FirmwareStatusNotification"
events = []


def write(name, body):
    with open(name + ".py", "w") as f:
        f.write("import asyncio\nfrom test_jobs import events\n\n" + body)


def bench():
    sys.modules["test_jobs"] = sys.modules.get("test_jobs") or sys.modules[__name__]
    if "" not in sys.path:
        sys.path.append("")
    events.clear()
    b = Bench()
    b.connect()
    b.sent.clear()
    return b


def start(b, *args, name="firmware", module="job_one"):
    cold.call("ocpp16.jobs", "start", b.cp, name, module, "run", *args)


WAITS = """
async def run(cp, what):
    events.append("begin " + what)
    try:
        await asyncio.sleep(100)
        events.append("end " + what)
    finally:
        events.append("left " + what)
"""


async def test_a_job_runs_beside_ocpp():
    b = bench()
    write("job_one", WAITS)
    start(b, "a")
    await asyncio.sleep(1)
    assert "firmware" in b.cp.jobs and events == ["begin a"]
    assert b.call("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
    await asyncio.sleep(100)
    assert events == ["begin a", "end a", "left a"]
    assert not b.cp.jobs and "job_one" not in sys.modules and "ocpp16.jobs" not in sys.modules


# req: DIAG-03, FW-06
# A second job of the same name takes the place of the first, even of one that had no time to begin.
async def test_the_new_one_cancels_the_old():
    b = bench()
    write("job_one", WAITS)
    start(b, "never")
    start(b, "a")
    await asyncio.sleep(1)
    start(b, "b")
    await asyncio.sleep(1)
    assert events == ["begin a", "left a", "begin b"], events
    cold.call("ocpp16.jobs", "cancel", b.cp, "firmware")
    await asyncio.sleep(1)
    assert events[-1] == "left b" and not b.cp.jobs
    cold.call("ocpp16.jobs", "cancel", b.cp, "firmware")


async def test_jobs_overlap_and_share_modules():
    b = bench()
    write("job_shared", "class Mark(Exception):\n    pass\n")
    body = "async def run(cp, s):\n    %s\n    %s\n    events.append(job_shared.Mark)\n"
    load, wait = "import job_shared", "await asyncio.sleep(s)"
    write("job_one", body % (load, wait))
    write("job_two", body % (wait, load))
    start(b, 5, name="a")
    start(b, 10, name="b", module="job_two")
    await asyncio.sleep(11)
    assert len(events) == 2 and events[0] is events[1], "one loaded the module anew"
    assert "job_two" not in sys.modules


# A job that dies is logged, and the charger goes on.
CASES_DEATH = ["raise ValueError('bad')", "import nothing_of_that_name", "1 // 0"]


async def test_death(line):
    b = bench()
    write("job_one", "async def run(cp):\n    await asyncio.sleep(1)\n    " + line + "\n")
    start(b)
    await asyncio.sleep(2)
    assert not b.cp.jobs and b.cp.log.errors == 1 and b.lines[-1].startswith("E firmware: "), b.lines
    b.run(1)
    assert b.cp.registration == "Accepted"


# A job that finds no memory tries the same part again, since another may need the room just then; but not for ever, and the CALL
# that it is named after is answered.
CASES_STARVED = [3, 4]


async def test_starved(times):
    b = bench()
    hungry = "async def run(cp):\n    events.append(1)\n    if len(events) <= %d:\n        bytearray(100000000)\n" % times
    write("job_one", hungry + "    cp.rpc.answer('cs-1', {'status': 'Accepted'})\n")
    b.cp.rpc.deferred.append("cs-1")
    start(b, name="cs-1")
    await asyncio.sleep(5)
    b.exchange()
    assert len(events) == 4 and not b.cp.jobs and not b.cp.rpc.deferred
    assert b.replies[-1] == ([3, "cs-1", {"status": "Accepted"}] if times == 3 else [4, "cs-1", "InternalError", "", {}])


TRIES = """
from transfer import TransferError
import cold

async def run(cp, failures, interval, left):
    def told(status):
        events.append(status)
        cold.call("ocpp16.jobs", "tell", cp, "firmware", status, "FirmwareStatusNotification")

    async def attempt(connect, secure, buf):
        assert cp.transferring and cp.clock.holds == 1 and len(buf) >= 256
        await asyncio.sleep(5)
        if failures:
            kind = failures.pop(0)
            raise TransferError(kind, "words") if kind else MemoryError()

    words = ("Downloading", "Downloaded", {"": "DownloadFailed", "auth": "Refused"})
    url = "http://host/file"
    again = interval, left, "job_one", "run", failures, interval
    left = await cold.call("ocpp16.tries", "transfer", cp, "firmware", url, attempt, words, told, *again)
    assert not cp.transferring
    if isinstance(left, tuple):
        return left
    events.append(left is not None)
"""
BAD = ["Downloading", "DownloadFailed"]
GOOD = ["Downloading", "Downloaded"]
# failures of the tries, retries, retryInterval, statuses, seconds
CASES_TRIES = [
    ([], None, None, GOOD + [True], 5),
    (["connect"] * 9, 2, 10, BAD * 3 + [False], 35),
    (["connect"] * 9, None, None, BAD * 3 + [False], 135),
    (["connect"] * 9, 0, 10, BAD + [False], 5),
    (["connect"] * 9, -1, 10, BAD + [False], 5),
    (["connect", "stall"], 2, 100, BAD * 2 + GOOD + [True], 215),
    (["auth", ""], 5, 1, ["Downloading", "Refused"] + BAD + GOOD + [True], 17),
    (["short"], 1, -5, BAD + GOOD + [True], 10),
]


# req: FW-03, DIAG-02
# Each try tells that it begins and how it ended; out of memory is a try that failed, too.
async def test_tries(failures, retries, interval, statuses, seconds):
    b = bench()
    write("job_one", TRIES)
    start(b, list(failures), interval, retries)
    await asyncio.sleep(seconds - 1)
    assert True not in events and False not in events
    await asyncio.sleep(2)
    assert events == statuses, events
    b.exchange()
    assert [p["status"] for p in b.payloads(ACTION)] == statuses[:-1]
    assert b.cp.clock.holds == 0 and b.cp.log.errors == 0


# req: TRG-03
# Asked for meanwhile, the status is the one of the moment; Idle before and after.
async def test_triggered():
    b = bench()
    write("job_one", TRIES)

    def asked():
        b.exchange()
        b.sent.clear()
        assert b.call("TriggerMessage", {"requestedMessage": ACTION}) == {"status": "Accepted"}
        b.exchange()
        return b.payloads(ACTION)[-1]["status"]

    assert asked() == "Idle"
    start(b, ["connect"], 10, 1)
    await asyncio.sleep(1)
    assert asked() == "Downloading"
    await asyncio.sleep(6)
    assert asked() == "DownloadFailed"
    left = [name for name in ("job_one", "transfer", "ocpp16.tries") if name in sys.modules]
    assert not left  # a pause may last for hours
    await asyncio.sleep(30)
    assert asked() == "Idle"


# What waits for a contactor to open has nothing loaded meanwhile, and goes on soon after it.
async def test_waits_for_a_contactor():
    b = bench()
    c = b.cp.connectors[0]
    body = "    events.append(word)\n    return word == 'a' and (-1, 'job_one', 'run', 'b')\n"
    write("job_one", "async def run(cp, word):\n" + body)
    c.energised = True
    start(b, "a")
    await asyncio.sleep(3600)
    assert events == ["a"] and b.cp.jobs and "job_one" not in sys.modules
    c.energised = False
    await asyncio.sleep(3)
    assert events == ["a", "b"] and not b.cp.jobs


# There is room for one transfer: the second waits until the first has ended, or was cancelled.
async def test_one_at_a_time():
    b = bench()
    write("job_one", TRIES)
    start(b, [], 0, 0)
    start(b, [], 0, 0, name="other")
    await asyncio.sleep(4)
    assert events == ["Downloading"]
    cold.call("ocpp16.jobs", "cancel", b.cp, "firmware")
    await asyncio.sleep_ms(1500)  # it looks each second
    assert events == ["Downloading"] * 2
    await asyncio.sleep(6)
    assert events == ["Downloading"] + GOOD + [True] and b.cp.clock.holds == 0
