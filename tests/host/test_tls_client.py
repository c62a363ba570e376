"""lib/tlsclient, in MicroPython's Unix port under the heap of the chip, against Python's ssl (OpenSSL) and bad servers.

The child runs _CLIENT, compiled libraries only, and prints what it saw as one JSON line. The Unix port checks dates
against the desktop's clock, so certificates are made relative to now.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from small_ca import Ca, make_key, pem

from pilotwire import build, runtime
from pilotwire.bench.certificates import Authority

_HEAP = 104 * 1024

_CLIENT = r"""
import asyncio, gc, json, socket, sys, time
from tlsclient import TlsError, connect

def read(name):
    with open(name, "rb") as f:
        return f.read()

async def tcp(port):
    address = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(address[0], address[1], address[2])
    sock.setblocking(False)
    try:
        sock.connect(address[-1])
    except OSError:
        pass
    return sock

async def main(options):
    o = json.loads(options)
    turns = longest = hooks = 0
    async def other():
        nonlocal turns, longest
        last = time.ticks_us()
        while True:
            await asyncio.sleep_ms(0)
            now = time.ticks_us()
            longest = max(longest, time.ticks_diff(now, last))
            last = now
            turns += 1
    def hook():
        nonlocal hooks
        hooks += 1
    task = asyncio.create_task(other())
    files = {name: read(o[name]) for name in ("cert", "key") if name in o}
    roots = [read(r) for r in o["roots"]]
    begun = time.ticks_us()
    result = {}
    try:
        sock = await tcp(o["port"])
        stream = await asyncio.wait_for(connect(sock, o["host"], roots, verify=o.get("verify", True),
            suites=o.get("suites"), hook=hook, **files), o.get("timeout", 20))
        took = time.ticks_diff(time.ticks_us(), begun)
        stream.write(b"hello" * 2000)
        await stream.drain()
        got = b""
        while len(got) < 10000:
            data = await stream.read(700)
            if not data:
                break
            got += data
        result = {"echo": got == b"hello" * 2000, "asked": stream.asked, "cipher": stream.tls.cipher()[0],
            "turns": turns, "hooks": hooks, "longest": longest, "took": took}
        stream.close()
        await stream.wait_closed()
    except TlsError as e:
        result = {"kind": e.kind, "text": e.text}
    except asyncio.TimeoutError:
        result = {"kind": "timeout", "turns": turns}
    task.cancel()
    result["loaded"] = [m for m in sys.modules if m.startswith("tls")]
    try:
        sock.setblocking(True)
        result["closed"] = False
    except OSError:
        result["closed"] = True
    print(json.dumps(result))

asyncio.run(main(sys.argv[1]))
"""


@dataclass
class World:
    """What all servers of the session share."""

    folder: Path
    root: Authority
    other: Authority


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    root = Authority(folder)
    for kind in ("ec", "rsa"):
        root.issue(f"good-{kind}", ips=["127.0.0.1"], kind=kind)
    root.issue("expired", days=(-20, -1))
    root.issue("future", days=(1, 20))
    root.issue("other-host", names=["example.org"])
    root.issue("client", names=["CP1"], client=True)
    other = Authority(folder, "another root")
    other.issue("stranger", names=["CP1"], client=True)
    (folder / "root1.der").write_bytes(root.der)
    (folder / "root2.der").write_bytes(other.der)
    for label in ("client", "stranger"):
        issued = folder / f"{label}.pem"
        (folder / f"{label}.der").write_bytes(ssl.PEM_cert_to_DER_cert(first(issued.read_text())))
        (folder / f"{label}.key.der").write_bytes(ssl_key(folder / f"{label}.key"))
    compile_client(folder)
    return World(folder, root, other)


def first(pem: str) -> str:
    end = "-----END CERTIFICATE-----\n"
    return pem[: pem.index(end) + len(end)]


def ssl_key(path: Path) -> bytes:
    import base64

    return base64.b64decode("".join(path.read_text().splitlines()[1:-1]))


def compile_client(folder: Path) -> None:
    """Libraries and client as .mpy, as they would be on the flash: a compiler would need the heap."""
    lib = build.repository() / "lib"
    for path in [*lib.glob("tlsclient/*.py"), *lib.glob("ticks/*.py")]:
        (folder / f"{path.stem}.mpy").write_bytes(build.compile_module(path, path.name, ("-O3",)))
    source = folder / "client.py"
    source.write_text(_CLIENT)
    (folder / "client.mpy").write_bytes(build.compile_module(source, "client.py", ("-O3",)))
    source.unlink()


async def client(world: World, port: int, **options) -> dict:
    """What the child prints."""
    options = {"host": "localhost", "roots": ["root1.der"], "port": port, **options}
    child = await asyncio.create_subprocess_exec(
        *runtime.micropython(),
        "-X",
        f"heapsize={runtime.heap_bytes(_HEAP)}",
        "-m",
        "client",
        json.dumps(options),
        cwd=world.folder,
        env={**os.environ, "MICROPYPATH": f"{world.folder}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(), 40)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode == 0, out.decode()
    return json.loads(out.splitlines()[-1])


def context(world: World, label: str = "good-ec") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(world.folder / f"{label}.pem", world.folder / f"{label}.key")
    return made


class Server:
    """Echoes on 127.0.0.1 with a blocking ssl socket: asyncio drops the alert of a handshake that fails."""

    def __init__(self, tls: ssl.SSLContext):
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(OSError), sock, self._tls.wrap_socket(sock, server_side=True) as secured:
            while data := secured.recv(4096):
                secured.sendall(data)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def against(world: World, server: ssl.SSLContext | str, **options) -> dict:
    """The child's result with an OpenSSL server: a context, or the label of its certificate."""
    serving = Server(context(world, server) if isinstance(server, str) else server)
    try:
        return asyncio.run(client(world, serving.port, **options))
    finally:
        serving.close()


