"""The security profiles and the life of certificates, with a central system that speaks ws and wss on one port."""

import asyncio
import contextlib
import datetime as dt
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from small_ca import Ca, pem
from websockets.exceptions import ConnectionClosed

from pilotwire.bench.certificates import Authority
from pilotwire.csms import CentralSystem
from pilotwire.relay import Options, Relay

KEY = "00112233445566778899aabbccddeeff"
CENTRAL = "CentralSystemRootCertificate"
CERTIFICATES = 108 * 1024  # of 64 bits; in 32 these pass in 104 KB, the longest messages at most times (docs/link.md)


@contextlib.asynccontextmanager
async def two_faced(bench, context):
    """The bench's central system behind a port that takes TLS and plain connections; yields the port."""
    async with CentralSystem(ssl=context, on_event=bench.note, clock=bench._clock) as secure:
        secure.chargers = bench.central.chargers
        secure.passwords, secure.answer = bench.central.passwords, bench.central.answer

        async def pump(reader, writer):
            with contextlib.suppress(OSError):
                while data := await reader.read(4096):
                    writer.write(data)
                    await writer.drain()
            writer.close()

        async def meet(reader, writer):
            first = await reader.read(1)
            port = secure.port if first == b"\x16" else bench.central.port
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
            outer.write(first)
            await asyncio.gather(pump(reader, outer), pump(inner, writer), return_exceptions=True)

        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


