"""Cuts and restarts in the middle of a session: it is closed by the next start, and told exactly once."""

import asyncio
import json
import os
import sys

import pytest

ONCE = (1, 1)


def told(charger):
    """(starts, stops) over all transactions."""
    known = charger.transactions.values()
    return sum(t.starts for t in known), sum(t.stops for t in known)


# req: TX-15, TX-17, CORE-BOOT-01
# The supply fails while a car charges. What was metered in the last minute may be lost, nothing else.
async def test_power_cut(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.passes(200)
    metered = bench.state()["energy_wh"]
    await bench.do("power", on=False)
    await bench.until(closed=False, timeout_s=0.1)
    await bench.passes(30)
    await bench.do("power", on=True)
    await bench.told(lambda c: c.transactions[1].stops)
    await bench.until(status="Finishing")
    transaction = charger.transactions[1]
    assert told(charger) == ONCE and transaction.reason == "PowerLoss"
    minute_wh = 32 * 3 * 230 / 60
    assert metered - minute_wh - 2 <= transaction.energy_wh <= metered
    assert len(charger.boots) == 2
    # The plug was let go when the supply failed, and the next session is a new one.
    await bench.leave()
    await bench.charge(tag="NEXT")
    await bench.told(lambda c: len(c.transactions) == 2)
    assert charger.transactions[2].meter_start >= transaction.meter_stop


# req: TX-15
# The supply fails again and again while the session is being closed and told.
@pytest.mark.parametrize("after_s", [2.1, *(pytest.param(s, marks=pytest.mark.exhaustive) for s in (0.2, 2.3, 2.5))])
async def test_power_cuts_in_a_row(bench, after_s):
    charger = await bench.start()
    await bench.charge()
    await bench.passes(70)
    for _ in range(3):
        await bench.do("power", on=False)
        await bench.do("power", on=True)
        await bench.passes(after_s)
    await bench.told(lambda c: c.transactions[1].stops)
    await bench.do("wait", until={"queue": 0}, timeout_s=60)
    transaction = charger.transactions[1]
    # The answer to a Stop may be cut off after it was sent: then, and only then, it is told again, as it was.
    assert transaction.starts == 1 and not transaction.conflicts and len(charger.transactions) == 1
    assert transaction.reason == "PowerLoss"


# req: TX-15, TX-17
# A cut before the central system has answered the StartTransaction, and a start while it is away.
async def test_power_cut_before_the_answer(bench):
    charger = await bench.start(settings={"AllowOfflineTxForUnknownId": "true", "WebSocketPingInterval": "2"})
    await bench.do("network", up=False)
    await bench.do("wait", until={"online": False}, timeout_s=60)
    await bench.charge()
    await bench.passes(70)
    await bench.do("power", on=False)
    await bench.do("power", on=True)
    await bench.until(status="Finishing")
    await bench.do("network", up=True)
    await bench.told(lambda c: c.transactions and c.transactions[1].stops, timeout_s=600)
    await bench.do("wait", until={"queue": 0}, timeout_s=60)
    assert told(charger) == ONCE and charger.transactions[1].reason == "PowerLoss"


# Makes the firmware go wrong when a tag says so.
SABOTAGE = """
import app
from ocpp16.charge_point import ChargePoint

present, step = ChargePoint.present, app.Wallbox.step
stopped = []

def mischief(self, tag, now):
    if tag == "CRASH":
        raise RuntimeError("sabotage")
    if tag == "STOP":
        stopped.append(1)
    present(self, tag, now)

def no_step(self, timer=None):
    if not stopped:
        step(self)

ChargePoint.present = mischief
app.Wallbox.step = no_step
"""


# req: TX-15
# The program dies of an error, or its safety step stops and the watchdog bites: contactor open, restart, session closed.
@pytest.mark.parametrize("tag", ["STOP", pytest.param("CRASH", marks=pytest.mark.exhaustive)])
async def test_restart_by_a_fault_of_our_own(bench, tag):
    bench.allowed = ["Traceback", "sabotage", "task_wdt"]
    charger = await bench.start(before_main=SABOTAGE, heap=200 * 1024)
    await bench.charge()
    await bench.passes(70)
    await bench.do("tag", id=tag)
    await bench.until(closed=False, timeout_s=30)
    await bench.told(lambda c: c.transactions[1].stops)
    await bench.until(status="Finishing")
    assert told(charger) == ONCE and charger.transactions[1].reason == "Reboot"
    assert len(charger.boots) == 2
    assert bench.box.state()["reset_cause"] == (2 if tag == "CRASH" else 3)
    # What outlived the reset is billed: a reset takes ten Wh at most, not what was metered since the registers were written.
    # A safety step that stands still does not count either, until the watchdog bites.
    doubt = 12 if tag == "CRASH" else 75
    assert bench.state()["energy_wh"] - doubt <= charger.transactions[1].energy_wh <= bench.state()["energy_wh"]


# req: TX-15
# The supervisor ends and starts again on the same directory: cable, car, meter and flash are as they were.
async def test_another_supervisor(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.passes(70)
    metered = bench.state()["energy_wh"]
    await bench.stop()
    await bench.start(wait=False)
    await bench.told(lambda c: c.transactions[1].stops)
    await bench.until(status="Finishing")
    assert told(charger) == ONCE and charger.transactions[1].reason == "PowerLoss"
    assert bench.state()["energy_wh"] == pytest.approx(metered, abs=1) and bench.state()["plugged"]


class Sim:
    """A `pilotwire sim` of its own, driven over its control socket."""

    def __init__(self, bench, *options):
        self.command = [
            sys.executable, "-m", "pilotwire.cli", "sim", "--csms", bench.central.url, "--id", "E2E-1",
            "--state", str(bench.path), "--speed", "40", "--heap", os.environ.get("PILOTWIRE_HEAP", "104K"), "--json", *options,
        ]  # fmt: skip

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=pipe, limit=1 << 20)
        while True:
            line = await self.process.stdout.readline()
            assert line, "it has ended"
            event = json.loads(line)
            if event["who"] == "control":
                break
        self.drain = asyncio.ensure_future(self._drain())
        host, _, port = event["data"]["control"].rpartition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def _drain(self):
        while await self.process.stdout.readline():
            pass

    async def do(self, word, **fields):
        self.writer.write(json.dumps({"do": word, **fields}).encode() + b"\n")
        answer = json.loads(await self.reader.readline())
        assert answer["ok"], answer
        return answer

    async def until(self, **fields):
        await self.do("wait", until={"connectors": [fields]}, timeout_s=60)

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        self.writer.close()
        await self.drain


# req: TX-15, TX-17
# kill -9 of the whole virtual wallbox between StartTransaction and StopTransaction, and a start on the same directory:
# one Start, one Stop, reason PowerLoss, and no process is left behind.
async def test_sigkill_of_pilotwire_sim(bench, processes_of):
    async with Sim(bench) as sim:
        charger = await bench.central.charger("E2E-1")
        await charger.wait_for(lambda c: c.statuses[1] == ["Available"])
        await sim.do("plug")
        await sim.until(status="Preparing")
        await sim.do("tag", id="C0FFEE01")
        await sim.until(status="Charging")
        await charger.wait_for(lambda c: c.meter_values)
        assert told(charger) == (1, 0) and len(processes_of(bench.path)) == 2
        sim.process.kill()
        await sim.process.wait()
        async with asyncio.timeout(5):
            while processes_of(bench.path):
                await asyncio.sleep(0.01)  # a process ends in real time, and nobody tells
    async with Sim(bench) as sim:
        await charger.wait_for(lambda c: c.transactions[1].stops)
        await sim.until(status="Finishing")
        await sim.do("wait", until={"queue": 0}, timeout_s=60)
        assert told(charger) == ONCE and charger.transactions[1].reason == "PowerLoss"
        assert charger.transactions[1].energy_wh > 0 and len(charger.boots) == 2
    assert sim.process.returncode == 0 and processes_of(bench.path) == []
