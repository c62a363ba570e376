"""The whole simulator with a tiny firmware: process, clock, resets, cable, world."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pilotwire.errors import PilotwireError
from pilotwire.sim import Supervisor
from tests_host_sim_firmware import flash


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    return flash(tmp_path_factory.mktemp("image"))


class Box(Supervisor):
    """With what the tests say often."""

    def __init__(self, path, image, **more):
        self.told = []
        more.setdefault("speed", 0)
        super().__init__(path, image=image, on_event=self.told.append, **more)

    async def until(self, timeout_s=60, **wanted):
        await self.do("wait", until=wanted, timeout_s=timeout_s)
        return self.state()

    async def passes(self, seconds):
        with contextlib.suppress(PilotwireError):
            await self.do("wait", until={"never": True}, timeout_s=seconds)

    async def tell(self, tag):
        await self.do("tag", id=tag)

    def lines(self, who="firmware"):
        return [event.what for event in self.told if event.who == who]


def runs(test):
    """A test written as a coroutine."""

    def wrapper(tmp_path, image):
        asyncio.run(asyncio.wait_for(test(tmp_path / "box", image), 60))

    wrapper.__name__ = test.__name__
    return wrapper


@runs
async def test_a_session(path, image):
    async with Box(path, image) as box:
        await box.passes(2)
        await box.do("plug", cable_a=32)
        await box.until(connectors=[{"status": "C", "closed": True}])
        await box.passes(600)
        state = box.state()
        await box.do("unplug")
        await box.until(connectors=[{"status": "A"}])
    connector = state["connectors"][0]
    assert connector["drawn_ma"] == [16000] * 3
    assert connector["power_w"] == 11040
    assert connector["energy_wh"] == pytest.approx(16 * 3 * 230 * 598 / 3600, rel=0.005)
    assert connector["pilot_mv_high"] == pytest.approx(6000, abs=100)
    assert [w for e in box.told for w in [e.what] if e.who in ("contactor",)] == ["closes", "opens"]


@pytest.mark.parametrize("speed", [10, 50, 500])
def test_the_clock_steps_exactly(tmp_path, image, speed):
    async def run():
        async with Box(tmp_path / "box", image, speed=speed) as box:
            began = time.monotonic()
            await box.passes(20)
            assert time.monotonic() - began > 0.8 * 20 / speed
            await box.tell("report")
            return await box.until(uneven=0)

    state = asyncio.run(run())
    assert state["steps"] >= 20 * 50


@runs
async def test_runs_repeat_exactly(path, image):
    logs = []
    for k in range(2):
        async with Box(path.with_name(f"box{k}"), image, speed=1 + 99 * k) as box:
            # Nothing but the box moves the time between these words.
            await box.do("plug")
            await box.until(connectors=[{"status": "C", "drawn_ma": [16000]}])
            await box.passes(30)
            await box.do("unplug")
            await box.passes(2)
            logs.append([tuple(e)[:3] for e in box.told])
    assert logs[0][4:] == logs[1][4:]
