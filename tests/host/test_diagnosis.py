"""The parts of `pilotwire doctor`: pilot, start, central system, and the repair of a file system."""

import contextlib
import datetime as dt
import json
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mock_chip import MockChip

from pilotwire import boards, build, image, runtime, settings_file
from pilotwire.diagnosis import central, pilot, repair, start
from pilotwire.errors import PilotwireError
from pilotwire.sim.process import stand_ins

BOARD = boards.find("esp32-devkitc")

# ---------------------------------------------------------------------------- pilot

GOOD = [[2690, 2700, 2710], [290, 300, 310]]
PILOTS = [
    (GOOD, "ok", "+12.0 V and -12.0 V"),
    ([[2390, 2400, 2410], [290, 300, 310]], "warning", "a car is plugged in"),
    ([[2090, 2100, 2110], [290, 300, 310]], "warning", "a car is plugged in"),
    ([[1500, 1510, 1520], [1480, 1490, 1500]], "error", "it does not follow"),
    ([[2600, 2700, 2720], [290, 300, 310]], "warning", "120 mV of noise"),
    ([[2790, 2800, 2810], [290, 300, 310]], "error", "+13.0 V"),
    ([[2690, 2700, 2710], [190, 200, 210]], "error", "-13.0 V"),
]


@pytest.mark.parametrize(("levels", "level", "text"), PILOTS, ids=lambda v: str(v)[:20])
def test_pilot(levels, level, text):
    (found,) = pilot.judge(BOARD.config, [levels])
    assert found.level == level and text in found.text and bool(found.do) == (level != "ok")


def test_the_pilot_is_asked_in_words_that_the_board_knows(tmp_path):
    """The code that the board runs, on the stand-ins of the chip."""
    board = json.loads((build.ROOT / "boards/virtual/board.json").read_text())
    (tmp_path / "board.json").write_text(json.dumps(board))
    code = pilot.ASK.replace("/board.json", f"{tmp_path}/board.json")
    wires = f"import json, wire\nwire.load(json.load(open({str(tmp_path / 'board.json')!r})))\n"
    done = runtime.run(["-c", wires + code + "\nprint(json.dumps(pilot))"], path=[stand_ins()])
    found = json.loads(done.stdout)
    assert len(found) == 2 and all(len(levels) == 2 and len(levels[0]) == 3 for levels in found)
    assert [finding.level for finding in pilot.judge(board, found)] == ["ok", "ok"], found


# ---------------------------------------------------------------------------- start


def report(**fields):
    whole = {"version": "0.1.0", "slot": "a", "registered": None, "online": False, "queue": 0, "connectors": [{"fault": None}]}
    return b"@" + json.dumps(whole | fields).encode() + b"\r\n"


STARTS = [
    (report() + report(registered="Accepted", online=True, queue=3), True, ["ok", "ok", "ok"], "3 messages wait"),
    (report() + b"W link: wss://a: TLS, chain: not ours\r\n", True, ["ok", "ok", "error"], "TLS, chain: not ours"),
    (report(registered="Pending", online=True), False, ["ok", "ok", "warning"], "registration Pending"),
    (report(), False, ["ok", "ok", "warning"], "did not get to the central system"),
    (report(connectors=[{"fault": "weld"}]), False, ["ok", "ok", "error", "warning"], "fault weld"),
    (b"Traceback\r\nImportError: no module named 'app'\r\n>>> ", True, ["error"], "no module named 'app'"),
    (report(setup={"network": "pilotwire-1"}), True, ["ok", "warning"], "set-up mode"),
    (b"nothing of use\r\n", False, ["error"], "does not report itself"),
]


@pytest.mark.parametrize(("said", "done", "levels", "text"), STARTS, ids=lambda v: str(v)[:24])
def test_start(said, done, levels, text):
    seen = start.Start()
    for n in range(0, len(said), 7):
        seen.feed(said[n : n + 7])
    found = list(seen.findings())
    assert seen.done == done and [finding.level for finding in found] == levels
    assert any(text in finding.text for finding in found)
    assert all(finding.do for finding in found if finding.level != "ok")


# ---------------------------------------------------------------------------- central system


class Issuer:
    """An authority, and servers with certificates of it."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign("authority", self.key.public_key(), [], days=99, ca=True)

    def _sign(self, name, public, names, *, days, ca=False):
        subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, n)]) for n in (name, "authority"))
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=100)).not_valid_after(now + dt.timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return builder.sign(self.key, hashes.SHA256())

    @property
    def der(self):
        return self.root.public_bytes(serialization.Encoding.DER)

    @contextlib.contextmanager
    def server(self, name="localhost", *, days=90, suites=None):
        """A TLS server that shakes hands; yields its URL."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.folder / "server.pem"
        text = self._sign(name, key.public_key(), [name], days=days).public_bytes(serialization.Encoding.PEM)
        text += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(text)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if suites:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(suites)
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        line, _ = listening.accept()
                        with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as secured:
                            secured.recv(1)

            threading.Thread(target=serve, daemon=True).start()
            yield f"wss://localhost:{listening.getsockname()[1]}/ocpp"
            listening.shutdown(socket.SHUT_RDWR)


