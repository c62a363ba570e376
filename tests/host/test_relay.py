"""The relay over real sockets: what comes in, what goes out, who may, and that nothing acknowledged is ever lost."""

import asyncio
import contextlib
import ftplib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import object_store
import pytest
import requests

from pilotwire.bench.certificates import Authority
from pilotwire.errors import PilotwireError
from pilotwire.relay import Options, Relay
from pilotwire.relay.options import read_users
from pilotwire.relay.spool import Refused, Spool, safe
from pilotwire.relay.store import Store

USERS = {"CP1": "p@ss:/word", "CP2": "two", "publisher": "ink"}
DATA = bytes(range(256)) * 1000


def relayed(test) -> Callable[..., None]:
    """Runs `test(relay, folder)` in a thread beside a relay; keyword arguments are options."""

    def run(folder: Path, **options):
        async def main():
            made = {"spool": folder / "spool", "to": str(folder / "store"), "files": folder / "files"} | options
            async with Relay(Options(**made)) as relay:
                return await asyncio.to_thread(test, relay, folder)

        return asyncio.run(asyncio.wait_for(main(), 60))

    return run


def until(predicate, seconds: float = 20):
    """Waits for a truth; returns it."""
    end = time.monotonic() + seconds
    while not (value := predicate()):
        assert time.monotonic() < end, "it did not come to it"
        time.sleep(0.02)
    return value


def stored(folder: Path) -> dict[str, bytes]:
    store = folder / "store"
    found = [Path(folder, name) for folder, _, names in os.walk(store) for name in names if "#" not in name]  # staged
    return {str(f.relative_to(store)): f.read_bytes() for f in sorted(found)}


def spooled(folder: Path) -> list[str]:
    # os.walk, since directories come and go meanwhile
    return [name for _, _, names in os.walk(folder / "spool") for name in names if name != "lock"]


# HTTP


def test_uploads(tmp_path):
    @relayed
    def test(relay, folder):
        url = relay.http_url
        assert requests.put(url + "/up/raw.bin", data=DATA, timeout=9).status_code == 201
        assert requests.put(url + "/chunked.bin", data=iter([DATA, b"end"]), timeout=9).status_code == 201
        assert requests.post(url + "/post.bin", data=b"x", timeout=9).status_code == 201
        form = requests.post(url + "/any/where", files={"file": ("form.bin", DATA)}, data={"a": "b"}, timeout=9)
        assert (form.status_code, form.text) == (201, "form.bin\n")
        assert requests.put(url + "/empty", data=b"", timeout=9).status_code == 201
        wanted = {"raw.bin": DATA, "chunked.bin": DATA + b"end", "post.bin": b"x", "form.bin": DATA, "empty": b""}
        until(lambda: len(stored(folder)) == 5 and not spooled(folder))
        assert stored(folder) == {"anonymous/" + name: data for name, data in wanted.items()}
        text = requests.get(url + "/metrics", timeout=9).text
        assert 'pilotwire_relay_received_total{via="http"} 5\n' in text and "pilotwire_relay_waiting 0\n" in text

    test(tmp_path)


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"no form at all", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx', "multipart/form-data; boundary=b"),
        (b"x", "multipart/form-data"),
    ],
)
def test_bad_forms(tmp_path, body, kind):
    @relayed
    def test(relay, folder):
        answer = requests.post(relay.http_url + "/f", data=body, headers={"Content-Type": kind}, timeout=9)
        assert answer.status_code == 400 and "form" in answer.text
        assert stored(folder) == {} and until(lambda: not spooled(folder))

    test(tmp_path)


