"""Player and demo against a stand-in for the supervisor that is a real OCPP client.

The real wallbox plays the same session in tests/e2e.
"""

import asyncio
import contextlib
import functools
import json
from datetime import UTC, datetime, timedelta

import pytest
import websockets
from websockets.typing import Subprotocol

from pilotwire import demo
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.player import Player
from pilotwire.scenario import parse
from pilotwire.sim.words import holds

T0 = datetime(2026, 11, 22, 10, tzinfo=UTC)


def asynchronous(test):
    """Runs an async test in a loop of its own, ten seconds at most."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 10))

    return run


class FakeBox:
    """A box whose time jumps while somebody waits; it charges with what is offered, on 3 phases.

    `lies_wh` is added to what it bills.
    """

    def __init__(self, socket, lies_wh=0):
        self.socket, self.lies_wh = socket, lies_wh
        self.seconds, self.energy, self.status = 0.0, 1000.0, "Available"
        self.limit_ma, self.transaction, self.ids = 32000, None, 0
        self.words = []

    @property
    def drawn_ma(self):
        return self.limit_ma if self.status == "Charging" else 0

    def utc(self):
        return (T0 + timedelta(seconds=self.seconds)).isoformat().replace("+00:00", "Z")

    async def call(self, action, **payload):
        self.ids += 1
        await self.socket.send(json.dumps([2, str(self.ids), action, payload]))
        return json.loads(await self.socket.recv())[2]

    async def show(self, status):
        # So that whoever samples the current sees it before and after the change.
        await asyncio.sleep(0.005)
        self.status = status
        await self.call("StatusNotification", connectorId=1, errorCode="NoError", status=status)
        await asyncio.sleep(0.005)

    async def boot(self):
        await self.call("BootNotification", chargePointVendor="v", chargePointModel="m")
        await self.show("Available")

    async def do(self, word, **fields):
        if word != "state":
            self.words.append(word)
        return await getattr(self, f"do_{word}")(**fields) or {}

    async def do_state(self):
        offered = 0 if self.status in ("Available", "Finishing") else self.limit_ma
        connector = {
            "status": self.status,
            "drawn_ma": [self.drawn_ma] * 3,
            "offered_ma": offered,
            "closed": self.status == "Charging",
            "locked": False,
        }
        return {"connectors": [connector], "time_ms": self.seconds * 1000}

    async def do_wait(self, until, timeout_s):
        if holds(await self.do_state(), until):
            return
        self.seconds += timeout_s
        self.energy += self.drawn_ma * 3 * 0.23 * timeout_s / 3600
        if self.transaction and timeout_s > 60:
            sample = {"timestamp": self.utc(), "sampledValue": [{"value": str(int(self.energy))}]}
            await self.call(
                "MeterValues", connectorId=1, transactionId=self.transaction, meterValue=[sample]
            )
        raise PilotwireError("it did not come to that")

    async def do_plug(self, **_):
        await self.show("Preparing")

    async def do_unplug(self, **_):
        await self.show("Available")

    async def do_limit(self, slot, ma):
        await asyncio.sleep(0.005)
        self.limit_ma = ma
        await asyncio.sleep(0.005)

    async def do_tag(self, id):
        meter = {"timestamp": self.utc(), "idTag": id}
        if self.transaction is None:
            answer = await self.call(
                "StartTransaction", connectorId=1, meterStart=round(self.energy), **meter
            )
            self.transaction = answer["transactionId"]
            await self.show("Charging")
        else:
            await self.show("Finishing")
            billed = round(self.energy) + self.lies_wh
            await self.call(
                "StopTransaction", transactionId=self.transaction, meterStop=billed, **meter
            )


@contextlib.asynccontextmanager
async def fake(lies_wh=0):
    async with CentralSystem() as central:
        url = f"{central.url}/{demo.IDENTITY}"
        async with websockets.connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
            box = FakeBox(socket, lies_wh)
            await box.boot()
            yield box, central


@asynchronous
async def test_the_session_of_the_demo(monkeypatch):
    monkeypatch.setattr(demo, "_SAMPLE_S", 0.001)
    async with fake() as (box, central):
        result = await demo.session(box, central)
    assert result.problems == []
    account = result.account
    assert abs(account["energy_wh"] - account["expected_wh"]) <= 0.02 * account["expected_wh"]
    assert {name: account[name] for name in ("started", "stopped", "schema_errors")} == {
        "started": 1, "stopped": 1, "schema_errors": 0,
    }  # fmt: skip
    assert account["statuses"] == ["Available", "Preparing", "Charging", "Finishing", "Available"]


@asynchronous
async def test_a_wrong_bill_is_found(monkeypatch):
    monkeypatch.setattr(demo, "_SAMPLE_S", 0.001)
    async with fake(lies_wh=200) as (box, central):
        result = await demo.session(box, central)
    assert len(result.problems) == 1 and "were billed" in result.problems[0]


GOOD = {
    "started": 1, "stopped": 1, "energy_wh": 1000, "meter_values": 5, "schema_errors": 0,
    "statuses": ["Available", "Preparing", "Charging", "SuspendedEV", "Charging", "Finishing",
                 "Available"],
}  # fmt: skip

JUDGED = [
    ({}, None),
    ({"started": 2}, "started is 2"),
    ({"stopped": 0}, "stopped is 0"),
    ({"energy_wh": 979}, "979 Wh were billed"),
    ({"energy_wh": 1021}, "1021 Wh were billed"),
    ({"energy_wh": 0}, "0 Wh were billed"),
    ({"meter_values": 0}, "no meter values"),
    ({"schema_errors": 3}, "3 frames"),
    ({"statuses": []}, "statuses were none"),
    ({"statuses": ["Available", "Charging", "Finishing", "Available"]}, "statuses were Available"),
    ({"statuses": [*GOOD["statuses"][:3], "Faulted", "Finishing", "Available"]}, "Faulted"),
]


@pytest.mark.parametrize(("change", "problem"), JUDGED)
def test_judge(change, problem):
    problems = demo.judge(GOOD | change, 1000.0)
    assert problems == [] if problem is None else (len(problems) == 1 and problem in problems[0])


def test_integral_is_current_times_voltage_times_time():
    integral = demo.Integral()
    for seconds, amps in [(0, 0), (10, 0), (12, 16), (3612, 16), (3612, 16), (3600, 0)]:
        integral.add(seconds, [amps * 1000] * 3)
    assert integral.wh == pytest.approx(16 * 3 * 230 * (3600 + 1) / 3600)


async def play(box, central, text):
    return await Player(box, central, demo.IDENTITY).play(parse(text))


@asynchronous
async def test_the_player_stops_at_the_first_line_that_fails():
    async with fake() as (box, central):
        report = await play(box, central, "plug\nexpect connectors[0].status = Charging\nunplug\n")
        assert not report.ok and report.failed is not None and report.failed.number == 2
        assert report.error == ("expected connectors[0].status = 'Charging', but it is 'Preparing'")
        assert box.words == ["plug"]
        report = await play(box, central, "expect connectors[0].nothing = 1")
        assert "but it is not there" in report.error
        report = await play(box, central, "wait connectors[0].status = Faulted timeout_s=1")
        assert report.error == "it did not come to that"


@asynchronous
async def test_the_player_lets_simulated_time_pass_and_looks_at_the_central_system():
    async with fake() as (box, central):
        report = await play(
            box,
            central,
            "+5 plug\nexpect central.statuses has Preparing\nwait central.started = 0\n"
            "wait central.stopped = 1 timeout_s=2",
        )
        assert len(report.played) == 3 and "expected central.stopped = 1" in report.error
        assert box.seconds == 7


@asynchronous
async def test_the_player_calls_through_the_central_system(monkeypatch):
    async with fake() as (box, central):
        charger = central.chargers[demo.IDENTITY]
        sent = []

        async def call(action, payload=None):
            sent.append((action, payload))
            return {"status": "Accepted"}

        monkeypatch.setattr(charger, "call", call)
        await box.do("tag", id="A")
        report = await play(
            box,
            central,
            "remote_start id=0815 connector=1\nremote_stop\nremote_stop transaction=9\n"
            "change_configuration key=K value=5\ncall action=ClearCache\n"
            "expect answer.status = Accepted\ndrop",
        )
        assert report.ok, report.error
        assert sent == [
            ("RemoteStartTransaction", {"idTag": "0815", "connectorId": 1}),
            ("RemoteStopTransaction", {"transactionId": 1}),
            ("RemoteStopTransaction", {"transactionId": 9}),
            ("ChangeConfiguration", {"key": "K", "value": "5"}),
            ("ClearCache", {}),
        ]


@asynchronous
async def test_words_of_the_central_system_need_ours():
    async with fake() as (box, _):
        for line in ("remote_stop", "wait central.started = 1"):
            report = await play(box, None, line)
            assert "needs our own central system" in report.error
    async with fake() as (box, central):
        report = await play(box, central, "remote_stop")
        assert "nothing to stop" in report.error
