"""Keys, bundles and where they are put; what a charger makes of a bundle, step by step."""

import hashlib
import os
import random
import re
import shutil
import stat
from pathlib import Path

import bundlecheck
import bundleinstall
import bundlelist
import object_store
import pytest
import requests
import steps
import update_kit as kit
from bundle import BundleError, Complete
from typer.testing import CliRunner

from pilotwire import bundle, image, keys, publish
from pilotwire.cli import app
from pilotwire.errors import PilotwireError


@pytest.fixture(autouse=True)
def ilistdir(monkeypatch):
    """MicroPython's, which CPython has not."""

    def entries(top):
        return iter([(path.name, path.stat().st_mode, 0) for path in Path(top).iterdir()])

    monkeypatch.setattr(os, "ilistdir", entries, raising=False)


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_keys(tmp_path, monkeypatch):
    done = run("keys", "--out", tmp_path / "k")
    assert done.exit_code == 0 and "fingerprint" in done.output
    private = tmp_path / "k/update.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = keys.private(private)
    assert key.key_size == 3072 and (tmp_path / "k/update.pub").read_bytes() == keys.public(key)
    with pytest.raises(PilotwireError, match="is there already"):
        keys.make(tmp_path / "k")
    assert keys.public(keys.private(private)) == keys.public(key)
    private.chmod(0o644)
    with pytest.raises(PilotwireError, match="can be read by others"):
        keys.private(private)
    with pytest.raises(PilotwireError, match="pilotwire keys"):
        keys.private(tmp_path / "none")
    monkeypatch.setenv("PILOTWIRE_KEYS", str(tmp_path / "k"))
    assert keys.for_boards() == keys.public(key)
    monkeypatch.setenv("PILOTWIRE_KEYS", str(tmp_path))
    assert keys.for_boards() is None


