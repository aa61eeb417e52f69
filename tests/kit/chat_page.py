"""An open chat in a browser: what it shows, and a trace of what was painted while something happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from chatd.client import Client, Room, Settings, Timing
from chatd.client.core.packets import Body
from tests.kit.browser import open_as
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page

# Signals of a second client go at once.
QUICK = Timing(read_s=0.0, delivered_s=0.0, typing_s=0.0)

# Where the bottom of a message is in each painted frame. An observer is told what is painted; whoever measures at
# another moment may see what is still to be corrected.
_TRACE = """
([seq, top]) => {
  const view = document.querySelector(".timeline");
  if (top !== null) view.scrollTop = top;
  const begins = view.getBoundingClientRect().top + 1;
  const rows = [...document.querySelectorAll("article")];
  const row = rows.find((it) => (seq ? it.dataset.seq === `${seq}` : it.getBoundingClientRect().bottom > begins));
  const seen = [];
  let going = true;
  const frame = () => {
    const observer = new IntersectionObserver(([entry]) => {
      observer.disconnect();
      seen.push(row.isConnected ? entry.boundingClientRect.bottom : 1e6);
      if (going) requestAnimationFrame(frame);
    });
    observer.observe(row);
  };
  requestAnimationFrame(frame);
  window.endTrace = async () => {
    while (seen.length < 2) await new Promise(requestAnimationFrame);
    going = false;
    return seen;
  };
}"""

_FRAMES = """
(count) => new Promise((done) => {
  const step = () => (count-- ? requestAnimationFrame(step) : done());
  step();
})"""

_AT_END = """
() => {
  const view = document.querySelector(".timeline");
  return !document.querySelector(".jump") && view.scrollHeight - view.scrollTop - view.clientHeight <= 1;
}"""

_IN_VIEW = """
() => {
  const view = document.querySelector(".timeline").getBoundingClientRect();
  const ends = (row) => row.getBoundingClientRect().bottom;
  const isIn = (row) => ends(row) > view.top + 1 && ends(row) <= view.bottom + 1;
  return [...document.querySelectorAll("article")].filter(isIn).map((row) => Number(row.dataset.seq));
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
        """Return the messages that have this text; it should not end in a digit, for the time follows it at once."""
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

    async def to_end(self) -> None:
        """Go to the newest message, as from the first unread one."""
        await self.rows.first.wait_for()
        await self.page.locator(".jump").last.click()
        await self.until_following()

    async def until_following(self) -> None:
        """Wait until the bottom is reached, and nothing newer is left out."""
        await self.until(_AT_END)

    async def frames(self, count: int = 3) -> None:
        """Let the page paint."""
        await self.page.evaluate(_FRAMES, count)

    @asynccontextmanager
    async def traced(self, seq: int = 0, *, scroll_to: int | None = None) -> AsyncIterator[list[float]]:
        """Collect where the end of a message was painted while the block ran; the list is filled after it.

        Without a number it is the first message in view, after the view was put at `scroll_to`.
        """
        seen: list[float] = []
        await self.page.evaluate(_TRACE, [seq, scroll_to])
        yield seen
        await self.frames()
        seen += await self.page.evaluate("() => endTrace()")

    async def say(self, text: str) -> None:
        """Type a text and send it."""
        await self.field.fill(text)
        await self.field.press("Enter")


def moved(seen: list[float]) -> float:
    """Return how far the traced message moved, in pixels."""
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
