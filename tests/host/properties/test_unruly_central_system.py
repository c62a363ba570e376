"""A central system that answers late, twice, out of order or not at all leaves no connector stuck, and loses nothing."""

import json
import random

import pytest
from paper_charger import CentralSystem, compact_schemas, ocpp_bench  # noqa: F401 (a fixture)


class Unruly(ocpp_bench.Bench):
    """Answers after 0 to 5 s, some twice, a few never, and some for ids nobody knows."""

    def __init__(self, seed, **settings):
        self.random = random.Random(seed)
        self.late = []  # (due in ms of the world, text)
        super().__init__(**settings)

    def exchange(self):
        for entry in [e for e in self.late if e[0] <= self._world_ms]:
            self.late.remove(entry)
            self.cp.receive(entry[1], self.clock.ms)
        while True:
            text = self.cp.next_frame(self.clock.ms)
            if text is None:
                return
            frame = json.loads(text if isinstance(text, str) else "".join(text))
            if frame[0] != 2:
                continue
            _, unique, action, payload = frame
            self.sent.append((action, payload))
            if self.random.random() < 0.02:
                continue  # never answered
            answer = json.dumps([3, unique, self.answer(action, payload)])
            for _ in range(self.random.choice((1, 1, 1, 2))):
                self.late.append((self._world_ms + self.random.randrange(5000), answer))
            if self.random.random() < 0.1:
                self.late.append((self._world_ms + 100, json.dumps([3, f"nobody-{len(self.sent)}", {}])))

    def until(self, condition, seconds):
        for _ in range(seconds * 5):
            if condition():
                return
            self.run(0)
            self.run(0)
        raise AssertionError("stuck: " + json.dumps(self.sent[-5:]))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_two_hundred_sessions(seed):
    central = CentralSystem()
    b = Unruly(seed, connectors=2, sectors=16, MessageTimeout="10", TransactionMessageRetryInterval="1",
               TransactionMessageAttempts="100", LocalPreAuthorize="true", AllowOfflineTxForUnknownId="true")  # fmt: skip
    b.answers["StartTransaction"] = central.start
    b.answers["StopTransaction"] = central.stop
    b.cp.connected(b.clock.ms)
    b.until(lambda: b.cp.registration == "Accepted", 120)
    for i in range(200):
        number = 1 + i % 2
        c = b.cp.connectors[number - 1]
        tag = f"T{i % 20}"
        b.plug(number)
        for _ in range(20):  # a reader is held to the box until it works
            if c.transaction:
                break
            b.present(tag)
            b.until(lambda: not b.cp.busy, 60)
            b.run(0)
        assert c.transaction, f"session {i} did not start"
        b.charge(b.random.randrange(1, 50), number)
        b.run(b.random.randrange(3))
        if i % 50 == 49:
            b.late.clear()
            b.cp.disconnected()
            b.cp.connected(b.clock.ms)
        b.present(tag)
        assert not c.transaction, f"session {i} did not end"
        b.unplug(number)
        assert c.status == "Available"
    b.until(lambda: not b.cp.transactions.queued, 3600)
    assert len(central.starts) == len(central.stops) == 200
    assert set(central.stops) == set(central.starts.values())
    billed = sum(stop["meterStop"] for stop in central.stops.values()) - sum(
        dict(key)["meterStart"] for key in central.starts
    )
    assert billed == sum(c.energy_wh for c in b.cp.connectors)
    assert b.clock.holds in (0, 1)
