"""kill -9 of the firmware's process at named moments of a session, with a real socket: billed once, whatever was on its way."""

import asyncio
import contextlib
import os
import signal

import pytest

from pilotwire.csms import answers

MINUTE_WH = 32 * 3 * 230 / 60  # what may be in doubt after a cut
TAG = "C0FFEE01"


async def plugged(bench):
    await bench.do("plug")
    await bench.until(status="Preparing")


async def by_tag(bench):
    """A session that a tag starts and stops."""
    await plugged(bench)
    await bench.do("tag", id=TAG)
    await bench.until(status="Charging")
    await bench.passes(70)
    await bench.do("tag", id=TAG)
    await bench.leave()


async def remote(bench):
    """One that the central system starts and stops."""
    await plugged(bench)
    await bench.charger.call("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1})
    await bench.until(status="Charging")
    await bench.passes(70)
    transaction = await bench.told(lambda c: next(iter(c.transactions.values()), None))
    await bench.charger.call("RemoteStopTransaction", {"transactionId": transaction.id})
    await bench.leave()


def orders(action, payload):
    """A session with one more order of the central system in it."""

    async def play(bench):
        await plugged(bench)
        await bench.do("tag", id=TAG)
        await bench.until(status="Charging")
        await bench.passes(10)
        await bench.charger.call(action, payload)
        await bench.passes(70)
        await bench.do("tag", id=TAG)
        await bench.leave()

    return play


def received(action, answered, nth=1):
    """When the central system has received the nth message of its kind: before its answer leaves, or right after."""

    async def moment(bench, kill):
        reached = asyncio.Event()
        count = 0

        def hook(charger, payload):
            nonlocal count
            count += 1
            if count == nth and not answered:
                kill()
            if count == nth:
                reached.set()
            return answers.default(charger, action, payload)

        bench.central.answer[action] = hook
        await reached.wait()
        if answered:
            kill()

    return moment


def state(**fields):
    """When connector 1 is in a state."""

    async def moment(bench, kill):
        await bench.until(timeout_s=600, **fields)
        kill()

    return moment


def logged(text):
    """When the firmware says so."""

    async def moment(bench, kill):
        while not bench.log(text):
            await asyncio.sleep(0)
        kill()

    return moment


def replied(action):
    """When the charger has answered an order of the central system."""

    async def moment(bench, kill):
        while not any(f.action == action and f.type == 3 and f.direction == "in" for f in bench.charger.frames):
            await asyncio.sleep(0)
        kill()

    return moment


MOMENTS = {
    "a cable is plugged": (by_tag, state(status="Preparing")),
    "a tag is read": (by_tag, logged("tag " + TAG)),
    "Authorize on its way": (by_tag, received("Authorize", False)),
    "Authorize answered": (by_tag, received("Authorize", True)),
    "current offered": (by_tag, state(duty_permille={"<": 1000})),
    "StartTransaction on its way": (by_tag, received("StartTransaction", False)),
    "StartTransaction answered": (by_tag, received("StartTransaction", True)),
    "contactor closed": (by_tag, state(closed=True)),
    "Charging": (by_tag, state(status="Charging")),
    "MeterValues on its way": (by_tag, received("MeterValues", False)),
    "MeterValues answered": (by_tag, received("MeterValues", True)),
    "StopTransaction on its way": (by_tag, received("StopTransaction", False)),
    "StopTransaction answered": (by_tag, received("StopTransaction", True)),
    "Finishing": (by_tag, state(status="Finishing")),
    "RemoteStartTransaction answered": (remote, replied("RemoteStartTransaction")),
    "remote StartTransaction on its way": (remote, received("StartTransaction", False)),
    "RemoteStopTransaction answered": (remote, replied("RemoteStopTransaction")),
    "a setting changed": (
        orders("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "20"}),
        replied("ChangeConfiguration"),
    ),
    "availability changed": (
        orders("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
        replied("ChangeAvailability"),
    ),
    "Reset answered": (orders("Reset", {"type": "Hard"}), replied("Reset")),
    "the list changed": (
        orders("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": []}),
        replied("SendLocalList"),
    ),
}
QUICK = ("StartTransaction on its way", "StopTransaction answered")


# req: TX-15, TX-17
# Whatever the firmware was doing when it was killed, each transaction that began is told with one Start and one Stop. A message
# is told again, as it was, only if its answer was lost.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.exhaustive) for name in MOMENTS]
)
async def test_killed(bench, name):
    play, moment = MOMENTS[name]
    bench.allowed = ["died, status -9"]
    charger = await bench.start()
    killed = asyncio.Event()

    def kill():
        os.kill(bench.box.pid, signal.SIGKILL)
        killed.set()

    tasks = [asyncio.ensure_future(play(bench)), asyncio.ensure_future(moment(bench, kill))]
    await killed.wait()
    for task in tasks:
        task.cancel()
    with contextlib.suppress(BaseException):
        await asyncio.gather(*tasks)
    metered = bench.state()["energy_wh"]
    await bench.do("power", on=False)
    await bench.do("power", on=True)
    await bench.told(lambda c: len(c.boots) == 2 and c.connected)
    await bench.do("wait", until={"queue": 0, "online": True}, timeout_s=300)
    if bench.state()["plugged"]:
        await bench.until(locked=False, timeout_s=120)
        await bench.do("unplug")
    await bench.passes(5)
    await bench.do("wait", until={"queue": 0}, timeout_s=60)
    known = list(charger.transactions.values())
    again = sum(t.duplicates for t in known)
    assert all(t.starts and t.stops and not t.conflicts for t in known)
    assert again <= 1, "only what the kill left without an answer may be told again"
    assert not charger.book.unknown_stops and len(known) <= 1
    billed = sum(t.energy_wh for t in known)
    assert metered - MINUTE_WH - 2 <= billed <= bench.state()["energy_wh"]
