"""`pilotwire.testing`: a wallbox in somebody else's tests, here against a central system in a thread of its own."""

import asyncio
import threading
from pathlib import Path

import pytest

from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.testing import Wallbox, wallbox  # noqa: F401

ROOT = Path(__file__).parents[2]


@pytest.fixture
def backend():
    """A central system that runs elsewhere, as that of a user does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    central = CentralSystem()
    asyncio.run_coroutine_threadsafe(central.__aenter__(), loop).result()
    yield central
    asyncio.run_coroutine_threadsafe(central.__aexit__(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_session_by_the_fixture(wallbox, backend):  # noqa: F811
    box = wallbox(backend.url, "CP1", speed=0, settings={"MeterValueSampleInterval": "30"})
    box.wait("registered = Accepted")
    box.do("plug", cable_a=20)
    box.play("tag id=C0FFEE01\nwait connectors[0].status = Charging\n")
    box.passes(60)
    box.expect("connectors[0].offered_ma <= 20000")
    assert box.state()["connectors"][0]["transaction"]["tag"] == "C0FFEE01"
    with pytest.raises(PilotwireError, match=r"line 2, expect slot = z.*it is 'a'"):
        box.play("\nexpect slot = z\n")
    with pytest.raises(PilotwireError, match="not reached within 1 s"):
        box.wait("connectors[0].status = Faulted", timeout_s=1)
    with pytest.raises(PilotwireError, match="needs our own central system"):
        box.play("remote_stop")
    assert any(event.who == "contactor" for event in box.events)


def test_what_is_wrong_is_said_before_anything_starts(tmp_path):
    with pytest.raises(PilotwireError, match="not ws or wss"):
        Wallbox("http://localhost")
    (tmp_path / "root.pem").write_text("nonsense")
    with pytest.raises(PilotwireError, match="holds no certificate"):
        Wallbox("wss://localhost", root=tmp_path / "root.pem")
