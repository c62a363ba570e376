"""`make screenshots`: pictures of the page for the README, light, dark and on a phone, of a real session.

    python -m pilotwire.page.screenshots [FOLDER]         # docs/images/bench-light.png, ...
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from pilotwire import build
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.page import Bench, PageServer
from pilotwire.sim import Supervisor
from pilotwire.simclock import SimulatedClock

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-device-scale-factor=1"]
_SHOTS = (("light", 1440, 1100), ("dark", 1440, 1100), ("phone", 390, 844))


async def take(out: Path) -> list[Path]:
    """Plays a session, takes the pictures, and returns their paths.

    Raises:
        PilotwireError: there is no browser, or the box does not come up.
    """
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise PilotwireError("cannot take screenshots", "there is no chromium", "make apt")
    out.mkdir(parents=True, exist_ok=True)
    made = []
    async with contextlib.AsyncExitStack() as stack:
        clock = SimulatedClock()
        central = await stack.enter_async_context(CentralSystem(clock=clock))
        bench = Bench(central)
        settings = {"CentralSystemURL": central.url, "ChargePointId": "CP1", "MeterValueSampleInterval": "60"}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pilotwire-")))
        box = Supervisor(folder, settings=settings, speed=20, on_event=lambda event: bench.note("CP1", event))
        await stack.enter_async_context(box)
        clock.follow(box)
        bench.add("CP1", box)
        server = await stack.enter_async_context(PageServer(bench, port=0))
        await _session(box)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        stack.push_async_callback(browser.close)
        for name, width, height in _SHOTS:
            page = await browser.new_page(
                viewport={"width": width, "height": height}, color_scheme="dark" if name == "dark" else "light"
            )
            await page.goto(server.url)
            if name != "phone":
                await page.get_by_role("tab", name="Schedule").click()
            await page.locator(".scheme.flowing").wait_for()
            path = out / f"bench-{name}.png"
            await page.screenshot(path=path)
            made.append(path)
            await page.close()
    return made


async def _session(box: Supervisor) -> None:
    """A car charges, by turns as fast as it can and with less."""
    await box.do("wait", until={"registered": "Accepted"}, timeout_s=60)
    await box.do("plug", cable_a=32)
    await box.do("wait", until={"connectors": [{"status": "Preparing"}]}, timeout_s=60)
    await box.do("tag", id="C0FFEE01")
    await box.do("wait", until={"connectors": [{"status": "Charging"}]}, timeout_s=60)
    for ma in (None, 12000, 20000, None):
        await box.do("limit", slot="user", ma=ma)
        with contextlib.suppress(PilotwireError):
            await box.do("wait", until={"never": True}, timeout_s=45)


def main() -> int:
    """Exit status 1 with a line on stderr when there are no pictures."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else build.repository() / "docs" / "images"
    try:
        for path in asyncio.run(take(out)):
            print(f"{path}  {path.stat().st_size // 1024} KB")
    except PilotwireError as error:
        print(f"pilotwire: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