def server_context(issued, clients=None):
    """TLS for a server; `clients` is the PEM file of who may vouch for clients, who are asked then."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    if clients:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(clients)
    return context


async def change(charger, key, value):
    return (await charger.call("ChangeConfiguration", {"key": key, "value": value}))["status"]


async def reconnected(bench, count):
    await bench.told(lambda c: c.connections >= count and c.connected, 120)


def events(charger):
    return [f.text for f in charger.frames if f.direction == "in" and "SecurityEventNotification" in str(f.text)]


# req: SEC-PROF-01, SEC-PROF-02, SEC-AUTH-01, SEC-AUTH-03, SEC-TLS-04
# req: SEC-CERT-01, SEC-CERT-02, SEC-CERT-03, SEC-CERT-04, SEC-CERT-07
# The whole way: a key, Basic auth, a root, TLS, a certificate of our own, profile 3; renewal, and what can be deleted.
async def test_from_nothing_to_profile_3(bench, tmp_path):
    root = Authority(tmp_path / "ca")
    ca = Ca("Clients", dt.datetime.now(dt.UTC))
    (tmp_path / "clients.pem").write_text(ca.pem)
    context = server_context(root.issue("server"), tmp_path / "clients.pem")
    requests = []

    def sign(charger, payload):
        requests.append(x509.load_pem_x509_csr(payload["csr"].encode()))
        return {"status": "Accepted"}

    async with two_faced(bench, context) as port:
        bench.central.answer["SignCertificate"] = sign
        settings = {"ChargePointSerialNumber": "SN-1"}
        charger = await bench.start(heap=CERTIFICATES, url=f"ws://localhost:{port}/ocpp", settings=settings)
        assert charger.auth is None
        assert await change(charger, "SecurityProfile", "1") == "Rejected"
        assert await change(charger, "AuthorizationKey", KEY) == "Accepted"
        bench.central.passwords["E2E-1"] = bytes.fromhex(KEY)
        assert await change(charger, "SecurityProfile", "1") == "Accepted"
        await reconnected(bench, 2)
        assert charger.auth == ("E2E-1", bytes.fromhex(KEY))

        assert await change(charger, "SecurityProfile", "2") == "Rejected"
        install = {"certificateType": CENTRAL, "certificate": root.pem.decode()}
        assert await charger.call("InstallCertificate", install) == {"status": "Accepted"}
        assert await change(charger, "SecurityProfile", "2") == "Accepted"
        await reconnected(bench, 3)
        assert charger.auth and charger.certificate is None
        (used,) = (await charger.call("GetInstalledCertificateIds", {"certificateType": CENTRAL}))[
            "certificateHashData"
        ]
        assert await charger.call("DeleteCertificate", {"certificateHashData": used}) == {"status": "Failed"}

        assert await change(charger, "CpoName", "Operator") == "Accepted"
        install = {"certificateType": CENTRAL, "certificate": ca.pem}
        assert await charger.call("InstallCertificate", install) == {"status": "Accepted"}
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await charger.call("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        await bench.told(lambda c: requests, 30)
        mine = pem(ca.sign(requests[0].public_key(), "SN-1", days=(-5, 20)))
        assert await charger.call("CertificateSigned", {"certificateChain": mine}) == {"status": "Accepted"}
        bench.central.passwords.clear()
        assert await change(charger, "SecurityProfile", "3") == "Accepted"
        await reconnected(bench, 4)
        assert charger.auth is None and charger.certificate == "SN-1"

        # It ends within a month: asked for anew by itself, at the latest at the next start.
        await bench.do("power", on=False)
        await bench.do("power", on=True)
        await bench.told(lambda c: len(requests) == 2, 60)
        new = pem(ca.sign(requests[1].public_key(), "SN-1"))
        count = charger.connections
        assert await charger.call("CertificateSigned", {"certificateChain": new}) == {"status": "Accepted"}
        await reconnected(bench, count + 1)
        assert charger.certificate == "SN-1"
        assert len({r.public_key().public_numbers() for r in requests}) == 2

        ids = (await charger.call("GetInstalledCertificateIds", {"certificateType": CENTRAL}))["certificateHashData"]
        other = next(i for i in ids if i != used)
        assert await charger.call("DeleteCertificate", {"certificateHashData": used}) == {"status": "Failed"}
        assert await charger.call("DeleteCertificate", {"certificateHashData": other}) == {"status": "Accepted"}
        assert await change(charger, "SecurityProfile", "2") == "Rejected"
        text = "".join(bench.text.split())
        assert KEY not in text and "PRIVATE" not in text
        await bench.stop()


# A file server is trusted from when its root is installed until that is deleted: TLS of uploads shares what it can with the
# connection to the central system, but not for longer.
async def test_root_of_a_file_server(bench, tmp_path):
    root, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    bench.files({"/data/root1.der": root.der})
    files = other.issue("files", ips=["127.0.0.1"])
    options = {"certificate": Path(files.certificate), "key": Path(files.key), "users": {}}
    told = "DiagnosticsStatusNotification"

    async def upload(charger, url):
        count = len(charger.frames)
        await charger.call("GetDiagnostics", {"location": url + "/", "retries": 0})

        def result(charger):
            done = [f.payload["status"] for f in charger.frames[count:] if f.direction == "in" and f.action == told]
            return done[1:]

        await bench.told(result, 60)
        return result(charger)[0]

    async with (
        two_faced(bench, server_context(root.issue("server"))) as port,
        Relay(Options(spool=tmp_path / "spool", to=str(tmp_path / "store"), **options)) as relay,
    ):
        charger = await bench.start(url=f"wss://localhost:{port}")
        assert await upload(charger, relay.http_url) == "UploadFailed"
        install = {"certificateType": CENTRAL, "certificate": other.pem.decode()}
        assert await charger.call("InstallCertificate", install) == {"status": "Accepted"}
        assert await upload(charger, relay.http_url) == "Uploaded"
        ids = (await charger.call("GetInstalledCertificateIds", {"certificateType": CENTRAL}))["certificateHashData"]
        answers = [(await charger.call("DeleteCertificate", {"certificateHashData": i}))["status"] for i in ids]
        assert sorted(answers) == ["Accepted", "Failed"]  # the central system's own stays
        assert await upload(charger, relay.http_url) == "UploadFailed"
        await bench.stop()


# req: SEC-CERT-02, SEC-CERT-04, J-WS-04
# A root of 5,500 characters and a chain of 10,000, over TLS, while a car charges, after one that was cut off; then in use at
# profile 3. The root comes in one frame or in many.
@pytest.mark.exhaustive
@pytest.mark.parametrize("frame", [None, 300])
async def test_the_longest_messages(bench, tmp_path, frame):
    root = Authority(tmp_path / "ca")
    subs = [Ca("Clients", dt.datetime.now(dt.UTC), kind="rsa4096")]
    for n in range(5):
        subs.insert(0, Ca(f"Sub {n}", subs[0].now, parent=subs[0], kind="rsa4096"))
    (tmp_path / "clients.pem").write_text("".join(ca.pem for ca in subs))
    bench.files({"/data/root1.der": root.der})
    requests = []
    bench.central.answer["SignCertificate"] = lambda charger, payload: requests.append(payload) or {"status": "Accepted"}
    settings = {"ChargePointSerialNumber": "SN-1", "CpoName": "Operator", "AuthorizationKey": KEY, "SecurityProfile": "2"}
    async with two_faced(bench, server_context(root.issue("server"), tmp_path / "clients.pem")) as port:
        charger = await bench.start(heap=CERTIFICATES, url=f"wss://localhost:{port}", settings=settings)
        await bench.charge()

        async def send(text):  # in fragments, as some libraries do
            await whole(text[at : at + frame] for at in range(0, len(text), frame))

        whole = charger._connection.send
        if frame:
            charger._connection.send = send
        install = {"certificateType": CENTRAL, "certificate": subs[-1].pem.rjust(5500)}
        assert await charger.call("InstallCertificate", install) == {"status": "Accepted"}
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await charger.call("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        await bench.told(lambda c: requests, 30)
        public = x509.load_pem_x509_csr(requests[0]["csr"].encode()).public_key()
        chain = pem(subs[0].sign(public, "SN-1")) + "".join(ca.pem for ca in subs[:-1])

        async def cut(text):  # the connection ends in the middle
            yield text[:8000]
            await bench.passes(2)
            charger.drop()
            yield text[8000:]

        with contextlib.suppress(ConnectionClosed):
            await whole(cut(json.dumps([2, "cut", "CertificateSigned", {"certificateChain": chain.rjust(10000)}])))
        await reconnected(bench, 2)
        assert await charger.call("CertificateSigned", {"certificateChain": chain.rjust(10000)}) == {"status": "Accepted"}
        assert await change(charger, "SecurityProfile", "3") == "Accepted"
        await reconnected(bench, 3)
        assert charger.auth is None and charger.certificate == "SN-1"
        assert bench.state()["status"] == "Charging"
        await bench.stop()


# req: SEC-PROF-03
# The central system does not speak TLS: back to the profile before, and GetConfiguration says so.
@pytest.mark.exhaustive
async def test_back_from_profile_2(bench, tmp_path):
    root = Authority(tmp_path / "ca")
    bench.files({"/data/root1.der": root.der})
    settings = {"AuthorizationKey": KEY, "SecurityProfile": "1"}
    charger = await bench.start(url=f"ws://localhost:{bench.central.port}", settings=settings)
    assert await change(charger, "SecurityProfile", "2") == "Accepted"
    await bench.logged("back to security profile 1", timeout_s=120)
    await reconnected(bench, 2)
    shown = await charger.call("GetConfiguration", {"key": ["SecurityProfile"]})
    assert shown["configurationKey"][0]["value"] == "1" and charger.auth


# req: SEC-PROF-05
# A server that does not ask for our certificate is not one for profile 3.
@pytest.mark.exhaustive
async def test_a_server_that_does_not_ask(bench, tmp_path):
    root = Authority(tmp_path / "ca")
    mine = root.issue("mine", client=True)
    bench.files({"/data/root1.der": root.der, "/data/client.der": mine.der, "/data/client.key": mine.key_der})
    async with two_faced(bench, server_context(root.issue("server"))) as port:
        await bench.start(url=f"wss://localhost:{port}", settings={"SecurityProfile": "3"}, wait=False)
        await bench.logged("TLS, asked")
        await bench.logged("security: CentralSystemFailedToAuthenticate")
        assert not bench.central.chargers
        await bench.stop()
