"""Reports, bots, refused texts, restrictions and erased people in the web client, in a real browser."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from chatd.client import Client, Room
from tests.kit.app_page import AXE, AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make web"),
]

ON = {"enabled": True}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "zh-CN"}
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
GREETING = {
    "text": "Where are you?",
    "buttons": [
        [{"label": "Vienna", "data": "city=vie"}, {"label": "Graz", "data": "city=grz"}],
        [
            {"label": "Map", "url": "https://maps.example.org/at"},
            {"label": "No", "url": "ftp://example.org/"},
        ],
    ],
}


class World(NamedTuple):
    daemon: RunningDaemon
    bob: Client
    room: Room


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    sections = {"people": ON, "moderation": ON, "events": ON, "bots": ON}
    async with (
        web_daemon(tmp_path_factory.mktemp("platform"), **sections) as daemon,
        client_of(daemon, "bob") as bob,
    ):
        for path, content in {
            "bots/weather": {
                "commands": [
                    {"name": "rain", "description": "Will it rain today?"},
                    {"name": "radar", "description": "A picture of the last hour"},
                    {"name": "help", "description": "Everything I know"},
                ],
                "welcome": GREETING,
            },
            "users/weather": {"name": "Weather"},
            "users/shop": {"name": "The shop", "kind": "official"},
            "filters/ads": {"does": "reject", "reason": "advertising", "words": ["buy"]},
            "filters/odd": {"does": "reject", "reason": "house-rule-7", "words": ["odd"]},
        }.items():
            answer = await daemon.api("PUT", f"/v1/{path}", **content)
            assert answer.status in (200, 201), (path, answer)
        room = await bob.create_group("Bike tour", public=True)
        for user in ("alice", "shop"):
            async with client_of(daemon, user) as member:
                await member.join(room.id)
        await room.send("Cheap watches, cheap watches")
        yield World(daemon, bob, room)


async def check(app: AppPage) -> None:
    """Look for barriers, and for what is wider than its place."""
    await app.until_still()
    assert await app.findings() == []
    assert await app.overflow() == []


async def open_bot(app: AppPage) -> None:
    await app.go("u/weather")
    await app.page.locator(".home .button.primary").click()
    await app.page.locator(".bot-button").first.wait_for()


async def test_a_message_a_person_and_a_group_are_reported(browser: Any, world: World) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        page, send = app.page, app.dialog.get_by_role("button", name="Send report")
        await app.go(f"r/{world.room.id}")
        await page.locator("article").first.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Report message").click()
        await app.dialog.get_by_text("Cheap watches").wait_for()
        await expect(send).to_be_disabled()
        await app.dialog.get_by_label("Spam or advertising").check()
        await app.dialog.get_by_label("What should the moderators know?").fill("Every hour")
        await check(app)
        await send.click()
        await app.dialog.get_by_text("Thank you").wait_for()
        await check(app)
        await page.keyboard.press("Escape")
        for route, action in (("u/bob", r"Report\W+Bob"), (f"r/{world.room.id}/about", "Report group")):
            await app.go(route)
            await page.get_by_role("button", name=re.compile(action)).click()
            await app.dialog.get_by_label("Something else").check()
            await send.click()
            await app.dialog.get_by_text("Thank you").wait_for()
            await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Report group").click()
        await app.dialog.get_by_label("Something else").check()
        await send.click()
        await app.dialog.get_by_text("You have reported this before").wait_for()
        assert watch.errors == []
    reports = (await world.daemon.api("GET", "/v1/reports")).json["reports"]
    about = {(one["reason"], one.get("seq", 0) > 0, one.get("user"), one.get("text")) for one in reports}
    assert ("spam", True, "bob", "Every hour") in about
    assert len(reports) == 3


async def test_a_bot_is_marked_and_offers_buttons_and_commands(browser: Any, world: World) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        page = app.page
        await open_bot(app)
        await expect(page.locator(".chat-head .role")).to_have_text("bot")
        await expect(app.row("Weather").locator(".role")).to_have_text("bot")
        link = page.get_by_role("link", name="Map")
        await expect(link).to_have_attribute("href", "https://maps.example.org/at")
        await expect(link).to_have_attribute("target", "_blank")
        assert "noopener" in (await link.get_attribute("rel") or "")
        await expect(page.locator(".bot-button")).to_have_count(3)
        await check(app)
        await page.get_by_role("button", name="Graz").click()
        answer = page.locator("article.out").filter(has_text="Graz")
        await answer.locator(".quote").wait_for()
        await answer.locator(".tick.sent, .tick.delivered, .tick.read").wait_for()
        await app.field.press_sequentially("/ra")
        options = page.get_by_role("option")
        await options.first.wait_for()
        await expect(options.locator(".command-name")).to_have_text(["/rain", "/radar"])
        await check(app)
        await app.field.press("ArrowDown")
        await app.field.press("Enter")
        await expect(app.field).to_have_value("/radar ")
        await app.field.press("Enter")
        await page.locator("article.out").filter(has_text="/radar").wait_for()
        await app.go(f"r/{world.room.id}/about")
        await page.locator(".member").filter(has_text="The shop").get_by_text("official").wait_for()
        assert watch.errors == []


async def test_a_rejected_text_says_why_and_is_changed(browser: Any, world: World) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.go(f"r/{world.room.id}")
        await app.field.wait_for()
        await app.say("buy now")
        refused = app.page.locator(".bubble-line > .failed")
        await refused.get_by_text("Advertising is not allowed here.").wait_for()
        await check(app)
        await refused.get_by_role("button", name="Edit and send again").click()
        await refused.wait_for(state="detached")
        await expect(app.field).to_have_value("buy now")
        await app.say("come now")
        sent = app.page.locator("article.out").filter(has_text="come now")
        await sent.locator(".tick.sent, .tick.delivered, .tick.read").wait_for()
        await app.say("an odd word")
        await refused.get_by_text("This is not allowed here.").wait_for()
        await refused.get_by_role("button", name="Delete").click()
        await refused.wait_for(state="detached")
        assert watch.errors == []


async def test_a_muted_user_sees_until_when(browser: Any, world: World) -> None:
    restriction = "/v1/users/alice/restriction"
    until = int(time.time() * 1000) + 3_600_000
    assert (await world.daemon.api("PUT", restriction, what="mute", until=until)).status == 200
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.go(f"r/{world.room.id}")
        await app.field.wait_for()
        await app.field.fill("one")
        await app.page.locator(".send").click()
        await app.page.locator(".waits").wait_for()
        await app.page.locator(".bubble-line > .failed").wait_for()
        await check(app)
        await app.page.locator(".bubble-line > .failed .danger").click()
        await app.page.locator(".bubble-line > .failed").wait_for(state="detached")
        assert (await world.daemon.api("DELETE", restriction)).status in (200, 204)
        assert watch.errors == []


async def test_an_erased_person_reads_as_such(browser: Any, world: World) -> None:
    """One with whom alice has a chat, and one of whom only the log of a group knows."""
    daemon = world.daemon
    for user in ("carl", "eve"):
        assert (await daemon.api("PUT", f"/v1/users/{user}", name=user.capitalize())).status == 200
        async with client_of(daemon, user) as client:
            if user == "carl":
                await client.request_friend("alice")
            await (await client.join(world.room.id)).send(f"{user} is here")
    async with watched_context(browser, **DESKTOP) as (context, watch):
        app = await app_page(context, daemon, "alice")
        await app.go(f"r/{world.room.id}")
        messages = app.page.locator("article").filter(has_text="is here")
        await messages.last.wait_for()
        for user in ("carl", "eve"):
            assert (await daemon.api("PUT", f"/v1/erasures/{user}")).status in (200, 201, 202)
            while (await daemon.api("GET", f"/v1/erasures/{user}")).json["state"] != "done":
                await asyncio.sleep(0.05)
        await messages.last.wait_for(state="detached")
        await app.page.reload()
        gone = app.page.locator(".author").filter(has_text="Deleted account")
        await gone.nth(1).wait_for()
        await app.page.locator(".face").last.click()
        await app.page.locator(".home-name").get_by_text("Deleted account").wait_for()
        await check(app)
        await expect(app.page.locator(".home .button")).to_have_count(0)
        assert watch.errors == []
