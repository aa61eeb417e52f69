"""An open chat in a browser, with files in it."""

import asyncio
import struct
import urllib.request
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatd.client import Client
from tests.kit.chat_page import ChatPage

if TYPE_CHECKING:
    from playwright.async_api import Request, Route


def png(width: int, height: int, shade: int = 90) -> bytes:
    """Return a picture of one colour that fades."""
    rows = b"".join(
        b"\0" + bytes((shade, 40 + (y * 200) // height, 200)) * width for y in range(height)
    )  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class MediaPage:
    """What a user does with files in an open chat."""

    def __init__(self, chat: ChatPage, folder: Path) -> None:
        self.chat = chat
        self.page = chat.page
        self.folder = folder
        self.tiles = chat.page.locator(".tile")
        self.shown = chat.page.locator(".tile-picture.there")
        self.chosen = chat.page.locator(".chosen")
        self.viewer = chat.page.locator(".viewer")

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def choose(self, *paths: Path) -> None:
        """Choose files beside the text, and wait until they are there."""
        before = await self.chosen.count()
        await self.page.locator(".composer input[type=file]").set_input_files([str(path) for path in paths])
        await self.chosen.nth(before + len(paths) - 1).wait_for()

    async def send(self, text: str = "") -> None:
        if text:
            await self.chat.field.fill(text)
        await self.page.locator(".composer-row > .send").click()

    async def transfer(self, event: str, selector: str, *files: tuple[str, str, str]) -> None:
        """Paste or drop files (name, type, text)."""
        await self.page.locator(selector).evaluate(
            """(it, [event, files]) => {
              const data = new DataTransfer();
              for (const [name, type, text] of files) data.items.add(new File([text], name, { type }));
              const given = event === "paste" ? { clipboardData: data } : { dataTransfer: data };
              const Made = event === "paste" ? ClipboardEvent : DragEvent;
              it.dispatchEvent(new Made(event, { ...given, bubbles: true, cancelable: true }));
            }""",
            [event, [list(file) for file in files]],
        )

    async def boxes(self) -> list[tuple[float, float]]:
        """Return the width and height of each picture in the chat, as it is drawn."""
        found = await self.tiles.evaluate_all(
            "(tiles) => tiles.map((it) => [it.offsetWidth, it.offsetHeight])"
        )
        return [(width, height) for width, height in found]

    async def delayed(self, pattern: str) -> Callable[[], Awaitable[None]]:
        """Hold back what is fetched from these addresses; the returned function lets it go."""
        gate = asyncio.Event()

        async def wait(route: "Route", request: "Request") -> None:
            await gate.wait()
            await route.continue_()

        await self.page.route(pattern, wait)

        async def release() -> None:
            gate.set()

        return release


async def contents(client: Client, room: str, seq: int) -> Sequence[bytes]:
    """Return the bytes of the attachments of a message, as this user gets them."""
    (message,) = await client.room(room).fetch([seq])
    attachments: Any = message.body["attachments"] if message.body else []
    files = [attachment["url"].removeprefix("media:") for attachment in attachments]
    places = [{"room": room, "seq": seq, "file": file} for file in files]
    reply = await client.call({"type": "file.link", "places": places})
    found = {link["file"]: link["url"] for link in reply["links"]}
    return [await asyncio.to_thread(fetched, found[file]) for file in files]


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return bytes(answer.read())