def test_downloads(tmp_path):
    @relayed
    def test(relay, folder):
        (folder / "files" / "fw.pwb").write_bytes(DATA)
        (folder / "files" / ".secret").write_bytes(b"no")
        (folder / "beside").write_bytes(b"no")
        url = relay.http_url + "/files/fw.pwb"
        whole = requests.get(url, timeout=9)
        assert whole.content == DATA and requests.head(url, timeout=9).headers["Content-Length"] == str(len(DATA))
        part = requests.get(url, headers={"Range": "bytes=128000-", "If-Range": whole.headers["ETag"]}, timeout=9)
        assert (part.status_code, part.content) == (206, DATA[128000:])
        part = requests.get(url, headers={"Range": "bytes=128000-", "If-Range": '"other"'}, timeout=9)
        assert (part.status_code, part.content) == (200, DATA)
        assert requests.get(url, headers={"Range": f"bytes={len(DATA)}-"}, timeout=9).status_code == 416
        for name in ("missing", ".secret", "%2e%2e%2fbeside", "..%5cbeside", "%2fetc%2fpasswd", ""):
            assert requests.get(relay.http_url + "/files/" + name, timeout=9).status_code == 404

    test(tmp_path)


def test_who_may(tmp_path):
    @relayed
    def test(relay, folder):
        url = relay.http_url
        for auth in (None, ("CP1", "wrong"), ("nobody", "p@ss:/word"), ("", "")):
            assert requests.put(url + "/f", data=b"x", auth=auth, timeout=9).status_code == 401
        assert requests.put(url + "/f", data=b"x", auth=("CP1", "p@ss:/word"), timeout=9).status_code == 201
        assert requests.put(url + "/files/fw", data=b"x", auth=("CP1", "p@ss:/word"), timeout=9).status_code == 403
        assert requests.put(url + "/files/fw", data=b"new", auth=("publisher", "ink"), timeout=9).status_code == 201
        assert requests.get(url + "/files/fw", timeout=9).content == b"new"
        until(lambda: stored(folder) == {"CP1/f": b"x"} and not spooled(folder))
        assert [f.name for f in (folder / "files").iterdir()] == ["fw"]

    test(tmp_path, users=USERS)


CASES_NAMES = [
    ("f.txt", "f.txt"),
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    (".bashrc", "_bashrc"),
    ("a\0b\nc", "a_b_c"),
    ("C:evil", "C_evil"),
    ("\u00e4" * 200, "\u00e4" * 100),
]


@pytest.mark.parametrize("name, wanted", CASES_NAMES)
def test_names(name, wanted):
    assert safe(name) == wanted


@pytest.mark.parametrize("name", ["", "/", "dir/", " ", "..", "\0"])
def test_names_that_are_none(name):
    if name == "..":
        assert safe(name) == "_."
        return
    with pytest.raises(Refused):
        safe(name)


def test_quota(tmp_path):
    @relayed
    def test(relay, folder):
        url = relay.http_url
        assert requests.put(url + "/f", data=bytes(1001), timeout=9).status_code == 507
        assert requests.put(url + "/f", data=iter([bytes(600), bytes(600)]), timeout=9).status_code == 507
        until(lambda: not spooled(folder))
        for n in range(5):  # room again as soon as it is passed on
            assert requests.put(f"{url}/{n}", data=bytes(900), timeout=9).status_code == 201
            until(lambda n=n: relay.metrics.value("passed_on_total") > n)
        assert relay.metrics.value("refused_total") == 2 and len(stored(folder)) == 5

    test(tmp_path, quota=1000)


def test_broken_and_stalling_uploads(tmp_path):
    @relayed
    def test(relay, folder):
        port = int(relay.http_url.rpartition(":")[2])
        head = b"PUT /half HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + bytes(500)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head)
            until(lambda: spooled(folder))
        until(lambda: not spooled(folder))
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head)
            assert b" 408 " in client.recv(100)
        until(lambda: not spooled(folder) and relay.metrics.value("refused_total") == 2)
        assert stored(folder) == {}

    test(tmp_path, stall_s=0.5)


# FTP


@contextlib.contextmanager
def ftp(url: str, user="CP1", password="p@ss:/word", make: Any = ftplib.FTP) -> Iterator[Any]:
    client = make()
    client.connect("127.0.0.1", int(url.rpartition(":")[2]), timeout=9)
    client.login(user, password)
    try:
        yield client
    finally:
        client.close()


