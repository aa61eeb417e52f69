"""`python -m tests.kit.page_speed`: how long the web client takes until it shows the chats, on a slow phone's terms.

Cold: a new browser profile behind 1.6 Mbit/s with 150 ms and a processor a quarter as fast. Warm: the same again
without a network, from what is stored. Medians of several runs; machines differ, so compare runs beside each other.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.kit import demo_chats
from tests.kit.browser import WORKER, built_now, chromium, link, watched_context, web_daemon, why_no_browser

RUNS = 5
SLOW_LINK = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
SLOWER = 4
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True}
# Milliseconds from the beginning of the navigation to the first painted chat, to the largest paint; the layout shift.
SEEN = """
() => new Promise((done) => {
  let paint = 0, shift = 0;
  new PerformanceObserver((list) => { for (const it of list.getEntries()) paint = it.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => { for (const it of list.getEntries()) shift += it.value; })
    .observe({ type: "layout-shift", buffered: true });
  const look = () => {
    if (!document.querySelector(".list .chat-row")) return requestAnimationFrame(look);
    const shown = performance.now();
    requestAnimationFrame(() => setTimeout(() => done([shown, paint, shift]), 500));
  };
  look();
})"""


async def measure(browser: Any, daemon: Any) -> tuple[list[float], list[float]]:
    """Return what a first visit took, and a second one without a network."""
    async with watched_context(browser, **PHONE, **WORKER) as (context, _):
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", SLOW_LINK)
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        await page.goto(link(daemon, "alice"), wait_until="commit")
        cold = await page.evaluate(SEEN)
        await page.wait_for_function(
            "() => navigator.serviceWorker.controller || navigator.serviceWorker.ready"
        )
        await context.set_offline(True)
        await page.reload(wait_until="commit")
        return cold, await page.evaluate(SEEN)


async def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, built_now(Path(scratch) / "static"):
        async with (
            web_daemon(Path(scratch)) as daemon,
            chromium() as browser,
            demo_chats.people(daemon) as clients,
        ):
            await demo_chats.fill(clients)
            seen = [await measure(browser, daemon) for _ in range(RUNS)]
    for name, runs in zip(("cold", "warm"), zip(*seen, strict=True), strict=True):
        shown, paint, shift = (statistics.median(values) for values in zip(*runs, strict=True))
        print(f"{name}: chats after {shown:.0f} ms, largest paint {paint:.0f} ms, layout shift {shift:.3f}")


if __name__ == "__main__":
    sys.exit(why_no_browser()) if why_no_browser() else asyncio.run(main())
