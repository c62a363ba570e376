"""Firmware updates of the whole wallbox: from one version to the next, and back when the next one is no good."""

import datetime

import pytest
import transfer_peers
import update_kit as kit
from update_kit import GOOD, REFUSED, charges, start, update, web

from pilotwire.csms.frames import CallError
from pilotwire.publish import statuses


# req: FW-01, FW-02, FW-05, FW-06, FW-07, RST-04, SEC-FW-03, STAT-10
# From one version to the next while a car charges: nothing is written while the contactor is closed, then the download begins,
# the other connector is Unavailable until the last transaction has ended, and what was billed arrives. Once it is being
# installed, there is no way back: Reset is Rejected, and another update refused.
async def test_update(bench):
    charger = await start(bench, connectors=2)
    bench.central.delay = lambda _charger, _action, payload: 5.0 if payload.get("status") == "Installing" else 0.0
    await bench.charge()
    with web(kit.made()) as server:
        await update(charger, server)
        await bench.told(lambda c: statuses(c) == GOOD[:1], 60)
        before = bench.box.state()["flash"]["erases"]
        await bench.passes(20)
        assert statuses(charger) == GOOD[:1] and not server.seen and bench.box.state()["flash"]["erases"] == before
        await bench.do("pause")  # the contactor opens, the transaction goes on
        await bench.told(lambda c: statuses(c) == GOOD[:2], 120)
        await bench.told(lambda c: c.statuses[2][-1] == "Unavailable")
        assert "Unavailable" not in charger.statuses[1]
        await bench.do("tag", id="C0FFEE01")
        await bench.told(lambda c: statuses(c) == GOOD[:3], 60)  # which is answered in five seconds
        for kind in ("Soft", "Hard"):
            assert await charger.call("Reset", {"type": kind}) == {"status": "Rejected"}
        with pytest.raises(CallError, match="GenericError"):
            await update(charger, server, location=server.url + "/another")
        await bench.told(lambda c: statuses(c) == GOOD, 300)
    assert "/another" not in [path for path, _ in server.seen]
    assert [boot["firmwareVersion"] for boot in charger.boots] == [kit.OLD, kit.NEW]
    assert [t.stops for t in charger.transactions.values()] == [1]
    await bench.until(status="Available", connector=2)
    await bench.leave()
    await charges(bench, kit.NEW)


# req: FW-03
# No such file: so many tries as were asked for, each told; the old firmware goes on.
@pytest.mark.exhaustive
async def test_download_fails(bench):
    charger = await start(bench)
    with web(b"") as server:
        await update(charger, server, location=server.url + "/missing", retries=2, retryInterval=5)
        await bench.told(lambda c: statuses(c) == ["Downloading", "DownloadFailed"] * 3, 120)
    await bench.passes(30)
    assert statuses(charger) == ["Downloading", "DownloadFailed"] * 3 and "Unavailable" not in charger.statuses[1]
    await charges(bench, kit.OLD)


