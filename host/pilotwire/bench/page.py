"""The bench page with 20 wallboxes and 50 messages a second: time per update, frames, and memory of the browser.

The wallboxes are on paper (tests/host/paper_box.py), since twenty real ones would keep two cores busy by themselves; central
system, page and browser are real. It takes ten minutes, so it runs only when it is asked for: `make bench ARGS="--only page"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import time
from dataclasses import dataclass
from typing import Any

from pilotwire import build
from pilotwire.bench.figure import Figure
from pilotwire.csms import CentralSystem
from pilotwire.errors import PilotwireError
from pilotwire.page import Bench, PageServer

LONG = True  # not without --only
BOXES, PER_SECOND, MINUTES = 20, 50, 10
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--js-flags=--expose-gc"]
_WARM_UP_S = 5
_COUNT_FRAMES = "() => { let n = 0; window.frames_ = () => n; const f = () => { n++; requestAnimationFrame(f); }; f(); }"


@dataclass
class Measured:
    """Milliseconds, bytes, counts; `seconds` is how long it ran."""

    seconds: float
    messages: int
    update_ms: float
    worst_update_ms: float
    frames_per_second: float
    heap_before: int
    heap_after: int
    nodes: int
    server_percent: float


async def measure(minutes: float = MINUTES) -> Measured:
    """Runs boxes, chargers, server and browser; PilotwireError if there is no browser."""
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise PilotwireError("cannot measure the page", "there is no chromium", "make apt")
    folder = str(build.repository() / "tests" / "host")
    sys.path.append(folder)
    try:
        from paper_box import PaperBox, paper_charger
    finally:
        sys.path.remove(folder)
    async with contextlib.AsyncExitStack() as stack:
        central = await stack.enter_async_context(CentralSystem(frames=1000))
        bench = Bench(central)
        chargers = []
        for k in range(1, BOXES + 1):
            box = PaperBox(k)
            await box.do("plug")
            bench.add(f"PAPER-{k}", box)
            chargers.append(await stack.enter_async_context(paper_charger(central.url, f"PAPER-{k}")))
        server = await stack.enter_async_context(PageServer(bench, port=0))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        stack.push_async_callback(browser.close)
        page = await browser.new_page(viewport={"width": 1440, "height": 1000})
        await page.goto(server.url)
        talking = [asyncio.ensure_future(_talk(charger, k)) for k, charger in enumerate(chargers)]
        try:
            await asyncio.sleep(_WARM_UP_S)
            await page.evaluate(_COUNT_FRAMES)
            before = await _memory(page)
            counted = await page.evaluate("[...pilotwire.updates]")
            first, began, cpu = bench.messages.last, time.monotonic(), time.process_time()
            await asyncio.sleep(minutes * 60)
            seconds, cpu = time.monotonic() - began, time.process_time() - cpu
            messages = bench.messages.last - first
            frames = await page.evaluate("frames_()")
            updates, spent, worst = await page.evaluate("[...pilotwire.updates]")
            heap, nodes = await _memory(page)
        finally:
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
        update_ms = (spent - counted[1]) / max(updates - counted[0], 1)
        percent = cpu / seconds * 100
        return Measured(seconds, messages, update_ms, worst, frames / seconds, before[0], heap, nodes, percent)


async def _talk(charger: Any, k: int) -> None:
    """So many calls that they and their answers make up the rate."""
    pause = BOXES * 2 / PER_SECOND
    await asyncio.sleep(pause * k / BOXES)
    value = 0
    while True:
        value += 100
        sample = {"timestamp": "2026-11-22T10:00:00Z", "sampledValue": [{"value": str(value)}]}
        await asyncio.gather(
            charger.call("MeterValues", connectorId=1, transactionId=k + 1, meterValue=[sample]), asyncio.sleep(pause)
        )


async def _memory(page: Any) -> tuple[int, int]:
    """(bytes of the JavaScript heap after a collection, nodes of the DOM)."""
    await page.evaluate("gc()")
    used = await page.evaluate("performance.memory.usedJSHeapSize")
    return used, await page.evaluate("document.querySelectorAll('*').length")


def figures() -> list[Figure]:
    """After ten minutes; messages are those of both directions."""
    m = asyncio.run(measure())
    return [
        Figure("page_messages_per_second", round(m.messages / m.seconds), "messages/s"),
        Figure("page_update_ms", round(m.update_ms, 2), "ms", 16),
        Figure("page_worst_update_ms", round(m.worst_update_ms, 1), "ms"),
        Figure("page_frames_per_second", round(m.frames_per_second), "frames/s"),
        Figure("page_heap_before_bytes", m.heap_before, "B"),
        Figure("page_heap_after_bytes", m.heap_after, "B", 40_000_000),
        Figure("page_nodes", m.nodes, "elements"),
        Figure("page_server_percent", round(m.server_percent), "% of a core"),
    ]
