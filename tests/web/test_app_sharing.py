"""Cards, forwarded messages and channels in the web client, against the daemon."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatd.client import Client
from tests.kit import demo_chats
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

PHONE = {"viewport": {"width": 390, "height": 844}}
PLACE = {"type": "place", "lat": 521500000, "lon": 139000000, "title": "The old lock"}


class World:
    """A daemon with chats, two of its rooms, and clients of others."""

    def __init__(self, daemon: RunningDaemon, rooms: dict[str, str], clients: dict[str, Client]) -> None:
        self.daemon = daemon
        self.tour = rooms["tour"]
        self.lin = rooms["lin"]
        self.clients = clients


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    channels = {"enabled": True, "create": "users"}
    directory = tmp_path_factory.mktemp("sharing")
    async with web_daemon(directory, channels=channels) as daemon, demo_chats.people(daemon) as clients:
        yield World(daemon, await demo_chats.fill(clients), clients)


async def _choose(app: AppPage, text: str, item: str) -> None:
    """Choose an item of the menu of a message."""
    await app.page.locator("article", has_text=text).last.click(button="right")
    await app.page.get_by_role("menuitem", name=item, exact=True).click()


async def test_cards_are_shown_by_type_and_messages_are_forwarded_with_them(
    browser: Any, world: World
) -> None:
    tour = world.clients["bob"].room(world.tour)
    link = {"type": "link", "url": "https://routes.example/river", "title": "The river path"}
    for card in (link, PLACE, {"type": "contact", "user": "lin"}, {"type": "poll", "title": "Tea?"}):
        await tour.send({"text": f"[{card['type']}]", "card": card})
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.go(f"r/{world.tour}")
        await app.page.locator("article", has_text="[poll]").wait_for()
        place = app.page.locator(".shared-box", has_text="The old lock")
        assert "mlat=52.15&mlon=13.9" in str(await place.get_attribute("href"))
        link_box = app.page.locator(".shared-box", has_text="routes.example")
        assert await link_box.get_attribute("href") == link["url"]
        assert await app.page.get_by_text("[link]", exact=True).count() == 0
        await _choose(app, "The old lock", "Select")
        await app.page.get_by_role("checkbox", name="[poll]").click()
        await app.until_still()
        assert await app.findings() == []
        await app.page.get_by_role("toolbar").get_by_role("button", name="Forward").click()
        await app.dialog.get_by_label("Search chats").fill("林")
        await app.dialog.get_by_role("checkbox", name="林小雨").check()
        await app.until_still()
        assert await app.findings() == []
        await app.dialog.locator("button[type=submit]").click()
        await app.dialog.wait_for(state="detached")
        await app.field.wait_for()
        await app.go(f"r/{world.lin}")
        copied = app.page.locator("article").filter(has=app.page.locator(".origin", has_text="Bob Miller"))
        await copied.filter(has_text="[poll]").wait_for()
        await copied.filter(has_text="The old lock").wait_for()
        assert await app.overflow() == []
        await world.clients["alice"].call(
            {
                "type": "room.update",
                "room": world.tour,
                "key": "AZqxkQ2aB2cD3eF4gH5iJk",
                "policy": {"no_forward": True},
            }
        )
        await app.go(f"r/{world.tour}")
        await app.page.locator("article", has_text="Perfect").click(button="right")
        assert await app.page.get_by_role("menuitem", name="Forward", exact=True).count() == 0
        await app.page.keyboard.press("Escape")
        await app.page.locator(".shared-box", has_text="林小雨").click()
        await app.page.get_by_text("User ID").wait_for()
        # No picture, no map and no page of another place was asked for.
        assert watch.origins <= {world.daemon.http_url, world.daemon.http_url.replace("http", "ws")}
        assert watch.errors == []
