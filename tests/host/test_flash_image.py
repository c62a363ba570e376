"""MicroPython images: what is refused and why; fingerprints; the official download, from a site of our own."""

import functools
import hashlib
import http.server
import json
import sys
import threading

import micropython_images as images
import pytest

from pilotwire.boards import CHIPS
from pilotwire.errors import PilotwireError
from pilotwire.flash import source
from pilotwire.flash.firmware_image import FirmwareImage
from pilotwire.image import BLOCK, BOARD_8MB, parse_partition_table, partition_table

ESP32 = CHIPS["esp32"]
GOOD = images.micropython()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PILOTWIRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("version", ["1.23.0", "1.29.0", "1.29.0-preview.12.g5a5907f567"])
def test_a_good_image(chip, version):
    found = FirmwareImage.read(images.micropython(chip, version=version), CHIPS[chip])
    assert (found.version, found.warning) == (version, "")
    assert [p.name for p in found.partitions] == ["nvs", "phy_init", "factory"]


def test_a_newer_one_is_taken_with_a_warning():
    assert "1.31.0 is newer than 1.29" in FirmwareImage.read(images.micropython(version="1.31.0"), ESP32).warning


def damaged(at):
    data = bytearray(GOOD)
    data[at] ^= 1
    return bytes(data)


REFUSED = {
    "nothing": (b"", "it is no image of an ESP32"),
    "text": (b"<html>404 not found</html>" * 10, "it is no image of an ESP32"),
    "other chip": (images.micropython("esp32s3"), "it is for ESP32-S3, the board has ESP32"),
    "app alone": (images.esp_image("esp32", b"MicroPython v1.29.0 on" * 9000), "without boot loader and partition table"),
    "cut": (GOOD[: 0x10000 - 0x1000], "it ends before the app at 0x10000"),
    "cut in the app": (GOOD[:-2000], "its app is damaged"),
    "one bit in the app": (damaged(0x10000 - 0x1000 + 500), "its app is damaged"),
    "one bit in the loader": (damaged(100), "its boot loader is damaged"),
    "no micropython": (GOOD[: 0x10000 - 0x1000] + images.esp_image("esp32", b"blink" * 999), "it is not MicroPython"),
    "too old": (images.micropython(version="1.22.2"), "MicroPython 1.22.2 is too old to read .mpy version 6.3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_image_is_refused(case):
    data, why = REFUSED[case]
    with pytest.raises(PilotwireError) as error:
        FirmwareImage.read(data, ESP32, "x.bin")
    assert error.value.what == "cannot use x.bin" and why in error.value.why
    assert "micropython.org/download/ESP32_GENERIC" in error.value.do


def test_our_table_takes_the_place_of_its_own():
    image = FirmwareImage.read(GOOD, ESP32)
    made = image.with_table(partition_table(BOARD_8MB))
    assert len(made) == len(GOOD)
    assert made[: 0x8000 - 0x1000] == GOOD[: 0x8000 - 0x1000] and made[0x10000 - 0x1000 :] == GOOD[0x10000 - 0x1000 :]
    assert tuple(parse_partition_table(made[0x8000 - 0x1000 :])) == BOARD_8MB
    assert set(made[0x8000 - 0x1000 + BLOCK : 0x10000 - 0x1000]) == {0xFF}, "nvs and otadata start empty"


def load(path, **options):
    return source.load(ESP32, path, **{"trust": False, "say": lambda _: None, "progress": lambda *_: None, **options})


def test_the_fingerprint_of_the_first_use_is_compared(tmp_path, cache):
    path = tmp_path / "ESP32_GENERIC-20260801-v1.29.0.bin"
    path.write_bytes(GOOD)
    said = []
    load(path, say=said.append)
    noted = json.loads((cache / "images.json").read_text())[path.name]
    assert noted["sha256"] == hashlib.sha256(GOOD).hexdigest() and noted["sha256"][:16] in said[-1]
    load(path, say=said.append)
    assert f"as used on {noted['first_used']}" in said[-1]
    path.write_bytes(images.micropython(size=24000))
    with pytest.raises(PilotwireError, match=r"is not the image that was used before.*--trust-image"):
        load(path)
    load(path, trust=True)
    load(path)


def test_an_image_that_is_not_there(tmp_path):
    with pytest.raises(PilotwireError, match=r"cannot read the image .*none.bin, no such file"):
        load(tmp_path / "none.bin")


# ---------------------------------------------------------------------------- the official download


class Site(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The download pages as micropython.org has them, as far as mpflash reads them."""
    pytest.importorskip("mpflash")
    root = tmp_path / "site"
    firmware = root / "resources" / "firmware"
    firmware.mkdir(parents=True)
    (root / "download").mkdir()
    names = [
        "ESP32_GENERIC-20261001-v1.30.0-preview.77.g1234567890.bin",
        "ESP32_GENERIC-20260801-v1.29.0.bin",
        "ESP32_GENERIC-20260901-v1.29.1.bin",
        "ESP32_GENERIC-SPIRAM-20260901-v1.29.1.bin",
        "ESP32_GENERIC-20260401-v1.28.0.bin",
    ]
    for name in names:
        version = name.split("-v")[1].split("-")[0].removesuffix(".bin")
        (firmware / name).write_bytes(images.micropython(version=version))
    links = "".join(f'<a href="/resources/firmware/{name}">{name}</a>' for name in names)
    (root / "download" / "index.html").write_text('<a class="board-card" href="ESP32_GENERIC">ESP32</a>')
    (root / "download" / "ESP32_GENERIC").write_text(links)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Site, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PILOTWIRE_DOWNLOADS", f"http://127.0.0.1:{server.server_port}/")
    yield firmware
    server.shutdown()
    server.server_close()


def test_the_newest_supported_release_is_downloaded_once(site, cache):
    said, bars = [], []
    image = load(None, say=said.append, progress=lambda *bar: bars.append(bar))
    assert image.version == "1.29.1" and "ESP32_GENERIC-20260901-v1.29.1.bin" in said[0]
    assert bars[-1] == ("downloading", len(image.data), len(image.data))
    assert (cache / "ESP32_GENERIC-v1.29.1.bin").read_bytes() == image.data
    for path in site.iterdir():
        path.unlink()
    assert load(None).data == image.data


def test_a_download_that_is_no_image_stays_out_of_the_cache(site, cache):
    (site / "ESP32_GENERIC-20260901-v1.29.1.bin").write_bytes(GOOD[:-3000])
    with pytest.raises(PilotwireError, match="its app is damaged"):
        load(None)
    (site / "ESP32_GENERIC-20260901-v1.29.1.bin").unlink()
    with pytest.raises(PilotwireError, match="the site answers 404"):
        load(None)
    assert not list(cache.glob("*.bin"))


def test_a_site_that_does_not_answer(monkeypatch):
    from_web = pytest.importorskip("mpflash.download.from_web")
    from_web.get_page.cache_clear()
    from_web.get_board_urls.cache_clear()
    monkeypatch.setenv("PILOTWIRE_DOWNLOADS", "http://127.0.0.1:9/")
    with pytest.raises(PilotwireError) as error:
        load(None)
    assert error.value.what == "cannot download MicroPython for ESP32"
    assert error.value.do.endswith("name the file with --image")


def test_without_mpflash_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpflash.download", None)
    with pytest.raises(PilotwireError, match=r"pip install 'pilotwire\[download\]'"):
        load(None)