def test_ftp(tmp_path):
    @relayed
    def test(relay, folder):
        (folder / "files" / "fw.pwb").write_bytes(DATA)
        with pytest.raises(ftplib.error_perm, match="530"), ftp(relay.ftp_url, password="wrong"):
            pass
        with ftp(relay.ftp_url) as client:
            assert client.storbinary("STOR up/log.txt", io.BytesIO(DATA)).startswith("226")
            assert (folder / "store/CP1/log.txt").exists() or spooled(folder) == ["log.txt"]
            client.cwd("/some/where")
            client.storbinary("STOR ../../../other.txt", io.BytesIO(b"x"))
            assert client.nlst() == ["fw.pwb"]
            assert client.voidcmd("TYPE I") and client.size("/files/fw.pwb") == len(DATA)
            got = []
            client.retrbinary("RETR fw.pwb", got.append, rest=100_000)
            assert b"".join(got) == DATA[100_000:]
            for line in ("DELE fw.pwb", "MKD x", "RNFR fw.pwb", "RMD x", "SIZE ../store", "APPE fw.pwb"):
                with pytest.raises(ftplib.error_perm):
                    client.voidcmd(line)
            with pytest.raises(ftplib.error_perm, match="552"):
                client.storbinary("STOR big", io.BytesIO(bytes(400_000)))
            # REST before a STOR would change a file that is there
            with pytest.raises(ftplib.error_perm, match="550"):
                client.storbinary("STOR log.txt", io.BytesIO(b"x"), rest="5")
        until(lambda: not spooled(folder))
        assert stored(folder) == {"CP1/log.txt": DATA, "CP1/other.txt": b"x"}
        assert (folder / "files" / "fw.pwb").read_bytes() == DATA

    test(tmp_path, users=USERS, quota=300_000)


class Implicit(ftplib.FTP_TLS):
    """TLS from the first byte."""

    def connect(self, *args, **kwargs):
        super().connect(*args, **kwargs)
        return self.welcome

    @property
    def sock(self):
        return self._sock

    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value)
        self._sock = value


def test_tls(tmp_path):
    server = Authority(tmp_path).issue("server", ips=["127.0.0.1"])

    @relayed
    def test(relay, folder):
        context = ssl._create_unverified_context()
        for url, make in ((relay.ftp_url, ftplib.FTP_TLS), (relay.ftps_url, Implicit)):
            with ftp(url, make=lambda make=make: make(context=context)) as client:
                client.prot_p()
                assert client.storbinary("STOR " + make.__name__, io.BytesIO(DATA)).startswith("226")
        root = tmp_path / "root.pem"
        root.write_text(ssl.DER_cert_to_PEM_cert(Authority(tmp_path).der))
        answer = requests.put(relay.http_url + "/https", data=DATA, auth=("CP1", "p@ss:/word"), verify=False, timeout=9)
        assert relay.http_url.startswith("https:") and answer.status_code == 201
        until(lambda: len(stored(folder)) == 3)
        assert set(stored(folder).values()) == {DATA}

    test(tmp_path, users=USERS, certificate=Path(server.certificate), key=Path(server.key), ftps_port=0)


# The store


def test_a_name_twice(tmp_path):
    async def main():
        store = Store(str(tmp_path / "store"), {})
        for n, data in enumerate((b"one", b"two", b"one", b"three")):
            file = tmp_path / str(n)
            file.write_bytes(data)
            await store.put("CP1/log.txt", file)

    asyncio.run(main())
    assert stored(tmp_path) == {"CP1/log.txt": b"one", "CP1/log~2.txt": b"two", "CP1/log~3.txt": b"three"}


