"""Search, messages that are sent later, and unread numbers in the web client, against the daemon."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatd.client import Client
from chatd.search import packages
from tests.kit import demo_chats
from tests.kit.app_page import app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

PHONE = {"viewport": {"width": 390, "height": 844}}
LATER = 120  # messages: more than what is fetched around one


class World:
    """A daemon with chats, and one of its groups, in which much was said since."""

    def __init__(self, daemon: RunningDaemon, tour: str, clients: dict[str, Client]) -> None:
        self.daemon = daemon
        self.tour = tour
        self.clients = clients


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    search = {"enabled": packages.is_installed()}
    directory = tmp_path_factory.mktemp("finding")
    async with web_daemon(directory, search=search) as daemon, demo_chats.people(daemon) as clients:
        tour = (await demo_chats.fill(clients))["tour"]
        for number in range(LATER):
            await clients["daniel"].room(tour).send(f"kilometre {number}")
        yield World(daemon, tour, clients)


@pytest.mark.skipif(not packages.is_installed(), reason="chatd[search] is not installed")
async def test_a_message_is_found_by_its_words_and_led_to(browser: Any, world: World) -> None:
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        page, hits = app.page, app.page.locator(".hit")
        await app.search.fill("bridge")
        await app.button("Search messages for “\u2068bridge\u2069”")
        # A row a chat, with its newest message.
        await hits.nth(1).wait_for()
        await expect(page.locator(".hit mark")).to_have_text(["bridge", "bridge"])
        await hits.filter(has_text="Bike tour").click()
        await page.locator("article.marked", has_text="at the bridge").wait_for()
        await page.locator("article", has_text=f"kilometre {LATER - 1}").wait_for(state="detached")
        # In the chat: the words of another script, narrowed until nothing is left, and wide again.
        await page.locator(".timeline-content").focus()
        await page.keyboard.press("Control+f")
        await app.dialog.get_by_role("searchbox").fill("早餐")
        await hits.filter(has_text="我带早餐").wait_for()
        await app.dialog.get_by_text("Filters").click()
        await app.dialog.get_by_label("From").select_option("bob")
        await app.dialog.get_by_text("No message has these words.").wait_for()
        await app.dialog.get_by_label("From").select_option("lin")
        await app.dialog.get_by_label("When").select_option("days")
        await app.dialog.get_by_label("Last day").fill("2020-01-01")
        await app.dialog.get_by_text("No message has these words.").wait_for()
        await app.dialog.get_by_label("When").select_option("week")
        await hits.filter(has_text="我带早餐").wait_for()
        await app.until_still()
        assert await app.findings() + await app.overflow() == []
        await hits.first.click()
        await page.locator("article.marked", has_text="我带早餐").wait_for()
        assert watch.errors == []


async def test_a_message_is_sent_later_and_counts_where_it_is_unread(browser: Any, world: World) -> None:
    room = (await world.clients["alice"].create_group("Maps", ["bob", "carol"])).id
    async with (
        watched_context(browser, **PHONE) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        alice = await app_page(context, world.daemon, "alice")
        bob = await app_page(other_context, world.daemon, "bob")
        await alice.go(f"r/{room}")
        await alice.field.fill("Bring one map")
        await alice.page.locator("button.send").focus()
        await alice.page.keyboard.press("Shift+F10")
        await alice.dialog.get_by_role("button", name="Tomorrow morning").click()
        await alice.page.locator(".later-bar").click()
        await expect(alice.field).to_have_value("")
        await alice.dialog.locator(".later button").click()
        await alice.page.get_by_role("menuitem", name="Change").click()
        await alice.dialog.get_by_label("Message").fill("Bring two maps")
        await alice.dialog.locator("button[type=submit]").click()
        await alice.dialog.locator(".later", has_text="Bring two maps").wait_for()
        await alice.until_still()
        assert await alice.findings() + await alice.overflow() == []
        await alice.dialog.locator(".later button").click()
        await alice.page.get_by_role("menuitem", name="Send now").click()
        await alice.dialog.get_by_text("Nothing waits.").wait_for()
        await alice.page.keyboard.press("Escape")
        await alice.page.locator("article", has_text="Bring two maps").wait_for()
        await alice.page.locator(".later-bar").wait_for(state="detached")
        # Bob asks the count what it counts.
        await bob.row("Bring two maps").locator(".badge").last.click(button="right")
        await bob.dialog.locator(".hit", has_text="Bring two maps").click()
        await bob.page.locator("article.marked", has_text="Bring two maps").wait_for()
        await bob.go("")
        await world.clients["carol"].room(room).send("Two are enough")
        await bob.row("Two are enough").locator(".badge").wait_for()
        await bob.page.locator(".tabs .tab").first.focus()
        await bob.page.keyboard.press("Shift+F10")
        await bob.dialog.locator(".hit", has_text="Maps").get_by_text("unread message").wait_for()
        await bob.until_still()
        assert await bob.findings() + await bob.overflow() == []
        await bob.dialog.get_by_role("button", name="Mark all as read").click()
        await bob.page.locator(".list .badge").first.wait_for(state="detached")
        await bob.go("me")
        await bob.page.get_by_role("button", name="Compare the list of chats").click()
        await bob.page.locator(".notice", has_text="The list of chats is right.").wait_for()
        assert watch.errors == []
