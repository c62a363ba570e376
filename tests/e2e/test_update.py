"""Firmware updates of the whole wallbox: from one version to the next, and back when the next one is no good."""

import transfer_peers
import update_kit as kit

GOOD = ["Downloading", "Downloaded", "Installing", "Installed"]
T0 = "2026-01-01T00:00:00Z"


def statuses(charger):
    """FirmwareStatusNotifications in order."""
    return [f.payload["status"] for f in charger.frames if f.direction == "in" and f.action == "FirmwareStatusNotification"]


def web(data):
    """A server that has the bundle as /file."""
    return transfer_peers.web(type("Bundle", (transfer_peers.Files,), {"data": data}))


async def start(bench, **options):
    bench.path.mkdir(exist_ok=True)
    return await bench.start(image=kit.flash(bench.path.parent / "flash.bin"), heap=200 * 1024, **options)


# req: FW-01, FW-02, FW-07
async def test_update(bench):
    charger = await start(bench)
    with web(kit.made()) as server:
        assert await charger.call("UpdateFirmware", {"location": server.url + "/file", "retrieveDate": T0}) == {}
        await bench.told(lambda c: statuses(c) == GOOD, 300)
    assert [boot["firmwareVersion"] for boot in charger.boots] == [kit.OLD, kit.NEW]
    await bench.do("wait", until={"slot": "b", "version": kit.NEW}, timeout_s=60)
    await bench.charge()

