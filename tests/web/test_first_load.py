"""The served page in a real browser: nothing foreign, nothing refused; and who a window is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.kit.app_page import app_page
from tests.kit.browser import BROWSER, WORKER, link, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon
from tests.kit.waiting import until

pytestmark = BROWSER

USER_OF_TAB = "() => sessionStorage.getItem('chatd:user')"


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(browser: Any, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path) as running:
        yield running


async def test_the_page_asks_nobody_else_and_breaks_no_rule_of_its_policy(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser, **WORKER) as (context, watch):
        await app_page(context, daemon, "alice")
        own = {daemon.http_url, daemon.http_url.replace("http", "ws")}
        await until(lambda: own <= watch.origins)
        assert watch.origins == own
        assert watch.errors == []


async def test_two_windows_of_one_browser_are_two_people_who_chat(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser, **WORKER) as (context, watch):
        alice, bob = await app_page(context, daemon, "alice"), await app_page(context, daemon, "bob")
        await alice.begin_chat("bob")
        await alice.say("Can you see me?")
        await bob.row("Can you see me?").click()
        await bob.say("I can.")
        await alice.row("I can.").wait_for()
        for app in (alice, bob):  # each window is still the same person after a reload
            assert "login=" not in app.page.url
            await app.page.reload()
        await alice.row("Bob").wait_for()
        await bob.row("Alice").wait_for()
        assert watch.errors == []


async def test_a_link_that_is_opened_in_a_window_of_somebody_else_wins(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser, **WORKER) as (context, _):
        app = await app_page(context, daemon, "alice")
        await app.page.evaluate("(address) => { location.href = address }", link(daemon, "bob"))
        await app.page.wait_for_function(f"() => ({USER_OF_TAB})() === 'bob'")
        await app.page.get_by_role("button", name="New chat").first.wait_for()
        assert "login=" not in app.page.url
