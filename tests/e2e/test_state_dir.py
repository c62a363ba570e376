"""The state directory: in use, not to be written, damaged. Said in words, and nothing in it is lost."""

import asyncio
import sys

import pytest

from pilotwire import settings_file
from pilotwire.errors import PilotwireError
from pilotwire.image import FlashFile
from pilotwire.sim import Supervisor


async def sim(bench, path, *options):
    """`pilotwire sim` that cannot start: its status and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pilotwire.cli", "sim", "--csms", bench.central.url, "--id", "E2E-1", "--state", str(path),
        *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    assert out == b""
    return process.returncode, error.decode()


# A second one in the same directory is refused; the first does not notice, and its session is billed.
async def test_in_use(bench):
    charger = await bench.start()
    await bench.charge()
    status, error = await sim(bench, bench.path)
    assert status == 1
    assert error == (
        f"pilotwire: cannot use {bench.path}, another virtual wallbox runs in it, stop that one or take another directory\n"
    )
    await bench.passes(70)
    await bench.do("tag", id="C0FFEE01")
    await bench.told(lambda c: c.transactions[1].stops == 1)
    assert charger.transactions[1].energy_wh > 300 and len(charger.boots) == 1


# Not writable, as far as root can be kept from writing: a file is in the way, or above.
@pytest.mark.parametrize("name", ["file", "file/below", "file/far/below"])
async def test_not_writable(bench, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    status, error = await sim(bench, tmp_path / name)
    assert status == 1 and error.count("\n") == 1
    assert error.startswith(f"pilotwire: cannot use {tmp_path / name}, ") and "take a directory" in error
    assert (tmp_path / "file").read_text() == "mine"


def truncated(flash):
    flash.write_bytes(flash.read_bytes()[: 1 << 20])


def without_its_ledgers(flash):
    flash.write_bytes(flash.read_bytes()[:-4096])


def empty(flash):
    flash.write_bytes(b"")


def no_table(flash):
    flash.write_bytes(b"x" * flash.stat().st_size)


def no_file_system(flash):
    data = bytearray(flash.read_bytes())
    start = 0x200000 - 0x8000
    data[start : start + 0x3000] = b"\x55" * 0x3000
    flash.write_bytes(data)


DAMAGE = [truncated, without_its_ledgers, empty, no_table, no_file_system]


# A flash.bin that is damaged: said, and left as it is, for whoever can still read it.
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__)
async def test_a_damaged_flash(bench, damage):
    bench.files({})
    flash = bench.path / "flash.bin"
    damage(flash)
    before = flash.read_bytes()
    with pytest.raises(PilotwireError) as refused:
        async with Supervisor(bench.path, settings={"MaxCurrent": "16"}):
            pass
    assert str(refused.value).startswith(f"cannot use {flash}, it is damaged: ")
    assert "restore it from a copy" in refused.value.do
    assert flash.read_bytes() == before


def spoil(path, name):
    """Flips a byte in a file on the flash."""
    with FlashFile(path / "flash.bin") as files:
        data = bytearray(files.read(name))
        data[-2] ^= 1
        files.write(name, bytes(data))


# The settings are damaged: the box comes up with the last good copy; what a person gives it is added to that copy.
@pytest.mark.parametrize("given", [{}, {"MaxCurrent": "20"}])
async def test_damaged_settings(bench, given):
    bench.allowed = ["settings files were damaged"]
    bench.central.interval = 777  # makes the box write its settings: the copy is now what we gave it
    await bench.start(settings={"MaxCurrent": "16"})
    await bench.passes(1)
    await bench.stop()
    spoil(bench.path, settings_file.PATH)
    bench.settings = {}
    async with Supervisor(bench.path, settings=given, speed=100, on_event=bench.note) as box:
        bench.box = box
        await bench.told(lambda c: len(c.boots) == 2 and c.statuses[1][1:])
        ma = int(given.get("MaxCurrent", 16)) * 1000
        assert {"slot": "user", "ma": ma, "reason": "MaxCurrent"} in bench.state()["limits"]
    with FlashFile(bench.path / "flash.bin") as files:
        for name in (settings_file.PATH, settings_file.COPY):
            assert settings_file.load(files.read(name))["ChargePointId"] == "E2E-1"


# world.json is damaged: cable and car are gone, what matters is on the flash.
async def test_a_damaged_world(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.stop()
    (bench.path / "world.json").write_text('{"format": 1, "connectors": "no')
    await bench.start(wait=False)
    await bench.told(lambda c: c.transactions[1].stops)
    assert charger.transactions[1].stops == 1
    await bench.until(status="Available", plugged=False)
