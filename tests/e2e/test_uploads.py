"""Diagnostics over every protocol to the relay, vsftpd and nginx; and servers that refuse, run full, stall or are not there."""

import contextlib
import json
import os
import socket
from pathlib import Path

import pytest
from transfer_daemons import VSFTPD_TLS, free_port, needs_nginx, needs_vsftpd, nginx, vsftpd

from pilotwire.bench.certificates import Authority
from pilotwire.relay import Options, Relay

LOGIN = "CP1:p%40ss%3A%2Fword@"
STATUS = "DiagnosticsStatusNotification"
PAIR = ["Uploading", "UploadFailed"]
DONE = ["Uploading", "Uploaded"]


def statuses(charger) -> list[str]:
    """What the charger told of its uploads so far."""
    return [f.payload["status"] for f in charger.frames if f.direction == "in" and f.type == 2 and f.action == STATUS]


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder by their names; a name twice is an error."""
    found = [Path(at, name) for at, _, names in os.walk(folder) for name in names if "#" not in name]
    assert len({f.name for f in found}) == len(found)
    return {f.name: f.read_bytes() for f in found}


def whole(data: bytes) -> bool:
    lines = [json.loads(line) for line in data.decode().splitlines() if line]
    return lines[0]["pilotwire"] == "diagnostics" and lines[-1] == {"end": True}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("server", ips=["127.0.0.1"], kind="rsa")


async def start(bench, root: bytes | None = None, **options):
    """A charger that trusts a root."""
    bench.files({"/data/root1.der": root} if root else {})
    return await bench.start(**options)


def relay(folder: Path, certificate=None, **options):
    """A relay that knows the charger."""
    made = {"spool": folder / "spool", "to": str(folder / "store"), "users": {"CP1": "p@ss:/word"}}
    if certificate:
        made |= {"certificate": Path(certificate.certificate), "key": Path(certificate.key), "ftps_port": 0}
    return Relay(Options(**made | options))


async def send(bench, url: str, expected: list[str], **fields) -> str:
    """GetDiagnostics to a URL, until the statuses are as expected; the name that was promised."""
    charger = bench.charger
    before = len(statuses(charger))
    answer = await charger.call("GetDiagnostics", {"location": url, "retries": 0} | fields)
    await bench.told(lambda c: len(statuses(c)) >= before + len(expected), 300)
    await bench.passes(1)
    assert statuses(charger)[before:] == expected
    return answer["fileName"]


async def arrived(bench, folder: Path, name: str) -> None:
    """The file is in the folder, whole."""
    for _ in range(100):
        if name in files(folder):
            break
        await bench.passes(0.1)
    assert whole(files(folder)[name])


def url(base: str, path="/") -> str:
    """With the login in it."""
    return base.replace("//", "//" + LOGIN) + path


# req: DIAG-01, FW-07
async def test_to_the_relay(bench, tmp_path):
    await start(bench)
    async with relay(tmp_path) as there:
        for base in (there.http_url, there.ftp_url):
            await arrived(bench, tmp_path / "store", await send(bench, url(base), DONE))
            await bench.passes(1.1)  # another second, another name
    assert len(files(tmp_path / "store")) == 2


# req: DIAG-01, FW-07
@pytest.mark.exhaustive
async def test_to_the_relay_over_tls(bench, tmp_path, authority, server):
    await start(bench, authority.der)
    async with relay(tmp_path, server) as there:
        for base in (there.http_url, there.ftp_url.replace("ftp:", "ftps:"), there.ftps_url):
            await arrived(bench, tmp_path / "store", await send(bench, url(base), DONE))
            await bench.passes(1.1)
    assert len(files(tmp_path / "store")) == 3


# req: DIAG-02
# A password that is refused, and a relay that is full: a pair for each try, and nothing half in the store.
@pytest.mark.exhaustive
async def test_refused_and_full(bench, tmp_path):
    await start(bench)
    again = {"retries": 1, "retryInterval": 1}
    async with relay(tmp_path, quota=1000) as there:
        for base in (there.http_url, there.ftp_url):
            await send(bench, base + "/", PAIR * 2, **again)
            await send(bench, url(base), PAIR * 2, **again)
        assert there.metrics.value("refused_total") >= 4
    assert files(tmp_path / "store") == {} and set(files(tmp_path / "spool")) == {"lock"}


# req: DIAG-02
# Down at first, over each protocol: the tries go on, and the file arrives once.
@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["http", "ftp", "https", "ftps", "ftpis"])
async def test_down_at_first(bench, tmp_path, authority, server, scheme):
    charger = await start(bench, authority.der)
    port = free_port()
    request = {"location": f"{scheme}://{LOGIN}127.0.0.1:{port}/", "retries": 5, "retryInterval": 3}
    name = (await charger.call("GetDiagnostics", request))["fileName"]
    await bench.told(lambda c: len(statuses(c)) >= 2, 60)
    ports = {"http_port": None, "ftp_port": None, "ftps_port": None}
    ports["http_port" if scheme[0] == "h" else "ftps_port" if scheme == "ftpis" else "ftp_port"] = port
    async with relay(tmp_path, server if scheme[-1] == "s" else None, **ports):
        await bench.told(lambda c: statuses(c)[-1:] == ["Uploaded"], 120)
        await arrived(bench, tmp_path / "store", name)
    told = statuses(charger)
    assert told[-2:] == DONE and told[:-2] == PAIR * (len(told) // 2 - 1)
    assert list(files(tmp_path / "store")) == [name]


# req: DIAG-03, DIAG-04
# A server that takes the connection and then says nothing: UploadFailed within bounded time, and CALLs are answered meanwhile.
@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["http", "ftp", "https"])
async def test_stalls(bench, authority, scheme):
    # Without TLS to the central system a transfer brings a context of its own: a CALL within its handshake takes 106 KB.
    charger = await start(bench, authority.der, **({"heap": 106 * 1024} if scheme == "https" else {}))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"
        await charger.call("GetDiagnostics", {"location": location, "retries": 0})
        begun = bench.box.time_ms
        await bench.told(lambda c: statuses(c) == ["Uploading"], 10)
        for _ in range(3):
            await charger.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
            await bench.passes(3)
        await bench.told(lambda c: statuses(c) == PAIR, 120)
        assert bench.box.time_ms - begun < 100_000


# req: DIAG-01
@needs_nginx
@pytest.mark.exhaustive
async def test_to_nginx(bench, tmp_path, authority, server):
    await start(bench, authority.der)
    with nginx(tmp_path, server) as (port, secure):
        for base in (f"http://127.0.0.1:{port}/up/", f"https://127.0.0.1:{secure}/up/"):
            await arrived(bench, tmp_path / "root", await send(bench, base, DONE))
            await bench.passes(1.1)
    assert len(files(tmp_path / "root")) == 2


# req: DIAG-01, FW-07
@needs_vsftpd
@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "scheme, options",
    [("ftp", {}), ("ftps", VSFTPD_TLS), ("ftpis", {**VSFTPD_TLS, "implicit_ssl": "YES"})],
    ids=["plain", "explicit", "implicit"],
)
async def test_to_vsftpd(bench, tmp_path, authority, server, scheme, options):
    await start(bench, authority.der)
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(vsftpd(tmp_path, server, **options))
        await arrived(bench, tmp_path / "root", await send(bench, f"{scheme}://127.0.0.1:{port}/up/", DONE))
        await send(bench, f"{scheme}://a:wrong@127.0.0.1:{port}/up/", PAIR)
    assert len(files(tmp_path / "root")) == 1
