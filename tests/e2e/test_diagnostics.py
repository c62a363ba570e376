"""GetDiagnostics from request to file, beside OCPP: statuses, content, and that no secret ever leaves."""

import json

import transfer_peers as peers

from pilotwire.image import BOARD_4MB, FLASH_START, partition

STATUS = "DiagnosticsStatusNotification"


def statuses(charger) -> list[str]:
    """What the charger told of its upload so far."""
    return [f.payload["status"] for f in charger.frames if f.direction == "in" and f.type == 2 and f.action == STATUS]


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.decode().splitlines() if line]


# req: DIAG-01, DIAG-04
# The file arrives whole, once, by the name that was promised; CALLs are answered meanwhile.
async def test_upload(bench):
    charger = await bench.start()
    await bench.charge()
    with peers.web() as web:
        answer = await charger.call("GetDiagnostics", {"location": web.url + "/up/"})
        asked = await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
        assert asked["configurationKey"]
        await bench.told(lambda c: statuses(c)[-1:] == ["Uploaded"], 120)
    assert statuses(charger) == ["Uploading", "Uploaded"]
    [(path, _, body)] = web.got
    assert path == "/up/" + answer["fileName"]
    found = lines(body)
    assert found[0]["charger"] == "E2E-1" and found[0]["reset"] == "power" and found[-1] == {"end": True}
    assert any(line.get("log") == "I app: tag C0FFEE01" for line in found)
    assert any(line.get("frame", "").startswith("[2,") and line["sent"] for line in found)
    assert [line["status"] for line in found if "connector" in line and "status" in line] == ["Charging"]


# No secret that was provisioned is in the file, nor in the log on flash; not even where a message carries it.
async def test_no_secret(bench):
    secrets = {"WifiKey": "wifi-key-5c1f", "CentralSystemURL": "sesame-77"}
    charger = await bench.start(settings={"WifiKey": secrets["WifiKey"]})
    with peers.web() as web:
        location = web.url.replace("http://", "http://cp1:" + secrets["CentralSystemURL"] + "@") + "/up/"
        for _ in range(2):
            await charger.call("GetDiagnostics", {"location": location, "retries": 0})
            await bench.told(lambda c: statuses(c)[-1:] == ["Uploaded"], 60)
    for _, _, body in web.got:
        for secret in secrets.values():
            assert secret.encode() not in body
    assert {"setting": "WifiKey", "secret": True, "set": True} in lines(web.got[-1][2])
    printed = "".join(event.what for event in bench.events if event.who == "firmware")
    await bench.stop()
    ledger = (bench.path / "flash.bin").read_bytes()[partition(BOARD_4MB, "ledger").offset - FLASH_START :]
    for secret in secrets.values():
        assert secret not in printed and secret.encode() not in ledger


# What was logged before a cut of the power is there after it, and so is its cause; how often the contactor has closed as well.
async def test_log_survives(bench):
    charger = await bench.start()
    await bench.charge()
    await bench.passes(8)
    await bench.do("pause")
    await bench.until(closed=False)
    await bench.do("tag", id="BEFORE")
    await bench.logged("tag BEFORE")
    await bench.do("power", on=False)
    await bench.do("power", on=True)
    await bench.told(lambda c: len(c.boots) == 2)
    with peers.web() as web:
        await charger.call("GetDiagnostics", {"location": web.url + "/up/"})
        await bench.told(lambda c: statuses(c)[-1:] == ["Uploaded"], 60)
    log = [line["log"] for line in lines(web.got[0][2]) if "log" in line]
    assert "I app: tag BEFORE" in log
    assert [(line["cycles"], line["hours"]) for line in lines(web.got[0][2]) if "cycles" in line] == [(1, 0)]
    assert len([line for line in log if "start by power" in line]) == 2


# req: DIAG-02, DIAG-03
# A server that is down at first: a pair of statuses for each try, and the file in the end.
async def test_server_down_at_first(bench):
    charger = await bench.start()
    with peers.web() as web:
        port = web.server_port
    request = {"location": f"http://127.0.0.1:{port}/up/", "retries": 3, "retryInterval": 5}
    await charger.call("GetDiagnostics", request)
    await bench.told(lambda c: len(statuses(c)) == 2, 60)
    with peers.web(port=port) as web:
        await bench.told(lambda c: statuses(c)[-1:] == ["Uploaded"], 60)
    assert statuses(charger)[:2] == ["Uploading", "UploadFailed"] and len(web.got) == 1
