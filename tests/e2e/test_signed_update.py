"""SignedUpdateFirmware and GetLog of the whole wallbox: who may sign, what is told, and the log of security events."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
import ssl

import pytest
import transfer_peers as peers
import update_kit as kit
from small_ca import Ca, make_key, pem, sign_file

from pilotwire.bench.certificates import Authority

T0 = "2026-01-01T00:00:00Z"
GOOD = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
NOW = dt.datetime.now(dt.UTC)
TWO = 106 * 1024  # two connectors: 64 bits take more for them than the scale says, 32 bits pass in 104 KB


def told(charger, action="SignedFirmwareStatusNotification"):
    """(status, requestId) of each status in order."""
    frames = [f.payload for f in charger.frames if f.direction == "in" and f.type == 2 and f.action == action]
    return [(p["status"], p.get("requestId")) for p in frames]


def events(charger):
    """Types of the security events that were told."""
    return [
        f.payload["type"]
        for f in charger.frames
        if f.direction == "in" and f.type == 2 and f.action == "SecurityEventNotification"
    ]


class Maker:
    """A manufacturer: its root, a signer below it, and requests to update."""

    def __init__(self, kind="rsa3072", days=(-1, 99), root=None, pss=False):
        self.root = root or Ca("Maker", NOW)
        self.key = make_key(kind)
        self.signer = self.root.sign(self.key.public_key(), "Signer", "Maker", days)
        self.pss = pss

    async def update(self, charger, location, number, data, *, retrieve=T0, **more):
        """SignedUpdateFirmware; the status of the answer."""
        firmware = {
            "location": location,
            "retrieveDateTime": retrieve,
            "signingCertificate": pem(self.signer),
            "signature": base64.b64encode(sign_file(self.key, data, self.pss)).decode(),
        } | more
        answer = await charger.call("SignedUpdateFirmware", {"requestId": number, "firmware": firmware, "retries": 0})
        return answer["status"]


async def start(bench, root, files=None, **options):
    """The box with the older version, and the manufacturer's root."""
    bench.path.mkdir(exist_ok=True)
    (bench.path / "flash.bin").write_bytes(kit.flash())
    bench.files({"/data/maker1.der": root.der} | (files or {}))
    return await bench.start(**{"speed": 0} | options)


def server_context(issued):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def web(data, tls=None):
    return peers.web(type("Bundle", (peers.Files,), {"data": data}), tls)


# req: SEC-FW-01, SEC-FW-02, SEC-EVT-02
# Signers that are none: nothing is fetched; and a signature that is none: nothing is installed.
async def test_refused(bench):
    maker = Maker()
    charger = await start(bench, maker.root)
    data = kit.made()
    with web(data) as server:
        url = server.url + "/file"
        for bad in (
            Maker(),
            Maker(root=maker.root, days=(-9, -1)),
            Maker(root=maker.root, days=(1, 9)),
            Maker("rsa1024", root=maker.root),
        ):
            assert await bad.update(charger, url, 1, data) == "InvalidCertificate"
        assert told(charger) == [] and not server.seen
        assert await maker.update(charger, url, 2, data + b"more") == "Accepted"
        await bench.told(lambda c: told(c)[-1:] == [("InvalidSignature", 2)], 120)
    assert [status for status, _ in told(charger)] == ["Downloading", "Downloaded", "InvalidSignature"]
    await bench.told(lambda c: events(c).count("InvalidFirmwareSigningCertificate") == 4)
    await bench.told(lambda c: "InvalidFirmwareSignature" in events(c))
    assert len(charger.boots) == 1


# req: SEC-FW-02, SEC-FW-04, SEC-FW-05, FW-08
# Over https: a request for later, another in its place at once, all of its statuses, and the id over the restart.
async def test_signed_update(bench, tmp_path):
    ca = Authority(tmp_path / "ca")
    maker = Maker()
    charger = await start(bench, maker.root, {"/data/root1.der": ca.der})
    data = kit.made()
    with web(data, server_context(ca.issue("server"))) as server:
        url = server.url.replace("127.0.0.1", "localhost") + "/file"
        later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert await maker.update(charger, url, 3, data, retrieve=later) == "Accepted"
        await bench.told(lambda c: told(c)[-1:] == [("DownloadScheduled", 3)])
        assert await maker.update(charger, url, 4, data) == "AcceptedCanceled"
        await bench.told(lambda c: told(c)[-1] == ("Installed", 4), 300)
    assert [status for status, number in told(charger) if number == 4] == GOOD
    assert charger.boots[-1]["firmwareVersion"] == kit.NEW
    await bench.told(lambda c: "FirmwareUpdated" in events(c))
    await bench.passes(5)  # the answer to Installed ends it
    trigger = {"requestedMessage": "FirmwareStatusNotification"}
    assert await charger.call("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
    await bench.told(lambda c: told(c)[-1] == ("Idle", None))
    await bench.stop()


@contextlib.contextmanager
def server_of(scheme, data, ca, folder):
    """URL of a file with these bytes, over https or ftp."""
    if scheme == "https":
        with web(data, server_context(ca.issue("server"))) as server:
            yield server.url.replace("127.0.0.1", "localhost") + "/file"
        return
    folder.mkdir()
    (folder / "file").write_bytes(data)
    with peers.ftp(folder) as port:
        yield f"ftp://reader:reader@127.0.0.1:{port}/file"


# req: SEC-FW-01, SEC-FW-02, SEC-FW-04, SEC-FW-05
# Over https and over ftp: an unknown signer, one that expired, a wrong signature, two requests at one moment, and a good end.
@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["https", "ftp"])
async def test_good_and_bad(bench, tmp_path, scheme):
    ca, maker = Authority(tmp_path / "ca"), Maker()
    charger = await start(bench, maker.root, {"/data/root1.der": ca.der})
    data = kit.made()
    with server_of(scheme, data, ca, tmp_path / "files") as url:
        for number, bad in enumerate((Maker(), Maker(root=maker.root, days=(-9, -1)))):
            assert await bad.update(charger, url, number, data) == "InvalidCertificate"
        assert await maker.update(charger, url, 2, data + b"more") == "Accepted"
        await bench.told(lambda c: told(c)[-1:] == [("InvalidSignature", 2)], 300)
        assert [status for status, _ in told(charger)] == ["Downloading", "Downloaded", "InvalidSignature"]
        answers = await asyncio.gather(*(maker.update(charger, url, number, data) for number in (3, 4)))
        assert sorted(answers) == ["Accepted", "AcceptedCanceled"]
        last = 3 + answers.index("AcceptedCanceled")
        await bench.told(lambda c: told(c)[-1] == ("Installed", last), 300)
    assert [status for status, number in told(charger) if number == last] == GOOD
    assert ("Installed", 7 - last) not in told(charger)
    assert charger.boots[-1]["firmwareVersion"] == kit.NEW