def test_bundle_is_read_as_it_was_made(tmp_path):
    data = kit.made()
    found = bundle.read(data)
    assert found.version == kit.NEW and "virtual" in found.head["boards"] and found.head["minimum"] == kit.OLD
    assert found.files == {n[3:]: d for n, d in kit.files().items() if n.startswith("/a/")}
    assert list(found.files)[-1] == "build.json" and not {"boot.py", "main.py"} & set(found.files)
    for broken in (data[:-1], data + b"x", data.replace(b"app.mpy", b"ape.mpy", 1)[: -len(data) // 2], b"", b"{}\n"):
        with pytest.raises(PilotwireError, match="no whole bundle"):
            bundle.read(broken)
    url = publish.put(data, publish.name_of(data), str(tmp_path / "out"))
    assert url == (tmp_path / "out/pilotwire-0.1.1.pwb").as_uri() and (tmp_path / "out/pilotwire-0.1.1.pwb").read_bytes() == data


# Into an object store, as the environment says who we are: what is printed is a signed URL that gives the bundle and its SHA-256.
def test_publish_to_s3(tmp_path, monkeypatch):
    data = kit.made()
    (tmp_path / "f.pwb").write_bytes(data)
    with object_store.served() as port:
        there = object_store.bucket(port, "firmware")
        for name, value in object_store.credentials(port).items():
            monkeypatch.setenv(name, value)
        done = run("publish", "s3://firmware/chargers", "--bundle", tmp_path / "f.pwb")
        assert done.exit_code == 0 and hashlib.sha256(data).hexdigest() in done.output
        assert object_store.objects(there) == {"chargers/pilotwire-0.1.1.pwb": data}
        [url] = re.findall(r"http://127\S+", done.output.replace("\n", ""))
        assert "X-Amz-Signature" in url and "test-secret" not in done.output
        assert requests.get(url, timeout=9).content == data
        with pytest.raises(PilotwireError, match="cannot store the bundle at s3://nobody") as refused:
            publish.put(data, "f.pwb", "s3://nobody/chargers")
        assert "test-secret" not in str(refused.value)


def test_no_board_for_an_image():
    from micropython_images import micropython

    from pilotwire.boards import CHIPS
    from pilotwire.flash.firmware_image import FirmwareImage

    image = FirmwareImage.read(micropython("esp32c3"), CHIPS["esp32c3"])
    with pytest.raises(PilotwireError, match="no board could take this bundle"):
        bundle.make(kit.files(), key=None, image=image)


# -- the charger's side, under CPython


def listed(data, tmp_path, seed=0):
    """The List of a bundle that comes in pieces of random sizes."""
    pieces = random.Random(seed)
    with (tmp_path / "list").open("wb") as out:
        wanted = bundlelist.List(out)
        at = 0
        try:
            while at < len(data):
                n = pieces.randint(1, 1024)
                wanted.write(memoryview(data)[at : at + n])
                at += n
        except Complete:
            return wanted
    raise AssertionError("no signature was found")


@pytest.mark.parametrize("seed", range(5))
def test_list_in_pieces(tmp_path, seed):
    data = kit.made()
    wanted = listed(data, tmp_path, seed)
    found = bundle.read(data)
    assert wanted.head == found.head and wanted.signature == found.signature
    assert data[: wanted.end].endswith(b"\n") and data[wanted.end :] == b"".join(found.files.values())
    steps.run(bundlecheck.verify(wanted, keys.public(kit.key("ours")), False))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"<html>", b"{}\n", b'{"pwb":2}\n', b'{"pwb":1}\n', b"[1]\n", b'{"pwb":"x"}\n', b"x" * 5000,
        b'{"pwb":1,' + b" " * 2000,
        b'{"pwb":1,"version":"1","minimum":"1","mpy":774,"boards":[],"files":0,"bytes":0}\n',
        b'{"pwb":1,"version":"1","minimum":"1","mpy":774,"boards":[],"files":1,"bytes":0}\n["../x",0,"' + b"0" * 64 + b'"]\n',
        b'{"pwb":1,"version":"1","minimum":"1","mpy":774,"boards":[],"files":1,"bytes":9}\n["x",0,"' + b"0" * 64 + b'"]\n\n',
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_list(tmp_path, text):
    with pytest.raises((BundleError, AssertionError)):
        listed(text, tmp_path)


@pytest.mark.parametrize(
    "kind,options",
    [
        ("board", {"board": "other"}), ("mpy", {"mpy": 775}), ("version", {"least": "0.1.2"}), ("version", {"least": "1"}),
        ("size", {"size": 1000}), (None, {"least": "0.1.1"}), (None, {"least": ""}), (None, {"least": "0.1.0", "pair": True}),
    ],
)  # fmt: skip
def test_check(tmp_path, kind, options):
    wanted = listed(kit.made(), tmp_path)
    asked = {"board": "virtual", "mpy": wanted.head["mpy"], "least": "", "pair": False} | options
    if kind is None:
        bundlecheck.check(wanted, **asked)
        return
    with pytest.raises(BundleError) as refused:
        bundlecheck.check(wanted, **asked)
    assert refused.value.kind == kind


def test_version_numbers():
    assert bundlecheck.number("1.20.3rc1") == [1, 20, 3] and bundlecheck.number("0.10.0") > bundlecheck.number("0.9.9")


# A slot that is empty, half there, with leftovers, whole: in the end it is the new version, and what was there is not sent again.
# Each file takes at least a block of flash, however small: a firmware of too many files can not be updated on 4 MB any more. Two
# versions must find room there beside a list of 1,000 tags, settings, and the list of the bundle (which is there meanwhile).
def test_there_is_room_for_two_versions_and_a_long_list():
    new = kit.files(kit.NEW, "b")
    content = kit.files() | {name: data for name, data in new.items() if name.startswith("/b/")}
    content |= {"/board.json": kit.BOARD, "/slot": b"a1b0", keys.ON_BOARD: keys.public(kit.key("ours"))}
    content |= {"/data/settings": bytes(1000), "/data/settings.old": bytes(1000), "/data/update.list": bytes(90 * len(new))}
    content["/data/locallist"] = bytes(9 + 46 * 1000)
    image.make_flash(content)  # PilotwireError: it is full


HALF = 3  # files


@pytest.mark.parametrize("state", ["empty", "half", "leftovers", "whole"])
def test_install(tmp_path, state):
    data, slot = kit.made(), tmp_path / "b"
    wanted = listed(data, tmp_path)
    files = bundle.read(data).files
    names = list(files)
    there = {"empty": [], "half": names[:HALF], "leftovers": names, "whole": names}[state]
    for name in there:
        (slot / name).parent.mkdir(parents=True, exist_ok=True)
        (slot / name).write_bytes(files[name])
    if state == "leftovers":
        (slot / "gone.mpy").write_bytes(b"x")
        (slot / names[3]).write_bytes(b"changed")
    install = bundleinstall.Install(str(tmp_path / "list"), str(slot), None)
    offset = steps.run(install.begin())
    whole = state == "whole"
    assert (slot / "build.json").exists() == whole and not (slot / "gone.mpy").exists()
    known = sum(len(files[name]) for name in (names[:HALF] if state == "half" else names[:3] if state == "leftovers" else there))
    assert offset == known
    rest = data[wanted.end + offset :]
    last = len(rest) - len(files["build.json"])  # with its last byte before this the file begins
    for at in range(0, len(rest), 1000):
        assert (slot / "build.json").exists() == whole or at >= last
        install.write(memoryview(rest)[at : at + 1000])
    install.finish()
    found = {path.relative_to(slot).as_posix(): path.read_bytes() for path in slot.rglob("*") if path.is_file()}
    assert found == files
    shutil.rmtree(slot)


def test_install_of_too_little_and_too_much(tmp_path):
    data = kit.made()
    wanted = listed(data, tmp_path)
    install = bundleinstall.Install(str(tmp_path / "list"), str(tmp_path / "b"), None)
    steps.run(install.begin())
    install.write(memoryview(data)[wanted.end : -10])
    with pytest.raises(BundleError, match=r"ends in build\.json"):
        install.finish()
    with pytest.raises(BundleError, match="more than its list says"):
        install.write(memoryview(data)[-10:])
        install.write(b"x")
    install.close()
