"""An open chat in a browser: what it shows, and a trace of what was painted while something happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from chatd.client import Body, Client, Room, Settings, Timing
from tests.kit.browser import open_as
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page

# Signals of a second client go at once.
QUICK = Timing(read_s=0.0, delivered_s=0.0, typing_s=0.0)

# Where the bottom of a message is after each painted frame: a position before the paint may still be corrected.
_TRACE = """
(seq) => {
  const row = document.querySelector(`article[data-seq="${seq}"]`);
  const [after, begin] = [new MessageChannel(), () => requestAnimationFrame(() => after.port2.postMessage(0))];
  const seen = [];
  let going = true;
  after.port1.onmessage = () => {
    seen.push(row.isConnected ? row.getBoundingClientRect().bottom : Infinity);
    if (going) begin();
  };
  begin();
  window.endTrace = () => ((going = false), seen);
}"""

_FRAMES = "(count) => new Promise((done) => { const step = () => (count-- ? requestAnimationFrame(step) : done()); step(); })"

_IN_VIEW = """
() => {
  const view = document.querySelector(".timeline").getBoundingClientRect();
  const ends = (row) => row.getBoundingClientRect().bottom;
  const rows = [...document.querySelectorAll("article")].filter((row) => ends(row) > view.top + 1 && ends(row) <= view.bottom + 1);
  return rows.map((row) => Number(row.dataset.seq));
}"""


class ChatPage:
    """A window with one open chat."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.field = page.locator(".composer textarea")
        self.rows = page.locator("article")

    async def open(self, room: str) -> None:
        """Go to a room, and wait until it is shown."""
        await self.page.evaluate("(room) => { location.hash = `#/r/${room}` }", room)
        await self.page.locator(f'.chat[data-room="{room}"]').wait_for()

    def row(self, seq: int) -> "Locator":
        return self.page.locator(f'article[data-seq="{seq}"]')

    def saying(self, text: str) -> "Locator":
        """Return the messages that have this text."""
        return self.rows.filter(has_text=text)

    async def seqs(self) -> list[int]:
        """Return the numbers of all messages in the document, in their order there."""
        found = await self.page.evaluate(
            "() => [...document.querySelectorAll('article')].map((row) => Number(row.dataset.seq))"
        )
        return [int(seq) for seq in found]

    async def in_view(self) -> list[int]:
        """Return the numbers of the messages whose end can be seen."""
        return [int(seq) for seq in await self.page.evaluate(_IN_VIEW)]

    async def below(self) -> float:
        """Return the pixels below the view."""
        measure = "(it) => it.scrollHeight - it.scrollTop - it.clientHeight"
        return float(await self.page.locator(".timeline").evaluate(measure))

    async def scroll_to(self, top: int) -> None:
        await self.page.locator(".timeline").evaluate("(it, top) => { it.scrollTop = top }", top)
        await self.frames()

    async def until(self, condition: str, argument: Any = None) -> None:
        """Wait until an expression holds in the page; it is looked at in every frame."""
        await self.page.wait_for_function(condition, arg=argument)

    async def until_following(self) -> None:
        """Wait until the newest message is shown and the bottom is reached."""
        condition = "() => { const it = document.querySelector('.timeline'); return it.scrollHeight - it.scrollTop - it.clientHeight <= 1 }"
        await self.until(condition)

    async def frames(self, count: int = 3) -> None:
        """Let the page paint."""
        await self.page.evaluate(_FRAMES, count)

    @asynccontextmanager
    async def traced(self, seq: int) -> AsyncIterator[list[float]]:
        """Collect where the end of a message was painted while the block ran; the list is filled after it."""
        seen: list[float] = []
        await self.page.evaluate(_TRACE, seq)
        yield seen
        await self.frames()
        seen += await self.page.evaluate("() => endTrace()")

    async def say(self, text: str) -> None:
        """Type a text and send it."""
        await self.field.fill(text)
        await self.field.press("Enter")


def moved(seen: list[float]) -> float:
    """Return how far the traced message moved, in pixels."""
    assert len(seen) > 1, "nothing was painted"
    return max(seen) - min(seen)


async def chat_page(context: "BrowserContext", daemon: RunningDaemon, user: str, room: str) -> ChatPage:
    """Log in as a user in a new window, and open a room."""
    chat = ChatPage(await open_as(context, daemon, user))
    await chat.page.locator(f'a[href="#/r/{room}"]').first.wait_for()
    await chat.open(room)
    return chat


@asynccontextmanager
async def client_of(daemon: RunningDaemon, user: str) -> AsyncIterator[Client]:
    """Connect another client as a user."""

    async def token() -> str:
        return token_for(user)

    async with Client(daemon.url, token, settings=Settings(timing=QUICK)) as client:
        yield client


async def fill(room: Room, count: int, first: int = 0) -> list[int]:
    """Send messages of several lengths, and return their numbers."""
    return [
        (await room.send(f"message {n}" + " and some more words" * (n % 9))).seq
        for n in range(first, first + count)
    ]


def picture(url: str, **size: int) -> Body:
    """Return the body of a message that is one picture."""
    return {"attachments": [{"url": url, "mime": "image/png", **size}]}
