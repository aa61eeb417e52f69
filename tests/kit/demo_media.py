"""Pictures, files and a voice message as people send them, in a running daemon: for screenshots."""

import asyncio
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from tests.kit.chat_page import chat_page
from tests.kit.daemon import RunningDaemon
from tests.kit.media_page import MediaPage

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

Colour = tuple[int, int, int]

# By name: the size, the sky from top to bottom, the hills from far to near, and where the sun stands.
SCENES: dict[str, tuple[tuple[int, int], tuple[Colour, Colour], tuple[Colour, ...], tuple[float, float]]] = {
    "ferry.jpg": (
        (2400, 1600),
        ((250, 150, 90), (255, 220, 170)),
        ((170, 120, 140), (110, 90, 130), (60, 60, 100), (30, 40, 70)),
        (0.7, 0.42),
    ),
    "lake.jpg": (
        (1600, 2400),
        ((90, 150, 230), (210, 235, 250)),
        ((120, 150, 180), (80, 130, 130), (50, 100, 80), (30, 70, 50)),
        (0.3, 0.2),
    ),
    "path.jpg": (
        (2000, 2000),
        ((180, 210, 240), (250, 240, 220)),
        ((150, 170, 150), (110, 150, 100), (80, 120, 60), (50, 90, 40)),
        (0.5, 0.3),
    ),
    "bridge.jpg": (
        (3000, 1500),
        ((40, 40, 90), (230, 120, 110)),
        ((90, 60, 110), (60, 40, 90), (40, 30, 70), (20, 20, 45)),
        (0.2, 0.45),
    ),
    "hut.jpg": (
        (1200, 900),
        ((140, 200, 210), (240, 250, 240)),
        ((170, 200, 190), (130, 180, 140), (90, 150, 90), (60, 110, 60)),
        (0.8, 0.2),
    ),
}


def draw(name: str, folder: Path) -> Path:
    """Draw one of the scenes; it is the same each time."""
    (width, height), (top, bottom), hills, (x, y) = SCENES[name]
    chance = random.Random(name)
    picture = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(picture)
    for row in range(height):
        part = row / height
        colour = tuple(int(one + (other - one) * part) for one, other in zip(top, bottom, strict=True))
        pen.line([(0, row), (width, row)], fill=colour)
    radius = height * 0.07
    pen.ellipse(
        [width * x - radius, height * y - radius, width * x + radius, height * y + radius],
        fill=(255, 240, 200),
    )
    picture = picture.filter(ImageFilter.GaussianBlur(4))
    pen = ImageDraw.Draw(picture)
    for index, colour in enumerate(hills):
        base, phases = height * (0.5 + 0.14 * index), [chance.uniform(0, 6) for _ in range(3)]
        waves = ((5, 0.06), (13, 0.03), (50, 0.008))
        line = [
            (
                at,
                base
                + height
                * sum(
                    size * math.sin(at / width * count + phase)
                    for (count, size), phase in zip(waves, phases, strict=True)
                ),
            )
            for at in range(0, width + 8, 8)
        ]
        pen.polygon([*line, (width, height), (0, height)], fill=colour)
        for _ in range(60 if index > 1 else 0):
            left, foot = chance.uniform(0, width), base + height * (0.08 + chance.uniform(0, 0.2))
            size = height * chance.uniform(0.02, 0.05) * index / 2
            dark = tuple(value * 4 // 5 for value in colour)
            pen.polygon(
                [(left, foot - 2 * size), (left - 0.6 * size, foot), (left + 0.6 * size, foot)], fill=dark
            )
    path = folder / name
    picture.save(path, quality=90)
    return path


async def fill(context: "BrowserContext", daemon: RunningDaemon, room: str, folder: Path) -> None:
    """Let Bob send five pictures, a file and a voice message to a room."""
    bob = MediaPage(await chat_page(context, daemon, "bob", room), folder)
    await bob.choose(*(draw(name, folder) for name in SCENES))
    await bob.send("From the ferry, and the way up to the hut")
    await bob.page.locator(".ring").first.wait_for()
    await bob.page.locator(".ring").first.wait_for(state="detached")
    await bob.choose(bob.file("River path, 42 km.gpx", b"<gpx/>" * 9000))
    await bob.send()
    await bob.page.locator(".mic").click()
    await asyncio.sleep(4)  # a voice message is as long as somebody speaks
    await bob.page.locator(".recorder.locked .send").click()
    await bob.page.locator(".voice-play").wait_for()
    await bob.page.close()
