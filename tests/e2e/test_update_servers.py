"""Updates from servers that chargers meet: our relay, nginx and vsftpd; over http, https, ftp and ftps, to and fro on one box."""

import asyncio
import datetime

import object_store
import pytest
import update_kit as kit
from cryptography.hazmat.primitives import serialization
from small_ca import Ca, make_key, pem
from transfer_daemons import VSFTPD_TLS, free_port, needs_nginx, needs_vsftpd, nginx, vsftpd
from update_kit import GOOD, T0, charges, start

from pilotwire.bench.certificates import Authority
from pilotwire.errors import PilotwireError
from pilotwire.publish import Signer, put, statuses
from pilotwire.publish import update as publish_to
from pilotwire.relay import Options, Relay

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def served(authority):
    """Certificate of a server on the loopback."""
    return authority.issue("server", ips=["127.0.0.1"], kind="rsa")


async def trusting(bench, authority):
    """The box, which knows the authority."""
    bench.path.mkdir()
    image = bench.path.parent / "flash.bin"
    image.write_bytes(kit.flash())
    with kit.opened(image) as flash:
        flash.write("/data/root1.der", authority.der)
    return await start(bench, image.read_bytes())


async def to_and_fro(bench, charger, locations):
    """One update after the other: location by location, the new version and the old one by turns."""
    for number, location in enumerate(locations):
        before = len(statuses(charger))
        assert await charger.call("UpdateFirmware", {"location": location, "retrieveDate": T0}) == {}
        await bench.told(lambda c, before=before: statuses(c)[before:] == GOOD, 600)
        assert charger.boots[-1]["firmwareVersion"] == (kit.OLD if number % 2 else kit.NEW), location
    await bench.passes(1)


# req: FW-02, FW-07
async def test_relay(bench, authority, served, tmp_path):
    charger = await trusting(bench, authority)
    bundles, users = tmp_path / "bundles", {"publisher": "s3:cret"}
    bundles.mkdir()
    put(kit.made(kit.OLD), "old.pwb", str(bundles))
    files = {"files": bundles, "certificate": served.certificate, "key": served.key}
    async with (
        Relay(Options(tmp_path / "spool1", str(tmp_path / "out"), files=bundles, users=users)) as plain,
        Relay(Options(tmp_path / "spool2", str(tmp_path / "out"), **files, ftps_port=0)) as secure,
    ):
        folder = plain.http_url.replace("://", "://publisher:s3%3Acret@") + "/files/"
        url = await asyncio.to_thread(put, kit.made(), "new.pwb", folder)
        with pytest.raises(PilotwireError, match="does not take the bundle") as refused:
            await asyncio.to_thread(put, b"", "x.pwb", folder.replace("cret", "cro"))
        assert "cro" not in str(refused.value)
        locations = [
            url,
            f"{secure.http_url}/files/old.pwb",
            plain.ftp_url.replace("://", "://publisher:s3%3Acret@") + "/new.pwb",
            f"{secure.ftp_url.replace('ftp:', 'ftps:')}/old.pwb",
        ]
        await to_and_fro(bench, charger, locations)
    await charges(bench, kit.OLD, "a")


# req: FW-02, FW-07
@needs_nginx
async def test_nginx(bench, authority, served, tmp_path):
    charger = await trusting(bench, authority)
    with nginx(tmp_path, served) as (port, secure):
        put(kit.made(), "new.pwb", str(tmp_path / "root"))
        put(kit.made(kit.OLD), "old.pwb", str(tmp_path / "root"))
        await to_and_fro(bench, charger, [f"http://127.0.0.1:{port}/new.pwb", f"https://127.0.0.1:{secure}/old.pwb"])


# req: FW-02, FW-07
@needs_vsftpd
async def test_vsftpd(bench, authority, served, tmp_path):
    charger = await trusting(bench, authority)
    for scheme, options, name in (("ftp", {}, "new.pwb"), ("ftps", VSFTPD_TLS, "old.pwb")):
        folder = tmp_path / scheme
        folder.mkdir()
        with vsftpd(folder, served, **options) as port:
            data = kit.made() if name == "new.pwb" else kit.made(kit.OLD)
            put(data, name, str(folder / "root"))
            before = len(statuses(charger))
            await charger.call("UpdateFirmware", {"location": f"{scheme}://127.0.0.1:{port}/{name}", "retrieveDate": T0})
            await bench.told(lambda c, before=before: statuses(c)[before:] == GOOD, 600)
    assert [boot["firmwareVersion"] for boot in charger.boots] == [kit.OLD, kit.NEW, kit.OLD]


# req: FW-07
# From an object store: the signed URL that `pilotwire publish s3://...` prints is one that a charger takes.
async def test_object_store(bench, monkeypatch):
    charger = await start(bench)
    with object_store.served() as port:
        object_store.bucket(port, "firmware")
        for name, value in object_store.credentials(port).items():
            monkeypatch.setenv(name, value)
        url = await asyncio.to_thread(put, kit.made(), "new.pwb", "s3://firmware/chargers")
        await to_and_fro(bench, charger, [url])
    await charges(bench, kit.NEW)


# `pilotwire publish --to`: a central system of its own sends the order and waits for the end.
async def test_publish_to(bench, capsys):
    port = free_port()
    data = kit.made()
    bench.path.mkdir()
    image = bench.path.parent / "flash.bin"
    image.write_bytes(kit.flash())
    with kit.web(data) as server:
        await bench.start(image=image, speed=0, wait=False, url=f"ws://127.0.0.1:{port}")
        await publish_to(server.url + "/file", "E2E-1", "127.0.0.1", port, False)
    told = capsys.readouterr().out
    assert all(f'"{status}"' in told or status in told for status in GOOD)
    await bench.do("wait", until={"version": kit.NEW}, timeout_s=60)


# req: FW-01
# The same to a charger that takes signed updates only, and says so; keys that do not fit are refused before anything is sent.
async def test_publish_to_signed(bench, capsys, tmp_path):
    maker, key = Ca("Maker", datetime.datetime.now(datetime.UTC)), make_key("p256")
    certificate, private = tmp_path / "signer.pem", tmp_path / "signer.key"
    certificate.write_text(pem(maker.sign(key.public_key(), "Signer", "Maker")))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    with pytest.raises(PilotwireError, match="no PEM"):
        Signer.read(certificate, certificate)
    bench.path.mkdir()
    (bench.path / "flash.bin").write_bytes(kit.flash())
    bench.files({"/data/maker1.der": maker.der})
    port = free_port()
    settings = {"SecurityProfile": "1", "AuthorizationKey": "5a" * 16}
    with kit.web(kit.made()) as server:
        await bench.start(speed=0, wait=False, url=f"ws://127.0.0.1:{port}", settings=settings)
        to = server.url + "/file", "E2E-1", "127.0.0.1", port, False
        with pytest.raises(PilotwireError, match="takes no UpdateFirmware"):
            await publish_to(*to)
        await publish_to(*to, kit.made(), Signer.read(certificate, private))
    assert "SignedUpdateFirmware" in capsys.readouterr().out
    await bench.do("wait", until={"version": kit.NEW}, timeout_s=60)
