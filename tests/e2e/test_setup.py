"""Set-up mode of the charger: over its access point, which is on the loopback here, and in a browser."""

import asyncio
import http.client
import re
import shutil
import socket
import urllib.parse

import pytest

from pilotwire import settings_file
from pilotwire.image import FlashFile

OURS = "192.168.4.1"
# The line that must not be crossed; set-up mode stays well below it, since nothing else is there.
HEAP = 104 * 1024
WORDS = {"WifiSsid": "Zuhause & Co", "WifiKey": "geheim+genug&100%", "ChargePointId": "E2E-1", "MaxCurrent": "16"}


async def entered(bench):
    """Waits for set-up mode; returns what the charger says of it."""
    await bench.do("wait", until={"setup": {"address": f"http://{OURS}/"}, "listens": {"80": {">=": 1}, "53": {">=": 1}}})
    return bench.box.state()["setup"]


async def ask(bench, method="GET", path="/", *, host=OURS, fields=None):
    """(status, headers, text) of a request."""

    def request():
        line = http.client.HTTPConnection("127.0.0.1", bench.box.state()["listens"]["80"], timeout=30)
        body = None if fields is None else urllib.parse.urlencode(fields)
        headers = {"Host": host} | ({} if body is None else {"Content-Type": "application/x-www-form-urlencoded"})
        line.request(method, path, body, headers)
        answer = line.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read().decode()
        line.close()
        return found

    return await asyncio.to_thread(request)


async def token(bench):
    return re.search(r'name="token" value="(\w+)"', (await ask(bench))[2])[1]


def kept(bench):
    with FlashFile(bench.path / "flash.bin") as files:
        return settings_file.load(files.read("/data/settings"))


async def registers(bench):
    """After "Saved": again, with the heap that the charge point has."""
    await bench.stop()
    await bench.start()
    await bench.stop()


async def test_a_charger_that_knows_nothing(bench):
    bench.settings.clear()
    await bench.start(wait=False, url="", heap=HEAP)
    said = await entered(bench)
    assert said["network"] == "pilotwire-000001" and re.fullmatch(r"[a-z1-9]{10}", said["password"])

    # Phones look for a captive portal under a name of theirs.
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(30)
        question = b"\1\2\1\0\0\1\0\0\0\0\0\0\7captive\5apple\3com\0\0\1\0\1"
        asking.sendto(question, ("127.0.0.1", bench.box.state()["listens"]["53"]))
        assert (await asyncio.to_thread(asking.recv, 512))[-4:] == bytes(map(int, OURS.split(".")))
    for host, path in (("captive.apple.com", "/hotspot-detect.html"), ("example.com", "/"), (OURS, "/generate_204")):
        status, headers, _ = await ask(bench, path=path, host=host)
        assert (status, headers["Location"]) == (302, f"http://{OURS}/")

    good = {**WORDS, "CentralSystemURL": bench.central.url, "token": await token(bench)}
    assert (await ask(bench, "POST", fields=good | {"token": "0" * 16}))[0] == 403
    status, _, text = await ask(bench, "POST", fields=good | {"MaxCurrent": "99"})
    assert status == 422 and "MaxCurrent is outside 6..80" in text and "Zuhause &amp; Co" in text
    assert "geheim" not in text
    status, _, text = await ask(bench, "POST", fields=good)
    assert status == 200 and "Saved" in text and "Zuhause &amp; Co" in text

    await registers(bench)
    assert kept(bench) == {
        **{name: good[name] for name in good if name != "token"}, "SetupPassword": said["password"],
    }  # fmt: skip
    lines = [event.what for event in bench.events if event.who == "firmware"]
    assert not any(secret in line for line in lines for secret in (said["password"], WORDS["WifiKey"]))


async def test_the_button_held_at_the_start(bench):
    await bench.start(settings={"WifiKey": "do not show", "SetupPassword": "of my choice"})
    await bench.do("power", on=False)
    await bench.do("button", seconds=600)
    await bench.do("power", on=True)
    said = await entered(bench)
    await bench.do("button", seconds=0.1)  # let go, or the next start would lead here again
    assert said["password"] == "of my choice"
    _, _, text = await ask(bench)
    assert bench.central.url in text and "do not show" not in text and "of my choice" not in text
    fields = dict(re.findall(r'<input name="(\w+)" type="\w+" value="([^"]*)"', text))
    fields |= dict(re.findall(r'<select name="(\w+)".*?<option selected>(\w+)', text))
    assert (await ask(bench, "POST", fields=fields | {"token": await token(bench)}))[0] == 200
    await bench.do("wait", until={"registered": "Accepted"}, timeout_s=60)
    await bench.stop()
    assert kept(bench) == bench.settings, "the whole page was sent as it was, and nothing has changed"


@pytest.mark.exhaustive
async def test_in_a_browser(bench):
    """Chromium opens any page, lands on ours, makes a mistake, mends it, and the charger registers."""
    from playwright.async_api import async_playwright

    browser_path = shutil.which("chromium")
    assert browser_path, "Chromium is missing: `make apt` installs it"
    bench.settings.clear()
    await bench.start(wait=False, url="", heap=HEAP)
    await entered(bench)
    port = bench.box.state()["listens"]["80"]
    async with async_playwright() as playwright:
        # What the name server and the access point do: every name is the charger.
        rules = f"MAP *:80 127.0.0.1:{port}, MAP * ~NOTFOUND"
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        try:
            page = await browser.new_page()
            await page.goto("http://connectivitycheck.gstatic.com/generate_204")
            assert page.url == f"http://{OURS}/" and await page.title() == "pilotwire set-up"
            await page.get_by_label("Name of the wireless network").fill(WORDS["WifiSsid"])
            await page.get_by_label("Its password").fill(WORDS["WifiKey"])
            await page.get_by_label("Central system, ws:").fill("central system")
            await page.get_by_label("Identity of this charger").fill("E2E-1")
            await page.get_by_role("button").click()
            alert = page.get_by_role("alert")
            assert "CentralSystemURL" in await alert.inner_text()
            assert await page.get_by_label("Name of the wireless network").input_value() == WORDS["WifiSsid"]
            await page.get_by_label("Central system, ws:").fill(bench.central.url)
            await page.get_by_label("Its password").fill(WORDS["WifiKey"])
            await page.get_by_text("Everything else").click()
            await page.get_by_label("LocalPreAuthorize").select_option("true")
            await page.get_by_role("button").click()
            await page.get_by_role("heading", name="Saved").wait_for()
        finally:
            await browser.close()
    await registers(bench)
    found = kept(bench)
    assert found["WifiKey"] == WORDS["WifiKey"] and found["LocalPreAuthorize"] == "true"
