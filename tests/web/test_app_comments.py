"""Comments on the posts of a channel in the web client, against the daemon."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit import demo_chats
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

PHONE = {"viewport": {"width": 390, "height": 844}}
DESKTOP = {"viewport": {"width": 1360, "height": 1000}}
POST = "Spring tour: 3 May"
# A message that has its number.
STORED = "article:not([data-seq='0'])"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def daemon(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDaemon]:
    channels = {"enabled": True, "create": "users", "head_interval_s": 0.5}
    directory = tmp_path_factory.mktemp("comments")
    async with web_daemon(directory, channels=channels) as running, demo_chats.people(running) as clients:
        await demo_chats.fill(clients)
        yield running


async def _check(app: AppPage) -> None:
    await app.until_still()
    assert await app.findings() == []
    assert await app.overflow() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_posts_are_commented_on_by_those_who_join(
    browser: Any, daemon: RunningDaemon, theme: str
) -> None:
    title = f"Bike news by {theme}"
    async with (
        watched_context(browser, **DESKTOP, color_scheme=theme) as (context, watch),
        watched_context(browser, **PHONE, color_scheme=theme) as (other_context, other_watch),
    ):
        alice, bob = await app_page(context, daemon, "alice"), await app_page(other_context, daemon, "bob")
        await alice.button("New chat")
        await alice.dialog.get_by_text("Channel", exact=True).click()
        await alice.dialog.get_by_label("Name of the channel").fill(title)
        await alice.dialog.locator("button[type=submit]").click()
        await alice.field.wait_for()
        await alice.say(POST)
        await alice.page.locator("article", has_text=POST).locator(".tick.sent").wait_for()
        await expect(alice.page.locator(".comments-line")).to_have_count(0)
        address = alice.page.url.partition("#/")[2]
        await bob.go(address)
        await bob.button("Follow the channel")
        await bob.page.locator("article", has_text=POST).wait_for()

        await alice.page.locator("button.setting", has_text="Rules of the channel").click()
        await alice.dialog.get_by_label("Comments on posts").last.select_option("new")
        await alice.row(f"Discussion of {title}").wait_for()
        await _check(alice)
        await alice.page.keyboard.press("Escape")

        await bob.page.locator(".comments-line", has_text="Comment").click()
        await bob.page.get_by_text("Comments are read and written in a group").wait_for()
        await _check(bob)
        await bob.button("Join to comment")
        await bob.page.get_by_text("No comments yet").wait_for()
        await bob.say("I come along")
        await bob.page.locator(STORED, has_text="I come along").wait_for()
        await _check(bob)

        await alice.page.reload()
        await alice.page.locator(".comments-line", has_text="1 comment").click()
        await alice.page.locator(".comments article", has_text="I come along").wait_for()
        await alice.say("Splendid")
        await bob.page.locator(".comments article", has_text="Splendid").wait_for()
        await _check(alice)
        await alice.row(f"Discussion of {title}").locator(".badge").wait_for(state="detached")
        group = await alice.row(f"Discussion of {title}").get_attribute("href")
        await bob.page.get_by_role("link", name="Back to the channel").click()
        await bob.page.locator(".comments-line", has_text="2 comments").wait_for()
        assert group is not None
        await bob.go(group.removeprefix("#/"))
        await bob.page.get_by_role("link", name="On a post").first.wait_for()
        await bob.say("Beside it")
        await bob.page.locator(STORED, has_text="Beside it").wait_for()
        await _check(bob)
        await expect(alice.page.locator(".comments article", has_text="Beside it")).to_have_count(0)
        assert watch.errors == []
        assert other_watch.errors == []