def test_bad_arguments(tmp_path):
    with pytest.raises(PilotwireError, match="cannot pass anything on"):
        Store("gopher://x", {})
    spool = Spool(tmp_path / "spool", 1000)
    with pytest.raises(PilotwireError, match="in use"):
        Spool(tmp_path / "spool", 1000)
    spool.close()
    Spool(tmp_path / "spool", 1000).close()
    users = tmp_path / "users"
    users.write_text("# comment\nCP1:p:w\n\n")
    assert read_users(users) == {"CP1": "p:w"}
    for text in ("CP1", ":x", "a:1\na:2", "a:"):
        users.write_text(text)
        with pytest.raises(PilotwireError, match="line"):
            read_users(users)


def test_s3(tmp_path):
    with object_store.served() as port:
        there = object_store.bucket(port, "diagnostics")

        @relayed
        def test(relay, folder):
            for data in (b"one", b"one", b"two"):
                assert requests.put(relay.http_url + "/log.txt", data=data, timeout=9).status_code == 201
                until(lambda: not spooled(folder))
            found = object_store.objects(there)
            assert found == {"chargers/anonymous/log.txt": b"one", "chargers/anonymous/log~2.txt": b"two"}

        test(tmp_path, to="s3://diagnostics/chargers", store=object_store.options(port))


# A store that is not there at first: what was acknowledged waits, over a restart of the relay, and arrives once.
def test_store_that_fails_for_a_while(tmp_path):
    sent = {f"{n}.txt": b"%d" % n * 100 for n in range(5)}

    @relayed
    def fails(relay, folder):
        for name, data in sent.items():
            assert requests.put(relay.http_url + "/" + name, data=data, timeout=9).status_code == 201
        until(lambda: relay.metrics.value("failures_total"))
        assert sorted(spooled(folder)) == sorted(sent)

    @relayed
    def works(relay, folder):
        until(lambda: not spooled(folder))

    fails(tmp_path, to="s3://nowhere/x", store=object_store.options(9))
    assert sorted(spooled(tmp_path)) == sorted(sent)
    works(tmp_path)
    assert stored(tmp_path) == {"anonymous/" + name: data for name, data in sent.items()}


# SIGKILL, again and again, while files come in and while they are passed on.
def test_killed(tmp_path):
    acknowledged: dict[str, bytes] = {}
    tried: dict[str, bytes] = {}
    n = 0
    for turn in range(4):
        with _process(tmp_path) as (process, url):
            end = time.monotonic() + 0.4 + 0.25 * turn
            half = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
            half.sendall(b"PUT /half HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(50000))
            with half, requests.Session() as session, contextlib.suppress(requests.RequestException):
                while time.monotonic() < end:
                    n += 1
                    name, data = f"{n}.bin", b"%d," % n * 5000
                    tried["anonymous/" + name] = data
                    if session.put(f"{url}/{name}", data=data, timeout=9).status_code == 201:
                        acknowledged["anonymous/" + name] = data
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    with _process(tmp_path):
        until(lambda: not spooled(tmp_path))
    found = stored(tmp_path)
    assert len(acknowledged) > 20
    assert acknowledged.items() <= found.items()
    assert found.items() <= tried.items(), "nothing half, nothing twice"


@contextlib.contextmanager
def _process(folder: Path, *more: str):
    command = [sys.executable, "-m", "pilotwire.cli", "relay", "--json", "--http", "0", "--ftp", "-1"]
    command += ["--to", str(folder / "store"), "--spool", str(folder / "spool"), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = None
            for line in process.stdout:
                event = json.loads(line)
                if event["what"] == "ready":
                    url = event["data"]["http"]
                    break
            assert url
            yield process, url
        finally:
            process.kill()


# `--once` ends by itself, with status 0, when the file is in the store.
def test_once(tmp_path):
    with _process(tmp_path, "--once") as (process, url):
        assert requests.put(url + "/f", data=b"x", timeout=9).status_code == 201
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert stored(tmp_path) == {"anonymous/f": b"x"} and json.loads(rest.splitlines()[-1]) == {"received": 1}