# req: SEC-FW-02
# Every way to sign, over ftp as well.
@pytest.mark.exhaustive
@pytest.mark.parametrize("kind, pss, scheme", [("rsa2048", True, "ftp"), ("p256", False, "ftp"), ("rsa4096", False, "http")])
async def test_ways_to_sign(bench, tmp_path, kind, pss, scheme):
    maker = Maker(kind, pss=pss)
    charger = await start(bench, maker.root)
    data = kit.made()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "file").write_bytes(data)
    with peers.ftp(tmp_path / "files") as port, web(data) as server:
        url = f"ftp://reader:reader@127.0.0.1:{port}/file" if scheme == "ftp" else server.url + "/file"
        assert await maker.update(charger, url, 7, data) == "Accepted"
        await bench.told(lambda c: told(c)[-1:] == [("Installed", 7)], 300)
    assert [status for status, _ in told(charger)] == GOOD


# req: SEC-FW-03
# A transaction runs: the installation waits for it, and for the time that was ordered; free connectors are Unavailable.
@pytest.mark.exhaustive
async def test_waits(bench):
    maker = Maker()
    charger = await start(bench, maker.root, connectors=2, heap=TWO)
    await bench.charge()
    data = kit.made()
    with web(data) as server:
        at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert await maker.update(charger, server.url + "/file", 9, data, installDateTime=at) == "Accepted"
        await bench.do("pause")
        await bench.told(lambda c: told(c)[-2:] == [("SignatureVerified", 9), ("InstallScheduled", 9)], 120)
        assert charger.statuses[2][-1] == "Available", "it is of use until then"
        await bench.told(lambda c: c.statuses[2][-1] == "Unavailable", 600)
        await bench.do("tag", id="C0FFEE01")
        await bench.told(lambda c: told(c)[-1] == ("Installed", 9), 900)
    await bench.until(status="Available", connector=2)


# req: SEC-LOG-01, SEC-LOG-03
# The security log as a file, and diagnostics by the same message; statuses carry the id of the request.
async def test_get_log(bench):
    charger = await bench.start(settings={"AuthorizationKey": "00" * 16})
    await charger.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": "11" * 16})
    with peers.web() as server:
        for kind, number in (("SecurityLog", 5), ("DiagnosticsLog", 6)):
            request = {"logType": kind, "requestId": number, "log": {"remoteLocation": server.url + "/up/"}}
            answer = await charger.call("GetLog", request)
            assert answer["status"] == "Accepted"
            await bench.told(lambda c, n=number: told(c, "LogStatusNotification")[-1:] == [("Uploaded", n)], 60)
            assert server.got[-1][0] == "/up/" + answer["filename"]
        assert told(charger, "LogStatusNotification")[:2] == [("Uploading", 5), ("Uploaded", 5)]
        body = server.got[0][2]
        found = [json.loads(line)["type"] for line in body.decode().splitlines() if line]
        assert found == ["StartupOfTheDevice", "ReconfigurationOfSecurityParameters"]
        assert b"1111" not in body and b"1111" not in server.got[1][2]
        trigger = {"requestedMessage": "LogStatusNotification"}
        assert await charger.call("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        await bench.told(lambda c: told(c, "LogStatusNotification")[-1] == ("Idle", None))
    wrong = {"logType": "SecurityLog", "requestId": 8, "retries": 0, "log": {"remoteLocation": "gopher://h/"}}
    assert (await charger.call("GetLog", wrong))["status"] == "Accepted"
    await bench.told(lambda c: told(c, "LogStatusNotification")[-1] == ("BadMessage", 8))


# req: SEC-LOG-02
# Another request while one runs: the first ends, the second is sent.
@pytest.mark.exhaustive
async def test_get_log_twice(bench):
    charger = await bench.start()
    with peers.web() as server:
        slow = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "http://127.0.0.1:1/up/"}}
        assert (await charger.call("GetLog", slow | {"retries": 5}))["status"] == "Accepted"
        await bench.told(lambda c: told(c, "LogStatusNotification")[-1:] == [("UploadFailure", 1)])
        after = {"remoteLocation": server.url + "/up/", "oldestTimestamp": "2099-01-01T00:00:00Z"}
        answer = await charger.call("GetLog", {"logType": "SecurityLog", "requestId": 2, "log": after})
        assert answer["status"] == "AcceptedCanceled"
        await bench.told(lambda c: told(c, "LogStatusNotification")[-1] == ("Uploaded", 2))
        assert not server.got[0][2].strip(), "nothing is as young as was asked for"
    await bench.passes(100)
    assert [n for _, n in told(charger, "LogStatusNotification")].count(1) == 2
