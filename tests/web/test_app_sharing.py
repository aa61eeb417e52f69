"""Cards, forwarded messages and channels in the web client, against the daemon."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatd.client import Client
from chatd.config.push import PushApp
from tests.kit import demo_chats
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon
from tests.kit.push_peer import PushPeer

pytestmark = BROWSER

PHONE = {"viewport": {"width": 390, "height": 844}}
APPS = (PushApp(platform="fcm", key_file="k", app="com.example"),)
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
    parts = {
        "channels": {"enabled": True, "create": "users", "head_interval_s": 1.0},
        "discovery": {"enabled": True, "members_min": 1},
    }
    directory = tmp_path_factory.mktemp("sharing")
    async with web_daemon(directory, **parts) as daemon, demo_chats.people(daemon) as clients:
        # Where nothing is pushed there is no bell.
        daemon._daemon.make_sender = PushPeer().make
        daemon.reconfigure(push={"enabled": True, "apps": APPS})
        yield World(daemon, await demo_chats.fill(clients), clients)


async def _choose(app: AppPage, text: str, item: str) -> None:
    """Choose an item of the menu of a message."""
    await app.page.locator("article", has_text=text).last.click(button="right")
    await app.page.get_by_role("menuitem", name=item, exact=True).click()


async def _until_told_nothing(app: AppPage) -> None:
    """Wait until the bell in the head of a channel says so: one is told of its posts who asks for it."""
    await app.page.locator(".chat-head").get_by_role("button", name="Notifications").click()
    await app.page.get_by_role("menuitemradio", name="As usual: nothing", checked=True).wait_for()
    await app.page.keyboard.press("Escape")


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
        await expect(link_box).to_have_attribute("href", link["url"])
        await expect(app.page.get_by_text("[link]", exact=True)).to_have_count(0)
        await _choose(app, "The old lock", "Select")
        await app.page.get_by_role("checkbox", name="[poll]").click()
        await app.until_still()
        assert await app.findings() == []
        await app.page.get_by_role("toolbar").get_by_role("button", name="Forward").click()
        await app.dialog.get_by_label("Search chats").fill("林")
        # A long list takes no room from the field.
        box = await app.dialog.get_by_label("Search chats").bounding_box()
        assert box is not None
        assert box["height"] >= 40
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
        await expect(app.page.get_by_role("menuitem", name="Forward", exact=True)).to_have_count(0)
        await app.page.keyboard.press("Escape")
        await app.page.locator(".shared-box", has_text="林小雨").click()
        await app.page.get_by_role("button", name="Share contact").click()
        await app.dialog.get_by_role("checkbox", name="Carol Green").check()
        await app.dialog.locator("button[type=submit]").click()
        await app.go("")
        await app.row("Carol Green").click()
        await app.page.locator("article.out .shared-box", has_text="林小雨").wait_for()
        # No picture, no map and no page of another place was asked for.
        assert watch.origins <= {world.daemon.http_url, world.daemon.http_url.replace("http", "ws")}
        assert watch.errors == []


async def test_a_place_and_a_contact_are_sent_from_the_composer(browser: Any, world: World) -> None:
    here = {"geolocation": {"latitude": 52.1500004, "longitude": 13.9, "accuracy": 29.5}}
    async with watched_context(browser, permissions=["geolocation"], **here, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.go(f"r/{world.lin}")
        add = app.page.get_by_role("button", name="Add files, a sticker, a place or a contact")
        await add.focus()
        await app.page.keyboard.press("Enter")
        await app.page.get_by_role("menuitem", name="Place").press("Enter")
        address, send = app.dialog.get_by_label("Link of a map"), app.dialog.locator("button[type=submit]")
        await address.fill("https://maps.app.goo.gl/abc")
        await app.dialog.get_by_text("There is no place in this.").wait_for()
        await expect(send).to_be_disabled()
        await address.fill(
            "https://www.google.com/maps/place/The+old+weir/@52.1,13.8,17z/data=!3d52.16!4d13.9"
        )
        await app.dialog.locator(".shared-box", has_text="The old weir").wait_for()
        await app.dialog.get_by_role("button", name="Where I am now").click()
        await app.dialog.get_by_text("to about 30 m").wait_for()
        await app.dialog.get_by_label("Name of the place").fill("At home")
        await app.until_still()
        assert await app.findings() + await app.overflow() == []
        await send.click()
        sent = app.page.locator("article.out", has_text="At home")
        assert "mlat=52.15&mlon=13.9#" in str(await sent.locator(".shared-box").get_attribute("href"))
        # An address in the text becomes a card, and goes; any other text stays.
        await app.field.fill("geo:52.17,13.9?q=52.17,13.9(The%20bridge)")
        await app.button("Share as a place")
        while await app.dialog.get_by_label("Name of the place").input_value() != "The bridge":
            pass  # the address is read once the dialog is there
        await send.click()
        await app.page.locator("article.out .shared-box", has_text="The bridge").wait_for()
        await app.field.fill("Ask")
        await add.click()
        await app.page.get_by_role("menuitem", name="Contact").click()
        await app.dialog.get_by_role("button", name="Carol Green").click()
        await app.page.locator("article.out .shared-box", has_text="Carol Green").wait_for()
        await expect(app.field).to_have_value("Ask")
        other = world.clients["lin"].room(world.lin)
        texts = [message.text for message in (await other.history(limit=3)).messages]
        assert texts == [
            "Place: At home (52.15, 13.9)",
            "Place: The bridge (52.17, 13.9)",
            "Contact: Carol Green",
        ]
        assert watch.origins <= {world.daemon.http_url, world.daemon.http_url.replace("http", "ws")}
        assert watch.errors == []


async def test_who_does_not_tell_where_they_are_is_told_what_to_do(browser: Any, world: World) -> None:
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.go(f"r/{world.lin}")
        await app.button("Add files, a sticker, a place or a contact")
        await app.page.get_by_role("menuitem", name="Place").click()
        await app.dialog.get_by_role("button", name="Where I am now").click()
        await (
            app.dialog.get_by_role("alert").filter(has_text="Allow it in the settings of the page").wait_for()
        )
        await expect(app.dialog.locator("button[type=submit]")).to_be_disabled()
        assert watch.errors == []


async def test_a_channel_is_made_followed_and_read_by_those_who_do_not_write(
    browser: Any, world: World
) -> None:
    desktop = {"viewport": {"width": 1360, "height": 1000}}
    async with (
        watched_context(browser, **desktop) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, other_watch),
    ):
        alice = await app_page(context, world.daemon, "alice")
        bob = await app_page(other_context, world.daemon, "bob")
        await alice.button("New chat")
        await alice.dialog.get_by_text("Channel", exact=True).click()
        await alice.dialog.get_by_label("Name of the channel").fill("Bike news")
        await alice.dialog.locator("button[type=submit]").click()
        await alice.field.wait_for()
        await alice.say("Spring tour: 3 May")
        await alice.page.locator("article", has_text="Spring tour").locator(".tick.sent").wait_for()
        address = alice.page.url.partition("#/")[2]
        await alice.page.locator("button.setting", has_text="Invite links").click()
        for _ in ("the list", "a new link"):
            await alice.dialog.locator("button[type=submit]").click()
        await alice.button("Send to a chat")
        await alice.dialog.get_by_role("checkbox", name="Bike tour").check()
        await alice.dialog.locator("button[type=submit]").click()
        await bob.go(f"r/{world.tour}")
        await bob.page.locator(".shared-box", has_text="Bike news").click()
        await bob.page.locator(".room-card", has_text="Bike news").wait_for()
        await bob.go(address)
        await bob.button("Follow the channel")
        await bob.page.locator("article", has_text="Spring tour").wait_for()
        await expect(bob.field).to_have_count(0)
        await _until_told_nothing(bob)
        bell = bob.page.get_by_role("button", name="Notify me of posts")
        await expect(bell).to_have_attribute("aria-pressed", "false")
        await bell.click()
        await bob.page.locator(".channel-bar [aria-pressed=true]").wait_for()
        await bob.page.locator("article", has_text="Spring tour").click(button="right")
        await expect(bob.page.get_by_role("menuitem", name="Reply")).to_have_count(0)
        await bob.page.get_by_role("menuitemcheckbox", name="👍").click()
        await alice.page.locator(".reaction", has_text="👍").wait_for()
        await bob.until_still()
        assert await bob.findings() == []
        await bob.go("")
        await alice.say("The ferry is back")
        await bob.row("The ferry is back").locator(".badge").wait_for()
        await bob.row("The ferry is back").click()
        await bob.page.locator("article", has_text="The ferry is back").wait_for()
        await bob.go(f"{address}/about")
        await bob.page.get_by_role("heading", name="Staff").wait_for()
        await expect(bob.page.locator(".member")).to_have_count(1)
        await bob.until_still()
        assert await bob.findings() == []
        assert await bob.overflow() == []
        await bob.page.locator("button.setting", has_text="Unfollow").click()
        await bob.dialog.locator("button[type=submit]").click()
        await bob.row("Bike tour").wait_for()
        await bob.page.locator(".chat-row .name", has_text="Bike news").wait_for(state="detached")
        await alice.until_still()
        assert await alice.findings() == []
        assert watch.errors == []
        assert other_watch.errors == []


@pytest.mark.parametrize(
    ("options", "theme"),
    [(PHONE, "dark"), ({"viewport": {"width": 1360, "height": 1000}}, "light")],
    ids=["phone", "desktop"],
)
async def test_listed_groups_are_found_and_joined(
    browser: Any, world: World, options: dict[str, Any], theme: str
) -> None:
    bob = world.clients["bob"]
    about = "Sundays at nine, along the canal. " * 9
    for title, tags, join in (
        ("Slow rides", ["cycling"], "open"),
        ("骑行俱乐部", ["cycling", "北京"], "request"),
    ):
        group = await bob.create_group(f"{title} {theme}")
        await group.set_policy(join=join, listed=True)
        await group.update(about=about, tags=tags)
    async with watched_context(browser, **options, color_scheme=theme) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.button("New chat")
        await app.dialog.get_by_text("Find groups and channels").click()
        field = app.dialog.get_by_role("searchbox")
        await field.fill("no such group")
        await app.dialog.get_by_text("Nothing has this name or tag").wait_for()
        await field.fill("俱乐部")
        found = app.dialog.locator(".found-room")
        await found.filter(has_text=theme).get_by_role("button", name="Ask to join").click()
        await found.filter(has_text=theme).get_by_role("button", name="Asked").wait_for()
        await found.filter(has_text=theme).get_by_role("button", name="#cycling").click()
        await expect(field).to_have_value("#cycling")
        slow = found.filter(has_text=f"Slow rides {theme}")
        await slow.wait_for()
        await app.until_still()
        assert await app.findings() == []
        assert await app.overflow() == []
        await slow.get_by_role("button", name="Join").click()
        await app.title.get_by_text(f"Slow rides {theme}").wait_for()
        assert watch.errors == []