def against_raw(world: World, handler, **options) -> dict:
    """The same with a TCP server that runs handler(reader, writer)."""

    async def run() -> dict:
        async with await asyncio.start_server(handler, "127.0.0.1", 0) as listening:
            return await client(world, listening.sockets[0].getsockname()[1], **options)

    return asyncio.run(run())


# req: SEC-TLS-01
# req: SEC-TLS-02
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_good_chain(world, kind):
    got = against(world, f"good-{kind}")
    assert got["echo"]
    assert got["cipher"] == f"TLS-ECDHE-{'ECDSA' if kind == 'ec' else 'RSA'}-WITH-AES-128-GCM-SHA256" or "256" in got["cipher"]
    assert got["closed"] and not got["asked"]
    assert sorted(got["loaded"]) == ["tlsclient", "tlsstream"], "the cold part is forgotten"
    # asyncio and the hook had their turns between the records
    assert got["turns"] > 8 and got["hooks"] > 15


def test_the_work_is_in_slices(world):
    got = against(world, "good-ec")
    assert got["longest"] < got["took"] // 2, got


def test_server_chooses_no_cbc(world):
    server = context(world)
    server.set_ciphers("ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:AES128-SHA:@SECLEVEL=0")
    assert against(world, server)["kind"] == "suite"


def test_rsa_key_exchange_only_if_asked(world):
    server = context(world, "good-rsa")
    server.set_ciphers("AES128-GCM-SHA256")
    assert against(world, server)["kind"] == "suite"
    got = against(world, server, suites=["TLS-RSA-WITH-AES-128-GCM-SHA256"])
    assert got["echo"] and got["cipher"] == "TLS-RSA-WITH-AES-128-GCM-SHA256"


