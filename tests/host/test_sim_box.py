"""The whole simulator with a tiny firmware: process, clock, resets, cable, world.

The firmware offers 16 A to whoever is plugged in, closes the contactor in C, reports like the real one, and takes
commands as tags.
"""

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
from pilotwire.image import make_flash
from pilotwire.sim import Supervisor

MAIN = b"""
import asyncio, gc, json, machine, network, sys, time
from machine import ADC, PWM, RTC, UART, WDT, Counter, Pin, Timer

print("start", machine.reset_cause(), time.time(), RTC().memory(), time.ticks_ms())
pwm = PWM(Pin(25), freq=1000, duty_u16=65535)
read = ADC(Pin(36)).read_uv
relay = Pin(26, Pin.OUT, value=0)
pulses = Counter(0, Pin(34), edge=Counter.FALLING).value
reader = UART(1, 9600, rx=Pin(16), tx=Pin(17))
state, steps, last, uneven = "A", 0, 0, 0


def step(timer):
    global state, steps, last, uneven
    now = time.ticks_ms()
    if steps and time.ticks_diff(now, last) != 20:
        uneven += 1
    last = now
    steps += 1
    high = 0
    for _ in range(48):
        high = max(high, read())
    new = "A" if high > 2500000 else "B" if high > 2250000 else "C"
    relay(new == "C")
    if new != state:
        state = new
        pwm.duty_u16(65535 if new == "A" else 17476)
        report()


def report(**more):
    print("@" + json.dumps(dict(more, steps=steps, uneven=uneven, connectors=[{"status": state, "pulses": pulses()}])))


async def echo(host, port):
    wlan = network.WLAN()
    wlan.active(True)
    wlan.connect("net", "password")
    while not wlan.isconnected():
        await asyncio.sleep_ms(100)
    reader, writer = await asyncio.open_connection(host, int(port))
    n = 0
    time.hold(1)
    while True:
        writer.write(b"%d\\n" % n)
        await writer.drain()
        line = await reader.readline()
        if not line:
            report(echo="closed")
            return
        n += 1
        report(echo=n)
        await asyncio.sleep_ms(20)


def cutting(n):
    import esp32
    part = esp32.Partition.find(1, label="ledger")[0]
    for k in range(int(n)):
        part.ioctl(6, k)
        part.writeblocks(k, b"mark", 0)
    report(written=n)


async def main():
    report()
    Timer(0).init(period=20, mode=Timer.PERIODIC, callback=step)
    while True:
        await asyncio.sleep_ms(50)
        if not reader.any():
            continue
        word, _, rest = reader.readline().decode().strip().partition(":")
        if word == "reset":
            RTC().memory(b"kept")
            RTC().datetime((2026, 11, 22, 0, 10, 0, 0, 0))
            machine.reset()
        elif word == "soft":
            sys.exit()
        elif word == "boom":
            1 / 0
        elif word == "wdt":
            WDT(timeout=1000)
        elif word == "hang":
            WDT(timeout=1000)
            time.sleep_ms(50)
            while True:
                pass
        elif word == "report":
            gc.collect()
            report(heap=gc.mem_alloc())
        elif word == "alloc":
            step(None)
            gc.collect()
            gc.disable()
            before = gc.mem_alloc()
            for _ in range(50):
                time.advance(time.virtual_ms() + 20)
            after = gc.mem_alloc()
            gc.enable()
            report(grown=after - before)
        elif word == "echo":
            asyncio.create_task(echo(*rest.split(":")))
        elif word == "lookup":
            import socket
            try:
                report(found=socket.getaddrinfo(rest, 80)[0][-1] is not None)
            except OSError as e:
                report(found=e.errno)
        elif word == "write":
            cutting(rest)


asyncio.run(main())
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "flash.bin"
    path.write_bytes(make_flash({"/boot.py": b"", "/main.py": MAIN}))
    return path


class Box(Supervisor):
    """With what the tests say often."""

    def __init__(self, path, image, **more):
        self.told = []
        more.setdefault("speed", 0)
        super().__init__(path, image=image, on_event=self.told.append, **more)

    async def until(self, timeout_s: float = 60, **wanted):
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
            return await box.until(uneven=0, steps={">": 1})

    state = asyncio.run(run())
    assert state["steps"] >= 20 * 50


@runs
async def test_runs_repeat_exactly(path, image):
    logs = []
    for k in range(2):
        async with Box(path.with_name(f"box{k}"), image, speed=50 + 450 * k) as box:
            # Nothing but the box moves the time between these words.
            await box.do("plug")
            await box.until(connectors=[{"status": "C", "drawn_ma": [16000]}])
            await box.passes(30)
            await box.do("unplug")
            await box.passes(2)
            logs.append([tuple(e)[:3] for e in box.told])
    assert logs[0][4:] == logs[1][4:]


@runs
async def test_reset_keeps_rtc_and_power_cut_loses_it(path, image):
    async with Box(path, image) as box:
        await box.passes(1)
        await box.tell("reset")
        await box.until(reset_cause=2, connectors=[{"status": "A"}])
        await box.passes(3)
        await box.tell("reset")
        await box.passes(3)
        await box.do("power", on=False)
        await box.passes(0.1)
        await box.do("power", on=True)
        await box.passes(1)
    starts = [line.split(None, 2)[1:] for line in box.lines() if line.startswith("start")]
    utc_2026 = 848656800
    assert starts[0] == ["1", "0 b'' 0"]
    assert starts[1] == ["2", f"{utc_2026} b'kept' 0"]
    assert starts[2][0] == "2" and starts[2][1].endswith("b'kept' 0")
    assert starts[3] == ["1", "0 b'' 0"]


@runs
async def test_soft_reset(path, image):
    async with Box(path, image) as box:
        await box.passes(1)
        await box.tell("soft")
        await box.until(reset_cause=5, power="on")


@runs
async def test_watchdog_bites_in_simulated_time(path, image):
    async with Box(path, image) as box:
        await box.passes(1)
        began = box.time_ms
        await box.tell("wdt")
        await box.until(reset_cause=3)
        assert 1000 <= box.time_ms - began <= 1700
        await box.until(connectors=[{"status": "A"}])


@runs
async def test_watchdog_bites_in_real_time_when_the_program_hangs(path, image):
    # Only code that never asks for the time gets here: the supervisor has to notice.
    async with Box(path, image) as box:
        box._box.silent_s = 0.1
        await box.passes(1)
        await box.tell("hang")
        await asyncio.wait_for(box.until(timeout_s=1e6, reset_cause=3), 20)


@runs
async def test_the_end_of_the_program_is_said(path, image):
    async with Box(path, image) as box:
        await box.do("plug")
        await box.until(connectors=[{"closed": True}])
        await box.tell("boom")
        state = await box.until(power="halted")
        assert state["connectors"][0]["relay"]  # a chip in its REPL leaves its pins as they are
        assert "ZeroDivisionError: divide by zero" in box.lines()
        assert box.lines("box") == ["the program has ended, the chip is in its REPL"]
        with pytest.raises(PilotwireError, match="it is halted"):
            await box.do("limit", slot="user", ma=1)
        await box.do("power", on=False)
        await box.do("power", on=True)
        await box.until(connectors=[{"status": "C"}])


@runs
async def test_interpreter_that_dies(path, image):
    async with Box(path, image) as box:
        await box.passes(1)
        os.kill(box.pid, signal.SIGSEGV)
        await box.until(timeout_s=1e6, power="crashed")
        assert "the interpreter died" in box.lines("box")[0]


# Power off and back on: car and cable stay, the box has forgotten, the flash has not.
@runs
async def test_power_cut_in_a_session(path, image):
    async with Box(path, image) as box:
        await box.do("plug")
        await box.until(connectors=[{"closed": True}])
        await box.tell("write:3")
        await box.until(written="3")
        await box.do("power", on=False)
        state = await box.until(connectors=[{"closed": False, "car": {"s2": False}}])
        assert state["power"] == "off" and state["connectors"][0]["plugged"]
        assert state["connectors"][0]["pilot_mv_high"] == 0
        assert state["flash"]["programs"] == 3 and state["flash"]["erases"] == 3
        await box.do("power", on=True)
        await box.until(connectors=[{"status": "C", "closed": True}])
    offset = 0x380000 - 0x8000
    assert (path / "flash.bin").read_bytes()[offset : offset + 4] == b"mark"


@runs
async def test_the_world_outlives_the_supervisor(path, image):
    async with Box(path, image) as box:
        await box.do("plug", cable_a=20, phases=1, battery_wh=12345)
        await box.until(connectors=[{"drawn_ma": [16000, 0, 0]}])
        await box.passes(100)
        before = box.state()["connectors"][0]
    async with Box(path, image) as box:
        after = box.state()["connectors"][0]
        assert box.time_ms >= 0
        await box.until(connectors=[{"drawn_ma": [16000, 0, 0]}])
    assert after["cable_a"] == 20 and after["energy_wh"] == before["energy_wh"] > 90
    assert after["car"]["battery_wh"] == pytest.approx(before["car"]["battery_wh"], abs=0.1)


@runs
async def test_stepping_allocates_nothing(path, image):
    async with Box(path, image) as box:
        await box.do("plug")
        await box.until(connectors=[{"closed": True}])
        await box.tell("alloc")
        assert (await box.until(grown={">=": 0}))["grown"] <= 64
        await box.passes(5)
        heaps = []
        for _ in range(2):
            await box.tell("report")
            heaps.append((await box.until(heap={">": 0}))["heap"])
            await box.do("pause")
            await box.do("ready")
            await box.passes(300)
    assert heaps[1] - heaps[0] <= 256


@runs
async def test_near_the_wrap(path, image):
    async with Box(path, image, ticks=(1 << 30) - 5000) as box:
        await box.passes(20)
        await box.tell("report")
        assert (await box.until(uneven=0, steps={">": 1}))["steps"] > 900


# -- the cable


async def echo_server(reader, writer):
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)
    writer.close()


@runs
async def test_a_cut_cable_stops_bytes_and_resets_nothing(path, image):
    server = await asyncio.start_server(echo_server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Box(path, image, speed=10) as box:
        await box.passes(0.5)
        await box.tell(f"echo:127.0.0.1:{port}"[:20])
        count = (await box.until(echo={">=": 5}))["echo"]
        await box.do("network", up=False)
        await box.passes(1)
        stopped = box.state()["echo"]
        await box.passes(2)
        assert box.state()["echo"] == stopped >= count
        await box.tell("lookup:localhost")
        assert (await box.until(found={"!=": None}))["found"] == -202
        await box.do("network", up=True)
        await box.until(echo={">": stopped + 5})
        server.close()
    assert box.lines("network").count("is cut") == 1


@runs
async def test_lookups(path, image):
    async with Box(path, image) as box:
        await box.passes(0.5)
        await box.tell("lookup:no.invalid")
        assert (await box.until(found={"!=": None}))["found"] == -202
        await box.tell("lookup:127.0.0.1")
        assert (await box.until(found=True))["found"] is True


# -- control socket


async def ask(writer, reader, line):
    writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    return json.loads(await reader.readline())


@runs
async def test_control_socket(path, image):
    async with Box(path, image, speed=10) as box:
        reader, writer = await asyncio.open_connection(*box.control_address)
        other = await asyncio.open_connection(*box.control_address)
        assert await ask(writer, reader, {"do": "plug", "id": 1}) == {"ok": True, "id": 1}
        answer = await ask(writer, reader, {"do": "plug", "id": 2})
        assert answer["ok"] is False and answer["id"] == 2 and "is taken" in answer["error"]
        answer = await ask(writer, reader, b"plug now\n")
        assert answer["ok"] is False and "not JSON" in answer["error"]
        answer = await ask(writer, reader, b"x" * 70000 + b"\n")
        assert answer["ok"] is False and "at most" in answer["error"]
        answer = await ask(writer, reader, b"\xff\xfe\n")
        assert answer["ok"] is False
        answer = await ask(writer, reader, {"do": "fly", "id": "a"})
        assert answer["id"] == "a" and "plug, unplug" in answer["error"]
        answer = await ask(writer, reader, {"do": "tag", "id": "123456789012345678901"})
        assert answer["ok"] is False
        answer = await ask(writer, reader, {"do": "draw", "connector": 2, "amps": 6})
        assert "there is no connector 2" in answer["error"]
        # One that waits holds up neither itself nor the others.
        writer.write(
            json.dumps({"do": "wait", "id": "w", "until": {"never": 1}, "timeout_s": 5}).encode()
            + b"\n"
        )
        answer = await ask(writer, reader, {"do": "state", "id": "s"})
        assert answer["id"] == "s" and answer["state"]["connectors"][0]["plugged"]
        answer = await ask(other[1], other[0], {"do": "speed", "factor": 100})
        assert answer == {"ok": True}
        answer = json.loads(await reader.readline())
        assert answer["id"] == "w" and answer["ok"] is False and answer["state"]["speed"] == 100
        writer.close()
        other[1].close()


@runs
async def test_limit_goes_to_the_console(path, image):
    async with Box(path, image) as box:
        await box.do("limit", slot="user", ma=10000)
        await box.do("limit", slot="user", ma=None)


# -- the directory


@runs
async def test_a_directory_has_one_user(path, image):
    async with Box(path, image):
        with pytest.raises(
            PilotwireError, match=r"cannot use .*box, another virtual wallbox runs in it, stop"
        ):
            async with Box(path, image):
                pass
    async with Box(path, image):
        pass


@runs
async def test_a_directory_that_cannot_be_made(path, image):
    path.write_text("a file")
    with pytest.raises(PilotwireError, match="cannot use"):
        async with Box(path / "below", image):
            pass


@runs
async def test_settings_and_board_reach_the_flash(path, image):
    from pilotwire import settings_file
    from pilotwire.image import FlashFile

    async with Box(
        path, image, settings={"ChargePointId": "CP1", "MaxCurrent": "16"}, connectors=2
    ) as box:
        assert len(box.state()["connectors"]) == 2
        await box.do("plug", connector=2)
    async with Box(path, image, settings={"MaxCurrent": "20"}):
        pass
    with FlashFile(path / "flash.bin") as files:
        assert settings_file.load(files.read("/data/settings")) == {
            "ChargePointId": "CP1",
            "MaxCurrent": "20",
        }
        assert len(json.loads(files.read("/board.json"))["connectors"]) == 1
    with pytest.raises(PilotwireError, match="cannot have 3 connectors"):
        async with Box(path, image, connectors=3):
            pass


ALONE = """
import asyncio, sys
from pathlib import Path
from pilotwire.sim import Supervisor

async def main():
    async with Supervisor(sys.argv[1], image=Path(sys.argv[2])) as box:
        print(box.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_sigkill_of_the_supervisor_leaves_nothing(tmp_path, image):
    command = [sys.executable, "-c", ALONE, str(tmp_path / "box"), str(image)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.kill()
        process.wait()
    ends = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < ends, "the box still runs"
        time.sleep(0.01)
    asyncio.run(_starts(tmp_path / "box", image))


async def _starts(path, image):
    async with Box(path, image) as box:
        await box.passes(1)


def test_control_port_in_use(tmp_path, image):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        async def run():
            with pytest.raises(PilotwireError, match="cannot listen on 127"):
                async with Box(tmp_path / "box", image, control=taken.getsockname()):
                    pass

        asyncio.run(run())
