"""`python -m tests.kit.console_screenshots [DIRECTORY]`: pictures of the console of a busy daemon, into docs/images/.

It takes two minutes: the charts show figures that were taken once a second.
"""

import asyncio
import base64
import math
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from tests.kit.browser import built_now, chromium, program, watched_context, why_no_browser
from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.newcomer import ROOT

IMAGES = ROOT / "docs/images"
QUALITY = 80  # of WebP, as in screenshots.py
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "has_touch": True}
DESKTOP = {"viewport": {"width": 1360, "height": 850}, "device_scale_factor": 1.5}
MEMBERS = 40
WATCHED_S = 65  # the charts show the last minute
SHOT_S = 3  # until a page has its content, on a busy machine
# The name of a picture, the window, the theme, the page: those that show nothing of the machine they were made on.
PICTURES = (
    ("console-desktop", DESKTOP, "light", "now"),
    ("console-phone-dark", PHONE, "dark", "now"),
    ("console-report-desktop", DESKTOP, "light", "reports/r1"),
)


async def take(directory: Path) -> None:
    """Write all pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, built_now(Path(scratch) / "static"):
        settings = {
            "LIMITS__UNAUTHENTICATED_PER_ADDRESS": "100",
            "CONSOLE__BACKUP_DIRECTORY": scratch,
            "MODERATION__ENABLED": "true",
        }
        async with (
            daemon_process(Path(scratch), program("serve"), **settings) as daemon,
            chromium() as browser,
        ):
            await daemon.run("backup", f"{scratch}/chatd-20261130-031700.sqlite")
            chatting = asyncio.create_task(_chat(daemon))
            async with watched_context(browser) as (context, _):
                await (await context.new_page()).goto(await _link(daemon))
                await asyncio.sleep(WATCHED_S)
                await _report(daemon)
                for name, window, theme, place in PICTURES:
                    await _picture(
                        browser, daemon, {**window, "color_scheme": theme}, directory / f"{name}.webp", place
                    )
            chatting.cancel()
            await asyncio.gather(chatting, return_exceptions=True)


async def _picture(
    browser: Any, daemon: DaemonProcess, window: dict[str, Any], path: Path, place: str
) -> None:
    async with watched_context(browser, reduced_motion="reduce", **window) as (context, _):
        page = await context.new_page()
        await page.goto(await _link(daemon))
        await page.locator(".state.live").wait_for()
        await page.evaluate("(place) => { location.hash = `#/${place}` }", place)
        await asyncio.sleep(SHOT_S)
        devtools = await context.new_cdp_session(page)
        shot = await devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        path.write_bytes(base64.b64decode(shot["data"]))
        print(f"{path}: {path.stat().st_size // 1024} KiB")


async def _link(daemon: DaemonProcess) -> str:
    _, output = await daemon.run("console", "--role", "admin", "--name", "ann")
    return output.strip()


async def _report(daemon: DaemonProcess) -> None:
    """Have a message reported, and its author known by more than an id."""
    clients = Clients(daemon.url)
    room, (author, reader) = await clients.in_group("mallory", "olga")
    await reader.send(room, "Who brings the map on Sunday?")
    sent = await author.send(room, "Win a phone today! Write to me, and I tell you how.")
    await reader.send(room, "Please stop that.")
    await reader.request(
        {"type": "report", "key": fresh_key(), "reason": "spam", "room": room, "seq": sent["seq"]}
    )
    await daemon.run("user", "mute", "mallory", "--reason", "spam", "--for", "7d")
    await clients.leave()


async def _chat(daemon: DaemonProcess) -> None:
    """Let a group talk, now more and now less, until cancelled."""
    clients = Clients(daemon.url)
    room, members = await clients.in_group(*(f"user-{number}" for number in range(MEMBERS)))
    for turn in count():
        for one in range(2 + round(3 * (1 + math.sin(turn / 40)))):
            await members[(turn + one) % MEMBERS].send(room, "hello")
        for member in members:
            await member.forget()
        await asyncio.sleep(0.25)


if __name__ == "__main__":
    if reason := why_no_browser():
        sys.exit(reason)
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