def test_an_unknown_suite_is_left_out(world):
    assert against(world, "good-ec", suites=["TLS-NO-SUCH", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"])["echo"]


# req: SEC-TLS-02
@pytest.mark.parametrize(
    "label, kind, text",
    [
        ("expired", "date", "has expired"),
        ("future", "date", "starts in the future"),
        ("other-host", "host", "does not match"),
    ],
)
def test_bad_certificate(world, label, kind, text):
    got = against(world, label)
    assert got["kind"] == kind and text in got["text"]
    assert got["closed"]


def test_wrong_chain(world):
    got = against(world, "good-ec", roots=["root2.der"])
    assert got["kind"] == "chain" and "trusted CA" in got["text"]
    assert against(world, "good-ec", roots=["root2.der", "root1.der"])["echo"]


def test_no_root_is_refused_before_a_byte_is_sent(world):
    assert against(world, "good-ec", roots=[])["kind"] == "chain"
    assert against(world, "good-ec", roots=["good-ec.key"])["text"] == "root certificate 1 can not be read"


def test_pem_is_taken_as_well(world):
    assert against(world, "good-ec", roots=["pilotwire-test-root.pem"])["echo"]


def test_ip_address(world):
    assert against(world, "good-ec", host="127.0.0.1")["echo"]
    assert against(world, "good-ec", host="127.0.0.2")["kind"] == "host"


def test_unverified_only_if_asked(world):
    assert against(world, "other-host", roots=[], verify=False)["echo"]


def test_sni_is_sent(world):
    seen = []
    server = context(world)
    server.sni_callback = lambda sock, name, ctx: seen.append(name)
    assert against(world, server)["echo"]
    assert seen == ["localhost"]


# req: SEC-TLS-03
def test_old_tls_only(world):
    server = context(world)
    server.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        server.minimum_version = ssl.TLSVersion.TLSv1
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    assert against(world, server)["kind"] == "version"


def test_new_tls_only(world):
    server = context(world)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    assert against(world, server)["kind"] == "version"


# req: SEC-TLS-04
@pytest.mark.parametrize(
    "files, kind",
    [
        ({"cert": "client.der", "key": "client.key.der"}, None),
        ({"cert": "client.pem", "key": "client.key"}, None),
        ({}, "client"),
        ({"cert": "stranger.der", "key": "stranger.key.der"}, "client"),
        ({"cert": "client.der", "key": "root1.der"}, "client"),
    ],
    ids=["given", "pem", "none", "stranger", "no-key"],
)
def test_client_certificate_demanded(world, files, kind):
    server = context(world)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cafile=world.root.file)
    got = against(world, server, **files)
    assert got.get("kind") == kind, got
    assert kind or (got["echo"] and got["asked"])


# A chain goes out with what vouches for it, whatever the form of the key; of one that mbedTLS could not send, as much as it can.
# req: SEC-CERT-02
@pytest.mark.parametrize("kind, subs, known", [("p256", 1, 0), ("rsa2048", 1, 0), ("p256", 5, 3)], ids=["sec1", "pkcs8", "long"])
def test_client_chain(world, kind, subs, known):
    authorities = [Ca("Clients", dt.datetime.now(dt.UTC))]
    for n in range(subs):
        big = "rsa4096" if subs > 1 else "p256"
        authorities.insert(0, Ca(f"Sub {n}", authorities[0].now, kind=big, parent=authorities[0]))
    key = make_key(kind)
    form = PrivateFormat.TraditionalOpenSSL if kind == "p256" else PrivateFormat.PKCS8
    (world.folder / "chain.key.der").write_bytes(key.private_bytes(Encoding.DER, form, NoEncryption()))
    leaf = authorities[0].sign(key.public_key(), "CP1")
    (world.folder / "chain.pem").write_text(pem(leaf) + "".join(ca.pem for ca in authorities[:-1]))
    server = context(world)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata="".join(ca.pem for ca in authorities[-1 - known :]))
    got = against(world, server, cert="chain.pem", key="chain.key.der")
    assert got.get("echo"), got


# Servers that are none.


def test_closes_in_the_middle(world):
    async def handler(reader, writer):
        await reader.read(10)
        writer.close()

    assert against_raw(world, handler)["kind"] == "closed"


def test_resets_in_the_middle(world):
    async def handler(reader, writer):
        await reader.read(10)
        writer.transport.abort()

    assert against_raw(world, handler)["kind"] == "closed"


@pytest.mark.parametrize("n", [3, 40, 400, 900])
def test_closes_after_some_bytes(world, n):
    """A real server behind a cable that is cut after n bytes."""
    got = through(world, lambda data, sent: data[: max(0, n - sent)], end=n)
    assert got["kind"] == "closed" and got["closed"], got


def test_one_byte_at_a_time(world):
    got = through(world, None, pause=0.001)
    assert got["echo"]


def test_one_byte_a_second_is_given_up_by_the_clock(world):
    got = through(world, None, pause=1, timeout=3)
    assert got["kind"] == "timeout" and got["turns"] > 10 and got["closed"]


def test_never_answers(world):
    async def handler(reader, writer):
        await asyncio.sleep(60)

    got = against_raw(world, handler, timeout=2)
    assert got["kind"] == "timeout" and got["closed"]


def test_speaks_http(world):
    async def handler(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    got = against_raw(world, handler)
    assert got["kind"] == "other" and "does not speak TLS" in got["text"]


def test_speaks_nonsense_in_the_handshake(world):
    def spoil(data, sent):
        return bytes(b ^ 0x55 if sent + i == 300 else b for i, b in enumerate(data))

    got = through(world, spoil)
    assert got["kind"] in ("chain", "other", "suite", "closed"), got


def through(world: World, change, *, end: int = 1 << 30, pause: float = 0, **options) -> dict:
    """A good TLS server behind a proxy that changes, cuts or slows what it sends."""

    async def run() -> dict:
        far = Server(context(world))
        tasks = set()

        async def proxy(reader, writer):
            tasks.add(asyncio.current_task())
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far.port)

            async def up():
                with contextlib.suppress(ConnectionError):
                    while data := await reader.read(4096):
                        far_writer.write(data)

            task = asyncio.ensure_future(up())
            tasks.add(task)
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < end and (data := await far_reader.read(4096)):
                    data = change(data, sent) if change else data
                    for piece in [data[i : i + 1] for i in range(len(data))] if pause and sent < 1400 else [data]:
                        writer.write(piece)
                        await writer.drain()
                        sent += len(piece)
                        await asyncio.sleep(pause)
            writer.close()
            far_writer.close()

        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as listening:
            try:
                return await client(world, listening.sockets[0].getsockname()[1], **options)
            finally:
                for task in tasks:
                    task.cancel()
                far.close()

    return asyncio.run(run())