def corrupt():
    data, part = bytearray(kit.made()), kit.files()["/a/settings.txt"]
    data[data.index(part) + len(part) // 2] ^= 1
    return bytes(data)


REFUSALS = {
    "a corrupt file": (corrupt, "is not what it should be"),
    "truncated": (lambda: kit.made()[:-5000], "in place of"),
    "another board": (lambda: kit.made(board_ids=["esp32-devkitc"]), "it is for esp32-devkitc"),
    "another .mpy version": (lambda: kit.made(about={"mpy": 775}), ".mpy version 7.3"),
    "another key": (lambda: kit.made(signer="theirs"), "not signed by the key"),
    "no signature": (lambda: kit.made(signer=None), "it is not signed"),
    "no bundle": (lambda: b"<html>not found</html>" * 100, "it is no bundle"),
}


# req: FW-04
# What may not be installed is refused, the last byte before it counts is still the old version's.
@pytest.mark.exhaustive
@pytest.mark.parametrize("case", REFUSALS)
async def test_refused(bench, case):
    make, why = REFUSALS[case]
    bench.allowed = ["E firmware:"]
    charger = await start(bench)
    with web(make()) as server:
        await update(charger, server)
        await bench.told(lambda c: statuses(c) == REFUSED, 120)
    assert bench.log("E firmware:") and why in bench.log("E firmware:")[0]
    assert len(charger.boots) == 1
    await charges(bench, kit.OLD)


# req: FW-04
@pytest.mark.exhaustive
async def test_flash_is_full(bench):
    bench.allowed = ["E firmware:"]
    charger = await start(bench, kit.flash(idle=False, filler=1_200_000))
    with web(kit.made()) as server:
        await update(charger, server)
        await bench.told(lambda c: statuses(c) == REFUSED, 120)
    assert "blocks of flash" in bench.log("E firmware:")[0]
    await charges(bench, kit.OLD)


# A box that was set up for development takes what nobody has signed.
@pytest.mark.exhaustive
async def test_unsigned(bench):
    charger = await start(bench, settings={"UnsignedFirmware": "true"})
    with web(kit.made(signer=None)) as server:
        await update(charger, server)
        await bench.told(lambda c: statuses(c) == GOOD, 300)
    await charges(bench, kit.NEW)


SABOTAGE = {
    "crashes at import": {"button.py": "raise RuntimeError('sabotage')", "electrics.py": "raise RuntimeError('sabotage')"},
    "hangs": {"electrics.py": "import time\nwhile True:\n    time.sleep(1)\n"},
    "kills the control loop": kit.changed("app.py", "        self.board.every(_STEP_MS, self.step)\n", ""),
    # With less patience than it has, so that the test ends.
    "never reaches the central system": kit.changed(
        "ocpp16/connection.py", "            while not self._link.up:\n", "            while True:\n"
    )
    | kit.changed("app.py", "_ALONE_S = 600", "_ALONE_S = 60"),
}


# req: FW-04
# A new version that is no good: three starts, then the old one is back, and says so.
@pytest.mark.exhaustive
@pytest.mark.parametrize("case", SABOTAGE)
async def test_new_version_is_no_good(bench, case):
    bench.allowed = ["sabotage", "Traceback", "task_wdt", "does not reach"]
    data = kit.made(changes=SABOTAGE[case])  # before the box runs: it takes seconds
    charger = await start(bench)
    with web(data) as server:
        await update(charger, server)
        await bench.told(lambda c: statuses(c) == REFUSED, 3000)
    assert charger.boots[-1]["firmwareVersion"] == kit.OLD and "Installed" not in statuses(charger)
    starts = [e for e in bench.events if e.who == "box" and e.what.startswith("restarts")]
    assert len(starts) == 4  # into the new version, and out of it three times
    await charges(bench, kit.OLD)


# req: FW-01, FW-06, RST-04
# Due later: it waits over a reset and a power cut, a newer request takes its place, and a Reset in the midst of the download
# only puts it off. While it is being installed there is no way back: Reset is Rejected.
@pytest.mark.exhaustive
async def test_request_outlives_resets(bench):
    data = kit.made()
    charger = await start(bench)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=150)
    with web(data) as server:
        await update(charger, server, location=server.url + "/missing", retries=9, retryInterval=30)
        await bench.told(lambda c: statuses(c) == ["Downloading", "DownloadFailed"])
        await update(charger, server, retrieveDate=later.strftime("%Y-%m-%dT%H:%M:%SZ"))
        assert await charger.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}
        await bench.told(lambda c: len(c.boots) == 2)
        await bench.do("power", on=False)
        await bench.do("power", on=True)
        await bench.told(lambda c: len(c.boots) == 3)
        assert len(statuses(charger)) == 2 and not [path for path, _ in server.seen if path == "/file"]
        await bench.told(lambda c: statuses(c)[2:] == GOOD[:1], 300)
        assert bench.box.time_ms > 100_000
        await charger.call("Reset", {"type": "Hard"})
        await bench.told(lambda c: statuses(c)[2:] in ([GOOD[0], *GOOD], GOOD), 600)
    assert charger.boots[-1]["firmwareVersion"] == kit.NEW
    await charges(bench, kit.NEW)


# req: FW-06
# The server goes away in mid-file and comes back: the download goes on where it was.
@pytest.mark.exhaustive
async def test_download_goes_on(bench):
    data = kit.made()
    charger = await start(bench, kit.flash(idle=False))

    cuts = [90_000, 0, 60_000]  # bytes of each try, the last one first

    class Cut(transfer_peers.Files):
        def get_file(self):
            if not cuts:
                return super().get_file()
            first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            length = ("Content-Length", str(len(self.data) - first))
            if first:
                ranges = ("Content-Range", f"bytes {first}-{len(self.data) - 1}/{len(self.data)}")
                self.head(206, length, ranges, ("ETag", self.etag))
                self.wfile.write(self.data[first : first + cuts.pop()])
                self.close_connection = True
            else:
                self.head(200, length, ("ETag", self.etag))
                self.wfile.write(self.data)

    Cut.data = data
    with transfer_peers.web(Cut) as server:
        await update(charger, server, retries=3, retryInterval=1)
        await bench.told(lambda c: statuses(c)[-1:] == ["Installed"], 900)
        asked = [int(h["Range"][6:-1]) for _, h in server.seen if "Range" in h]
    assert statuses(charger) == ["Downloading", "DownloadFailed"] * 3 + GOOD
    assert len(asked) == 4 and asked == sorted(asked) and asked[1] > 40_000
    await charges(bench, kit.NEW)
