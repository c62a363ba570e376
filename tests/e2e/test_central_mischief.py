"""What a central system does that it should not, or at awkward moments: answered in order, and the session goes on."""

import asyncio
import json

import pytest

from pilotwire.csms import answers
from pilotwire.timeline import Event

GARBAGE = [
    "",
    "not JSON",
    "{}",
    "[]",
    "null",
    "17",
    '"text"',
    "[2]",
    '[2,"1"]',
    '[2,"1","GetConfiguration"]',
    '[2,1,"GetConfiguration",{}]',
    '[2,"1",5,{}]',
    '[2,"1","GetConfiguration",[]]',
    '[2,"1","GetConfiguration",{"key":"not a list"}]',
    '[2,"1","GetConfiguration",{"key":[["deep"]]}]',
    '[2,"1","../../boot",{}]',
    '[2,"1","",{}]',
    '[2,"%s","GetConfiguration",{}]' % ("x" * 300),
    '[2,"1","RemoteStartTransaction",{}]',
    '[2,"1","RemoteStartTransaction",{"idTag":null}]',
    '[2,"1","RemoteStartTransaction",{"idTag":"%s"}]' % ("x" * 21),
    '[2,"1","RemoteStopTransaction",{"transactionId":"1"}]',
    '[2,"1","RemoteStopTransaction",{"transactionId":1e99}]',
    '[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":7}]',
    '[3,"nobody asked",{}]',
    '[3,"nobody asked"]',
    "[3]",
    '[4,"nobody asked","GenericError","",{}]',
    "[4]",
    '[5,"1",{}]',
    "[true]",
    "[" * 100,
    '[2,"1","GetConfiguration",' + '{"a":' * 50 + "1" + "}" * 50 + "]",
    "\x00\x01\x02",
    '[2,"1","DataTransfer",{"vendorId":"v","data":"%s"}]' % ("ü" * 300),
    b"",
    b"\xff\xfe binary",
    b'[2,"1","GetConfiguration",{}]',
]


# req: J-FMT-02, J-FMT-03, J-FMT-04, J-ERR-04
# Frames that make no sense, one after the other in a session: no restart, no lost connection, no lost watt.
async def test_garbage_in_a_session(bench):
    charger = await bench.start()
    await bench.charge()
    for frame in GARBAGE:
        bench.note(Event(bench.box.time_ms, "test", f"sends {frame[:60]!r}, {len(frame)} long"))
        await charger.send(frame)
        answer = await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]}, timeout=10)
        assert answer["configurationKey"][0]["key"] == "HeartbeatInterval", frame
    await bench.passes(70)
    assert bench.state()["status"] == "Charging" and charger.connections == 1 and len(charger.boots) == 1
    # Each CALL with an id got an answer of its own, none twice.
    answered = [f.id for f in charger.frames if f.direction == "in" and f.type in (3, 4)]
    for frame in charger.frames:
        call = _call_id(frame.text) if frame.direction == "out" else None
        assert call is None or call in answered
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions[1].stops == 1)


