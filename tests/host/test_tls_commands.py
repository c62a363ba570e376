"""`pilotwire csms` with TLS and a password, and `pilotwire play` against it, as two people would start them."""

import contextlib
import json
import ssl
import subprocess

import pytest
from ocpp16 import address
from test_cli import COMMAND, run
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pilotwire.arguments import UsageError
from pilotwire.bench.certificates import Authority
from pilotwire.csms import credentials
from pilotwire.errors import PilotwireError

KEY = "00112233445566778899aabbccddeeff"
SCENARIO = "wait registered = Accepted timeout_s=60\n"


@contextlib.contextmanager
def central(*options, env=None):
    """`pilotwire csms` in a process of its own; yields its URL."""
    command = [*COMMAND, "csms", "--port", "0", "--page", "off", "--json", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["data"]["url"].replace("127.0.0.1", "localhost")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(root, server, client) as files."""
    root = Authority(tmp_path_factory.mktemp("tls"))
    return root, root.issue("server"), root.issue("client", client=True)


def served(made, *more):
    _, server, _ = made
    return ("--certificate", server.certificate, "--key", server.key, *more)


def status_of(url, root, *, user="", client=None):
    """HTTP status of a handshake, 101 if it is let in, 0 if TLS fails."""
    context = ssl.create_default_context(cafile=root.file)
    if client:
        context.load_cert_chain(client.certificate, client.key)
    if user:
        url = url.replace("//", f"//{user}@")
    try:
        with connect(f"{url}/CP1", ssl=context, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
            socket.ping().wait(5)
            return 101
    except InvalidStatus as error:
        return error.response.status_code
    except (OSError, EOFError, WebSocketException):  # with TLS 1.3 only what comes next shows it
        return 0


# With a password and a root for clients one of the two is asked for; with the root alone, a certificate.
def test_whom_it_lets_in(made):
    root, _, client = made
    with central(*served(made, "--client-ca", root.file, "--password", "sixteen-letters!")) as url:
        assert url.startswith("wss://")
        assert [status_of(url, root, user=user) for user in ("CP1:sixteen-letters!", "CP1:wrong", "")] == [101, 401, 401]
        assert status_of(url, root, client=client) == 101
    with central(*served(made, "--client-ca", root.file)) as url:
        assert status_of(url, root) == 0
        assert status_of(url, root, client=client) == 101


def played(tmp_path, url, *options, env=None):
    file = tmp_path / "session.scn"
    file.write_text(SCENARIO)
    return run("play", str(file), "--csms", url, "--speed", "0", *map(str, options), env=env)


# req: SEC-AUTH-01, SEC-TLS-02
# The key comes from the environment at both ends: hex in it, bytes on the wire.
def test_a_box_with_a_password(made, tmp_path, monkeypatch):
    monkeypatch.setenv("PILOTWIRE_AUTHORIZATION_KEY", KEY)
    root = made[0]
    with central(*served(made)) as url:
        status, out, err = played(tmp_path, url, "--root", root.file, "--set", "SecurityProfile=2")
        assert status == 0, out + err
        assert KEY not in out


# A wrong root, a wrong password: the report says why, and what to do.
@pytest.mark.exhaustive
def test_why_a_box_is_not_let_in(made, tmp_path):
    root = made[0]
    other = Authority(tmp_path, "other")
    with central(*served(made, "--password", KEY)) as url:
        status, out, _ = played(tmp_path, url, "--root", other.file)
        assert status == 1 and "TLS, chain" in out and "root1.der" in out
        status, out, _ = played(tmp_path, url, "--root", root.file, "--set", "AuthorizationKey=" + KEY[::-1])
        assert status == 1 and "401" in out and "check AuthorizationKey" in out


# req: SEC-TLS-04
@pytest.mark.exhaustive
def test_a_box_with_a_certificate(made, tmp_path):
    root, _, client = made
    known = ("--client-cert", client.certificate, "--client-key", client.key, "--set", "SecurityProfile=3")
    with central(*served(made, "--client-ca", root.file)) as url:
        status, out, err = played(tmp_path, url, "--root", root.file, *known)
        assert status == 0, out + err


def test_what_is_wrong_with_the_files(made, tmp_path):
    _, server, client = made
    pem, key = server.certificate, server.key
    both = tmp_path / "both.pem"
    both.write_text(pem.read_text() + key.read_text())
    assert credentials.server_tls(both, None, None, demand=True)
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked], check=True)
    for files, message in (
        ((None, key, None), "--key is of no use without TLS"),
        ((None, None, pem), "--client-ca is of no use without TLS"),
        ((tmp_path / "none.pem", None, None), "none.pem, no such file"),
        ((key, None, None), "server.key holds no certificate"),
        ((pem, None, None), "holds no private key, give the PEM file with it as --key"),
        ((pem, client.key, None), "client.key is not the key of"),
        ((pem, locked, None), "locked.key is encrypted"),
        ((pem, key, key), "server.key holds no certificate"),
    ):
        with pytest.raises(PilotwireError, match=message):
            credentials.server_tls(*files, demand=True)
    status, _, err = run("csms", "--certificate", str(pem))
    assert status == 1 and err.startswith("pilotwire: ") and err.count("\n") == 1
    status, _, err = run("csms", "--password", "short")
    assert status == 2 and "32 to 40 hex digits" in err


@pytest.mark.parametrize(
    "text, key",
    [(KEY, bytes.fromhex(KEY)), (KEY.upper() + "00FF", bytes.fromhex(KEY + "00ff")), ("sixteen-letters!", b"sixteen-letters!")],
)
def test_a_password_is_what_the_charger_makes_of_it(text, key):
    assert credentials.authorization_key(text) == key == address.key_of(text)


@pytest.mark.parametrize("text", ["", "x" * 15, "x" * 21, "x" * 32, "0" * 33, "0" * 42, "with a blank in it"])
def test_what_is_no_password(text):
    assert address.key_of(text) is None
    with pytest.raises(UsageError):
        credentials.authorization_key(text)
