"""The bench page in Debian's Chromium, with a real wallbox and a central system: what a person does, by clicks and keys."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from playwright.async_api import async_playwright, expect

from pilotwire.csms.summary import summary
from pilotwire.page import Bench, PageServer
from pilotwire.page.depot import Depot

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Real milliseconds that the page may take to show something, on a machine that is busy.
PATIENCE_MS = 30_000

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: `make apt` installs it"),
]


@contextlib.asynccontextmanager
async def opened(bench, *, width=1440, height=1000, speed=20.0, depot=None):
    """The page of a bench whose box is up, in a browser of its own; nothing may be wrong on the console at the end."""
    shown = Bench(bench.central, depot)
    took = bench.note

    def note(event):
        took(event)
        if event.who != "central":
            shown.note("E2E-1", event)

    bench.note = note
    await bench.start(speed=speed, files=depot.for_boards() if depot else {})
    shown.add("E2E-1", bench.box)
    complaints = []
    async with PageServer(shown, port=0) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(server.url)
        await expect(page.locator("#left h2")).to_contain_text("E2E-1", timeout=PATIENCE_MS)
        yield page
        await browser.close()
    assert complaints == []


def status(page):
    return page.locator(".connector h3 .pill")


async def has(locator, text):
    await expect(locator).to_have_text(text, timeout=PATIENCE_MS)


async def charge(page):
    await page.click("[data-do=plug]")
    await has(status(page), "Preparing")
    await page.click("[data-do=tag]")
    await has(status(page), "Charging")


async def leave(page):
    await page.click("[data-do=tag]")
    await has(status(page), "Finishing")
    await expect(page.locator(".scheme")).not_to_have_class(re.compile("locked"), timeout=PATIENCE_MS)
    await page.click("[data-do=unplug]")
    await has(status(page), "Available")


async def test_a_session_by_clicks_is_recorded_and_replayed_headless_with_the_same_result(bench, tmp_path):
    async with opened(bench) as page:
        await page.click("#record")
        await expect(page.locator("#record")).to_contain_text("Recording E2E-1", timeout=PATIENCE_MS)
        await charge(page)
        await expect(page.locator(".scheme")).to_have_class(re.compile("flowing"), timeout=PATIENCE_MS)
        await expect(page.locator(".message b", has_text="StartTransaction").first).to_be_visible(timeout=PATIENCE_MS)
        await bench.passes(120)
        await leave(page)
        await bench.told(lambda c: c.transactions[1].stops)
        # A message opens on a click, as pretty JSON.
        row = page.locator(".message", has_text="StopTransaction").first
        await row.locator(".head").click()
        await expect(row.locator(".json")).to_contain_text('"meterStop"')
        await page.click("#record")
        text = await page.locator("#scenario textarea").input_value()
    first = summary(bench.charger)
    assert first["started"] == first["stopped"] == 1 and first["energy_wh"] > 100
    file = tmp_path / "recorded.scn"
    file.write_text(text)
    command = [sys.executable, "-m", "pilotwire.cli", "play", file, "--json", "--speed", "100"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=90, env=os.environ)
    assert done.returncode == 0, text + done.stderr[-3000:]
    again = json.loads(done.stdout)["central"]
    assert [again[k] for k in ("started", "stopped", "duplicates", "schema_errors")] == [1, 1, 0, 0]
    assert abs(again["energy_wh"] - first["energy_wh"]) <= max(first["energy_wh"] // 20, 20)
    assert again["statuses"] == first["statuses"]


async def test_a_schedule_is_drawn_and_the_current_follows(bench):
    async with opened(bench) as page:
        await charge(page)
        await has(page.locator(".phase b").first, "32.0 A")
        await page.get_by_role("tab", name="Schedule").click()
        handle = page.locator(".schedule .handle").first
        await handle.focus()
        for _ in range(6):
            await page.keyboard.press("ArrowDown")
        await expect(handle).to_have_attribute("aria-valuenow", "10")
        await page.click("[data-do=schedule]")
        await expect(page.locator(".answer:visible")).to_contain_text("Accepted", timeout=PATIENCE_MS)
        await has(page.locator(".phase b").first, "10.0 A")
        await has(page.locator(".plain .least td").first, "ocpp")
        assert 9500 <= bench.state()["drawn_ma"][0] <= 10000


async def test_the_power_is_cut_and_the_transaction_survives(bench):
    async with opened(bench) as page:
        await charge(page)
        await bench.told(lambda c: c.transactions)
        await page.click("[data-do=power]")
        await expect(page.locator("#left h2")).to_contain_text("power off", timeout=PATIENCE_MS)
        assert bench.state()["closed"] is False
        await page.click("[data-do=power]")
        await expect(page.locator("#left h2")).to_contain_text("power on", timeout=PATIENCE_MS)
        await page.get_by_role("tab", name="Transactions").click()
        await expect(page.locator("[role=tabpanel]:visible tbody tr")).to_contain_text("PowerLoss", timeout=PATIENCE_MS)
        assert [(t.starts, t.stops) for t in bench.charger.transactions.values()] == [(1, 1)]


async def test_configuration_faults_and_answers_by_hand(bench):
    bench.allowed.append("rcd")
    async with opened(bench) as page:
        await page.get_by_role("tab", name="Configuration").click()
        await page.get_by_role("button", name="Ask the charger").click()
        value = page.get_by_label("HeartbeatInterval")
        await value.fill("120")
        await value.press("Enter")
        await expect(page.locator("tr[data-key=HeartbeatInterval]")).to_contain_text("Accepted", timeout=PATIENCE_MS)
        await page.get_by_role("tab", name="Answers").click()
        await page.get_by_label("how Authorize is answered").select_option("refuse")
        await bench.told(lambda c: "Authorize" in c.central.mischief.rules)
        await page.click("[data-do=plug]")
        await has(status(page), "Preparing")
        # The keyboard is enough.
        await page.get_by_label("RFID tag").fill("BADBAD01")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message .gist", has_text="Blocked").first).to_be_visible(timeout=PATIENCE_MS)
        assert bench.state()["closed"] is False
        # A request for what is not possible says why.
        await page.get_by_role("tab", name="Send").click()
        await page.get_by_label("action", exact=True).select_option("RemoteStopTransaction")
        await page.get_by_label("transactionId", exact=True).fill("99")
        await page.click("[data-do=call]")
        await expect(page.locator(".answer:visible")).to_contain_text("Rejected", timeout=PATIENCE_MS)
        await page.click("[data-kind=emergency]")
        await has(status(page), "Faulted")
        await page.click("[data-kind=emergency]")


async def test_on_a_phone_nothing_sticks_out_and_both_themes_are_there(bench):
    async with opened(bench, width=390, height=844) as page:
        await charge(page)
        for _ in range(2):
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
            await page.click("#theme")
        await page.get_by_role("link", name="Central system").click()
        await expect(page.locator("#right h2")).to_be_in_viewport(timeout=PATIENCE_MS)


async def test_the_firmware_is_updated_and_diagnostics_are_read(bench, tmp_path):
    async with Depot(tmp_path / "depot") as depot, opened(bench, depot=depot) as page:
        await page.get_by_role("tab", name="Firmware").click()
        await page.get_by_label("version", exact=True).fill("0.2.0")
        await page.click("[data-do=bundle]")
        await expect(page.get_by_label("bundle", exact=True)).to_have_value("pilotwire-0.2.0.pwb", timeout=PATIENCE_MS)
        await page.click("[data-do=update]")
        told = page.locator("[role=tabpanel]:visible .steps-told")
        await expect(told).to_contain_text("Installed", timeout=3 * PATIENCE_MS)
        await expect(page.locator(".facts")).to_contain_text("0.2.0 in slot b", timeout=PATIENCE_MS)
        await page.get_by_role("tab", name="Diagnostics").click()
        await page.click("[data-do=diagnose]")
        await expect(page.locator("[role=tabpanel]:visible .steps-told")).to_contain_text("Uploaded", timeout=PATIENCE_MS)
        await expect(page.get_by_label("diagnostics file")).to_have_value(re.compile("E2E-1-diagnostics"), timeout=PATIENCE_MS)
        await page.click("[data-do=show]")
        await expect(page.locator("[role=tabpanel]:visible")).to_contain_text("0.2.0: ", timeout=PATIENCE_MS)