SERVERS = [
    ({}, True, "ok", "vouch for localhost"),
    ({}, False, "error", "unable to get local issuer certificate"),
    ({"days": -1}, True, "error", "expired"),
    ({"days": 5}, True, "warning", "expires on"),
    ({"name": "other.example"}, True, "error", "ostname mismatch"),
    ({"suites": "ECDHE+AES256:!AESGCM"}, True, "error", "no TLS 1.2 with ECDHE and AES-GCM"),
]


@pytest.mark.parametrize(("server", "known", "level", "text"), SERVERS, ids=str)
def test_tls(server, known, level, text, tmp_path):
    issuer = Issuer(tmp_path)
    with issuer.server(**server) as url:
        reached, tls = central.look(url, [issuer.der] if known else [])
    assert reached.level == "ok" and reached.text.startswith("localhost:")
    assert tls.level == level and text in tls.text and bool(tls.do) == (level != "ok")


def test_tls_with_another_authority(tmp_path):
    with Issuer(tmp_path).server() as url:
        _, tls = central.look(url, [Issuer(tmp_path).der])
    assert tls.level == "error" and "pilotwire provision --root" in tls.do


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    (found,) = central.look(f"ws://127.0.0.1:{port}", [])
    assert found.level == "error" and "connection refused" in found.text
    (found,) = central.look("ws://no-such-host.invalid", [])
    assert found.level == "error" and "nobody knows the name" in found.text


# ---------------------------------------------------------------------------- repair

SETTINGS = settings_file.dump({"WifiSsid": "home", "ChargePointId": "CP1", "SntpServer": "x" * 60, "CentralSystemURL": "ws://a"})
CALIBRATED = BOARD.text.replace(b"2700", b"2718")
FILES = {
    "/boot.py": b"#", "/main.py": b"#", "/slot": b"b", "/board.json": CALIBRATED, "/update.pub": b"key of this board",
    "/b/app.mpy": b"old", "/data/settings": SETTINGS, "/data/root1.der": b"\x30" * 700, "/data/locallist": b"\1" * 300,
}  # fmt: skip
VFS = image.partition(image.BOARD_4MB, "vfs")


def written(files=FILES):
    return bytearray(image.make_vfs(files, VFS.size))


def test_a_sound_file_system():
    found = repair.salvage(bytes(written()))
    assert found.sound and found.files == FILES


def test_settings_of_a_file_system_that_cannot_be_mounted():
    vfs = written()
    vfs[: 2 * image.BLOCK] = bytes(2 * image.BLOCK)  # both superblocks
    found = repair.salvage(bytes(vfs))
    assert not found.sound and found.files == {"/data/settings": SETTINGS}


def test_a_file_that_is_missing():
    found = repair.salvage(bytes(written({name: data for name, data in FILES.items() if name != "/main.py"})))
    assert found.lost == ["/main.py is missing"] and found.files["/data/settings"] == SETTINGS


def doctor(mock, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pilotwire.cli", "doctor", "--repair", "--port", mock.port, *arguments],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_board_that_cannot_be_told():
    with pytest.raises(PilotwireError, match="is lost, name it with --board"):
        repair._board(repair.Salvage(), None)
    found = repair._board(repair.Salvage(FILES), None)
    assert found.id == "esp32-devkitc" and found.text == CALIBRATED


def test_a_charger_of_production_stays_closed():
    made = build.files()
    closed = build.production(made)
    assert repair._firmware(repair.Salvage({"/main.py": made["/main.py"]})) == made
    assert repair._firmware(repair.Salvage({"/main.py": closed["/main.py"]})) == closed
    assert repair._firmware(repair.Salvage()) == closed


@pytest.mark.exhaustive
def test_the_ledger_outlives_a_repair(tmp_path):
    """Over the boot loader; with a small file system, since the mock needs a second for each 20 KB that are read."""
    board = boards.find("esp32-c3-devkit")
    table = [p if p.name != "vfs" else image.Partition("vfs", 1, 0x81, p.offset, 0xC0000) for p in image.BOARD_4MB]
    vfs, ledger = image.partition(table, "vfs"), image.partition(table, "ledger")
    damaged = bytearray(image.make_vfs(FILES, vfs.size))
    damaged[: 2 * image.BLOCK] = bytes(2 * image.BLOCK)
    with MockChip("esp32c3", tmp_path) as mock:
        with mock.file.open("r+b") as file:
            for offset, data in (
                (0x8000, image.partition_table(table)), (vfs.offset, damaged), (ledger.offset, b"transactions" * 1000),
            ):  # fmt: skip
                file.seek(offset)
                file.write(data)
        before = mock.flash()
        status, out, err = doctor(mock, "--board", "esp32-c3-devkit")
        assert status == 0, err
        assert "kept: /data/settings" in out and "the ledger was not touched" in out
        after = mock.flash()
    assert after[: vfs.offset] == before[: vfs.offset] and after[ledger.offset :] == before[ledger.offset :]
    (tmp_path / "flash.bin").write_bytes(after[image.FLASH_START :])
    with image.FlashFile(tmp_path / "flash.bin") as files:
        assert files.read("/data/settings") == SETTINGS and files.read("/board.json") == board.text
        assert files.exists("/a/modules.pack") and files.read("/slot") == b"a"


def test_what_is_no_charger_is_not_repaired(tmp_path):
    with MockChip("esp32c3", tmp_path) as mock:
        status, _, err = doctor(mock)
        assert status == 1 and "this is no pilotwire charger" in err and set(mock.flash()) == {0xFF}