def _call_id(text):
    """The id of a CALL that must be answered, None for everything else."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ok = isinstance(frame, list) and len(frame) == 4 and frame[0] == 2 and isinstance(frame[1], str)
    return frame[1] if ok and len(frame[1]) <= 36 else None


# req: J-WS-02
# A message larger than the box takes ends the connection, with 1009; the session does not notice.
@pytest.mark.parametrize("size", [20_000, pytest.param(200_000, marks=pytest.mark.exhaustive)])
async def test_a_huge_message(bench, size):
    charger = await bench.start()
    await bench.charge()
    await bench.passes(1)  # what was not acknowledged would be told again
    await charger.send('[2,"1","DataTransfer",{"vendorId":"v","data":"%s"}]' % ("x" * size))
    await bench.told(lambda c: c.connections == 2)
    await bench.passes(70)
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions[1].stops == 1)
    assert charger.statuses[1].count("Charging") == 1 and len(charger.boots) == 1


# Messages that fit by their size, but perhaps not into the heap once they are taken apart: they may cost the connection,
# not the session.
async def test_a_message_that_bursts_the_heap(bench):
    bench.allowed = ["MemoryError", "Traceback"]
    charger = await bench.start()
    await bench.charge()
    for text in (
        "[" * 16000,
        json.dumps([2, "1", "GetConfiguration", {"key": ["k"] * 3000}]),
        '[2,"1","GetConfiguration",' + '{"a":' * 2000 + "1" + "}" * 2000 + "]",
        '[2,"1","DataTransfer",{"vendorId":"v","data":"%s"}]' % ("ü" * 5000),
    ):
        bench.note(Event(bench.box.time_ms, "test", f"sends {text[:60]!r}, {len(text)} long"))
        await charger.send(text)
        await bench.passes(2)
        await bench.told(lambda c: c.connected)
    await bench.passes(30)
    assert bench.state()["status"] == "Charging" and len(charger.boots) == 1
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions[1].stops == 1)


# req: CORE-BOOT-02, CORE-BOOT-05
# CALLs come before the answer to the BootNotification: they are answered, nothing is started, and nothing is
# sent by the box itself before it was accepted.
async def test_calls_before_the_boot_was_answered(bench):
    got = {}

    async def late(charger, payload):
        got["keys"] = await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
        got["start"] = await charger.call("RemoteStartTransaction", {"idTag": "EARLY"})
        return answers.default(charger, "BootNotification", payload)

    bench.central.answer["BootNotification"] = late
    charger = await bench.start()
    assert got["keys"]["configurationKey"][0]["key"] == "HeartbeatInterval"
    assert got["start"] == {"status": "Rejected"}
    assert len(charger.boots) == 1 and charger.statuses[1] == ["Available"]


# req: J-SYNC-01, J-SYNC-02
# CALLs come while one of the box's own waits for its answer: answered at once, and its own one is not sent again.
async def test_calls_while_one_is_outstanding(bench):
    got = []

    async def late(charger, payload):
        for _ in range(3):
            got.append(await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]}))
        return answers.default(charger, "Authorize", payload)

    bench.central.answer["Authorize"] = late
    charger = await bench.start()
    await bench.charge()
    assert len(got) == 3 and len(charger.transactions) == 1
    sent = [f.action for f in charger.frames if f.direction == "in" and f.type == 2]
    assert sent.count("Authorize") == 1


# Several CALLs at once, without waiting for answers, as no central system should: each is answered, in order.
async def test_many_calls_at_once(bench):
    charger = await bench.start()
    asked = [charger.call("GetConfiguration", {"key": [key]}) for key in ("HeartbeatInterval", "Nonsense") * 5]
    answered = await asyncio.gather(*asked)
    assert [len(answer["configurationKey"]) for answer in answered] == [1, 0] * 5


# req: TX-05, J-SYNC-03
# Answers that are wrong: another type, another id, an error. The session is billed all the same.
@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("StartTransaction", lambda charger, payload: {"idTagInfo": {"status": "Accepted"}, "transactionId": 0}),
        *(
            pytest.param(*row, marks=pytest.mark.exhaustive)
            for row in [
                ("StatusNotification", lambda charger, payload: {"nonsense": 1}),
                ("MeterValues", lambda charger, payload: []),
                ("Authorize", lambda charger, payload: {"idTagInfo": {"status": "Accepted", "parentIdTag": "P"}}),
                ("Heartbeat", lambda charger, payload: {"currentTime": "yesterday"}),
            ]
        ),
    ],
)
async def test_odd_answers(bench, action, answer):
    bench.central.answer[action] = answer
    bench.central.interval = 20
    bench.allowed = ["gave up a transaction message"]
    charger = await bench.start(settings={"TransactionMessageRetryInterval": "1"})
    await bench.charge()
    await bench.passes(90)
    await bench.do("tag", id="C0FFEE01")
    await bench.leave()
    await bench.told(lambda c: c.statuses[1][-1] == "Available")
    (transaction,) = charger.transactions.values()
    assert transaction.stops == 1 and transaction.energy_wh > 400 and len(charger.boots) == 1
