"""Settings: what is taken and refused, where secrets may come from, and how they get onto a board."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from unix_board import UnixBoard

from pilotwire import boards, extras, provision, registry, runtime, settings_file
from pilotwire.arguments import UsageError
from pilotwire.build import ROOT, libraries
from pilotwire.errors import PilotwireError

COMMAND = [sys.executable, "-m", "pilotwire.cli", "provision"]
MAIN = b"import time\nwhile True:\n    time.sleep_ms(20)\n"


def command(*arguments, env=None, **options):
    """Runs the real command; returns (status, stdout, stderr)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PILOTWIRE_")}
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60,
        env={**environment, **(env or {})}, **{"stdin": subprocess.DEVNULL, **options},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


TAKEN = [
    ({"maxcurrent": "16"}, {"MaxCurrent": "16"}),
    ({"MaxCurrent": "016"}, {"MaxCurrent": "16"}),
    ({"LocalPreAuthorize": "TRUE"}, {"LocalPreAuthorize": "true"}),
    ({"MeterValuesSampledData": "SoC , Voltage"}, {"MeterValuesSampledData": "SoC,Voltage"}),
    ({"CentralSystemURL": "ws://a:9000/x/"}, {"CentralSystemURL": "ws://a:9000/x"}),
    ({"WifiSsid": "Zürich = 1"}, {"WifiSsid": "Zürich = 1"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), TAKEN, ids=str)
def test_values_are_kept_as_the_firmware_keeps_them(given, kept):
    assert registry.check(given) == kept


REFUSED = [
    ("MaxCurrent", "5", "'5' is no MaxCurrent, it may be 6 to 80"),
    ("MaxCurrent", "12.5", "it may be 6 to 80"),
    ("LocalPreAuthorize", "yes", "it may be true or false"),
    ("ChargePointId", "x" * 49, "it may be 0 to 48 characters"),
    ("ChargePointId", "a:b", "it has a colon"),
    ("CentralSystemURL", "http://a", "its scheme is 'http'"),
    ("NumberOfConnectors", "2", "NumberOfConnectors cannot be set"),
    ("WifiPassword", "x", "there is no setting 'WifiPassword'"),
    ("WifiKey", "k" * 65, "the value is no WifiKey"),
]


@pytest.mark.parametrize(("name", "value", "why"), REFUSED)
def test_values_are_refused(name, value, why):
    with pytest.raises(UsageError) as error:
        registry.check({name: value})
    assert why in str(error.value) and "kkkk" not in str(error.value)


def test_the_rules_are_those_of_the_firmware():
    """Every option, at and beyond its limits, asked of lib/settings in MicroPython."""
    cases = []
    for option in registry.options().values():
        low, _, high = option.range.partition("..")
        longest = int(high or 9)
        texts = {
            "int": ["0", "-1", "x", "1.5", "", "07", low, high, str(longest + 1)],
            "bool": ["true", "False", "1", ""],
        }.get(option.type, ["", "a , b", "x" * longest, "x" * (longest + 1)])
        cases += [(option.name, text) for text in texts if text or option.type != "str"]
    code = f"""
import json, settings
class Store:
    def __init__(self): self.file = None
    def read(self, name): return self.file if name == "settings" else None
    def write(self, name, data): self.file = data
out = []
for name, text in json.loads({json.dumps(cases)!r}):
    store = Store()
    try:
        settings.Settings(store, {str(ROOT / "firmware/settings.txt")!r}).set(name, text)
        out.append((store.file or b"").decode())
    except (settings.SettingError, ValueError):
        out.append(None)
print(json.dumps(out))
"""
    done = runtime.run(["-c", code], path=libraries(ROOT))
    files = json.loads(done.stdout.splitlines()[-1])
    theirs = []
    for (name, _), file in zip(cases, files, strict=True):
        kept = settings_file.load(file.encode()) if file else {}
        theirs.append(None if file is None else kept.get(name, registry.find(name).default))
    ours = []
    for name, text in cases:
        try:
            ours.append(registry.parse(registry.find(name), text))
        except UsageError:
            ours.append(None)
    assert [c for c, a, b in zip(cases, ours, theirs, strict=True) if a != b] == []


def test_a_toml_file_goes_there_and_back(tmp_path):
    path = tmp_path / "settings.toml"
    values = {"WifiSsid": 'he "said" \\ ü', "WifiKey": "s3cret#", "MaxCurrent": "16", "LocalPreAuthorize": "true"}
    provision.to_file(path, values)
    assert provision.read_toml(path) == values
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text('MeterValuesSampledData = ["Power.Active.Import", "Temperature"]\n')
    assert provision.read_toml(path) == {"MeterValuesSampledData": "Power.Active.Import,Temperature"}


@pytest.mark.parametrize(
    ("text", "why"), [("MaxCurrent = ", "is no TOML"), ("[wifi]\nssid = 'a'", "wifi in "), ("MaxCurrent = 1.5", "is no setting")]
)
def test_a_bad_file_is_refused(tmp_path, text, why):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(PilotwireError, match=why):
        provision.read_toml(path)


def test_before_flashing(tmp_path):
    path = tmp_path / "cp1.toml"
    status, out, err = command(
        "--out", path, "--set", "ChargePointId=CP1", "--set", "MaxCurrent=16", env={"PILOTWIRE_WIFI_KEY": "s3cret.key"}
    )
    assert (status, out, err) == (0, f"{path}\n", "")
    assert provision.read_toml(path) == {"ChargePointId": "CP1", "MaxCurrent": "16", "WifiKey": "s3cret.key"}


def test_what_the_command_refuses(tmp_path):
    status, _, err = command("--set", "WifiKey=s3cret.key")
    assert status == 2 and "set PILOTWIRE_WIFI_KEY" in err and "s3cret.key" not in err
    status, _, err = command("--out", tmp_path / "x.toml")
    assert status == 2 and "nobody to ask" in err
    status, out, _ = command("--list", "--json")
    assert status == 0 and {"MaxCurrent", "WifiKey"} <= {row["name"] for row in json.loads(out)}


def test_a_live_board(tmp_path):
    before = settings_file.dump({"MaxCurrent": "10", "WifiSsid": "old", "SetupPassword": "on the box"})
    with UnixBoard(tmp_path, {"/main.py": MAIN, "/data/settings": before}) as board:
        status, out, err = command(
            "--port", board.port, "--set", "MaxCurrent=32", "--set", "ChargePointId=CP 7",
            "--set", "CentralSystemURL=wss://a/b", env={"PILOTWIRE_WIFI_KEY": "line\nfeed\\"},
        )  # fmt: skip
        assert status == 0, err
        assert out == "set CentralSystemURL, ChargePointId, MaxCurrent, WifiKey; the board starts again\n"
        found = board.files()
        # A setting that is back at its default leaves the file.
        wanted = {
            "WifiSsid": "old", "ChargePointId": "CP 7", "CentralSystemURL": "wss://a/b", "WifiKey": "line\nfeed\\",
            "SetupPassword": "on the box",
        }  # fmt: skip
        assert settings_file.load(found["/data/settings"]) == wanted
        assert found["/data/settings.old"] == before
        status, out, err = command("--port", board.port, "--show", "--json")
        assert status == 0 and json.loads(out) == {**wanted, "WifiKey": "(set)", "SetupPassword": "(set)"}
        status, out, _ = command("--port", board.port, "--set", "ChargePointId=CP 7")
        assert out == "nothing had to be changed; the board starts again\n"
        assert board.started(4)


def certificate(folder, name, **changes):
    """A self-signed certificate and its key as PEM files."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=changes.get("days", 9)))
        .add_extension(x509.BasicConstraints(changes.get("ca", True), None), True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    how = changes.get("encryption", serialization.NoEncryption())
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    )
    return cert_path, key_path, made


def test_certificates_tags_and_pulses_on_a_live_board(tmp_path):
    root, _, made = certificate(tmp_path, "root")
    cert, key, own = certificate(tmp_path, "cp1", ca=False)
    (tmp_path / "tags.txt").write_text("# of the house\nC0FFEE01\n\n")
    given = [
        "--root", root, "--client-cert", cert, "--client-key", key, "--tags", tmp_path / "tags.txt", "--tag", "0815",
        "--pulses-per-kwh", 2000,
    ]  # fmt: skip
    board_json = boards.find("esp32-devkitc").text
    with UnixBoard(tmp_path, {"/main.py": MAIN, "/board.json": board_json}) as board:
        status, out, err = command("--port", board.port, *given, "--json")
        assert status == 0, err
        found = board.files()
    said = json.loads(out)
    assert said["files"] == [
        "/board.json", "/data/client.der", "/data/client.key", "/data/locallist", "/data/root1.der",
    ]  # fmt: skip
    assert settings_file.load(found["/data/settings"]) == {"SetupPassword": said["setup_password"]}
    assert found["/data/root1.der"] == made.public_bytes(serialization.Encoding.DER)
    assert found["/data/client.der"] == own.public_bytes(serialization.Encoding.DER)
    assert serialization.load_der_private_key(found["/data/client.key"], None).public_key() == own.public_key()
    config = json.loads(found["/board.json"])
    assert {connector["pulses_per_kwh"] for connector in config["connectors"]} == {2000}
    # The firmware itself looks a tag up in what was written.
    (tmp_path / "locallist").write_bytes(found["/data/locallist"])
    code = f"""
from ocpp16 import local_list
class Store:
    def path(self, name): return {str(tmp_path)!r} + "/" + name
class ChargePoint: store = Store()
print(local_list.find(ChargePoint, "c0ffee01"), local_list.find(ChargePoint, "0815"), local_list.find(ChargePoint, "4711"),
      local_list.version(ChargePoint))
"""
    done = runtime.run(["-c", code], path=[ROOT / "firmware", *libraries(ROOT)])
    assert done.stdout.strip() == "('Accepted', 0, None) ('Accepted', 0, None) None 1"


def test_certificates_that_are_of_no_use(tmp_path):
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    leaf, leaf_key, _ = certificate(tmp_path, "leaf", ca=False)
    old, _, _ = certificate(tmp_path, "old", days=-1)
    _, other_key, _ = certificate(tmp_path, "other")
    _, locked, _ = certificate(tmp_path, "locked", encryption=BestAvailableEncryption(b"x"))
    for given, why in (
        ({"roots": [leaf]}, "is no root certificate"),
        ({"roots": [old]}, "it expired on"),
        ({"roots": [leaf_key]}, "is no certificate"),
        ({"roots": [tmp_path / "none"]}, "no such file"),
        ({"client_cert": leaf}, "belong together"),
        ({"client_cert": leaf, "client_key": other_key}, "is not the key of"),
        ({"client_cert": leaf, "client_key": locked}, "is encrypted"),
        ({"client_cert": leaf, "client_key": leaf}, "is no private key"),
        ({"tags": leaf}, "has over 20 characters"),
    ):
        with pytest.raises(PilotwireError, match=why):
            extras.files(extras.Extras(**given))


def test_questions(tmp_path):
    """On a terminal: Enter keeps what is there, a wrong answer is asked again, the key is not echoed."""
    before = settings_file.dump({"WifiSsid": "old", "ChargePointId": "CP1", "SetupPassword": "on the box"})
    with UnixBoard(tmp_path, {"/main.py": MAIN, "/data/settings": before}) as board:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "--port", board.port], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"}, preexec_fn=lambda: _own(slave),
        )  # fmt: skip
        os.close(slave)
        said = b""
        dialogue = [
            (b"wireless network [old]: ", b"\n"),
            (b"(not shown): ", b"s3cret key\n"),
            (b"wss://: ", b"http://a\n"),
            (b"wss://: ", b"ws://central:9000\n"),
            (b"at the central system [CP1]: ", b"CP2\n"),
            (b"has none (not shown): ", b"k3y of sixteen bytes\n"),
            (b"current in A [32]: ", b"16\n"),
        ]
        for question, answer in dialogue:
            seen = b""
            while question not in seen:
                seen += os.read(master, 1024)
            said += seen
            os.write(master, answer)
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 1024):
                said += chunk
        assert process.wait(30) == 0, said
        os.close(master)
        kept = settings_file.load(board.files()["/data/settings"])
    assert kept == {
        "WifiSsid": "old", "WifiKey": "s3cret key", "CentralSystemURL": "ws://central:9000",
        "ChargePointId": "CP2", "MaxCurrent": "16", "SetupPassword": "on the box", "AuthorizationKey": "k3y of sixteen bytes",
    }  # fmt: skip
    assert b"s3cret.key" not in said and b"its scheme is 'http'" in said


def _own(terminal):
    """Make it the controlling terminal, which getpass opens."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
