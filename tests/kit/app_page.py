"""The web client in a browser window: its parts, found as a user finds them, by role and name."""

from typing import TYPE_CHECKING

from tests.kit.browser import open_as
from tests.kit.daemon import RunningDaemon
from tests.kit.newcomer import ROOT

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"

# What sticks out of the window, or out of a pane that does not scroll sideways.
_OVERFLOW = """
() => [document.documentElement, ...document.querySelectorAll(".pane, .scroller, .full, .dialog")]
  .filter((it) => it.scrollWidth > it.clientWidth + 1)
  .map((it) => `${it.tagName}.${it.className}: ${it.scrollWidth} > ${it.clientWidth}`)
"""
_AXE = """
async () => (await axe.run(document, { resultTypes: ["violations"], preload: false })).violations
  .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
"""


class AppPage:
    """A window that shows the client."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.search = page.get_by_role("searchbox", name="Search")
        self.rows = page.locator(".list .chat-row")
        self.title = page.locator(".chat-head h1")
        self.field = page.locator(".composer textarea")
        self.dialog = page.get_by_role("dialog")

    async def button(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    def row(self, text: str) -> "Locator":
        """Return the rows of the list that have this text."""
        return self.rows.filter(has_text=text)

    async def names(self) -> list[str]:
        """Return the names of the chats in the list, from its top."""
        shown = "(rows) => rows.map((it) => [it.getBoundingClientRect().top, it.querySelector('.name').textContent])"
        return [str(name) for _, name in sorted(await self.rows.evaluate_all(shown))]

    async def until_names(self, *names: str) -> None:
        """Wait until the list begins with these chats."""
        condition = """
        (names) => {
          const rows = [...document.querySelectorAll(".list .chat-row")];
          rows.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
          return names.every((name, index) => rows[index]?.querySelector(".name").textContent === name);
        }"""
        await self.page.wait_for_function(condition, arg=list(names))

    async def until_title(self, title: str) -> None:
        """Wait until the window has this title."""
        await self.page.wait_for_function("(title) => document.title === title", arg=title)

    async def go(self, route: str) -> None:
        await self.page.evaluate("(route) => { location.hash = route }", f"#/{route}")

    async def say(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def begin_chat(self, user: str) -> None:
        """Begin a chat with a user by their id."""
        await self.button("New chat")
        await self.dialog.get_by_label("Name or user ID").fill(user)
        await self.dialog.get_by_label("Name or user ID").press("Enter")
        await self.field.wait_for()

    async def until_still(self) -> None:
        """Wait until nothing fades or moves: colours on their way have another contrast."""
        await self.page.wait_for_function(
            "() => document.getAnimations().every((it) => it.playState !== 'running')"
        )

    async def overflow(self) -> list[str]:
        """Return what is wider than its place."""
        return [str(line) for line in await self.page.evaluate(_OVERFLOW)]

    async def findings(self) -> list[str]:
        """Return what axe-core finds wrong."""
        if not await self.page.evaluate("() => 'axe' in window"):
            # As the text of an evaluation: the policy of the page admits no script but its own.
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        return [str(line) for line in await self.page.evaluate(_AXE)]


async def app_page(context: "BrowserContext", daemon: RunningDaemon, user: str) -> AppPage:
    """Log in as a user in a new window, and wait for the list."""
    app = AppPage(await open_as(context, daemon, user))
    await app.page.locator(".list-head button").wait_for()
    return app
