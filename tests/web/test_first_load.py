"""The served page in a real browser: nothing foreign, nothing refused; who a window is; a start without a network."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from chatd.auth.passwords import Passwords
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, link, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon
from tests.kit.leak_detector import PASSWORD

pytestmark = BROWSER

USER_OF_TAB = "() => sessionStorage.getItem('chatd:user')"
CONTROLLED = "() => navigator.serviceWorker.controller?.state === 'activated'"


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(browser: Any, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path) as running:
        yield running


async def test_the_page_asks_nobody_else_and_breaks_no_rule_of_its_policy(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, watch):
        await app_page(context, daemon, "alice")
        assert watch.origins == {daemon.http_url, daemon.http_url.replace("http", "ws")}
        assert watch.errors == []


async def test_two_windows_of_one_browser_are_two_people_who_chat(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, watch):
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
    async with watched_context(browser) as (context, _):
        app = await app_page(context, daemon, "alice")
        await app.page.evaluate("(address) => { location.href = address }", link(daemon, "bob"))
        await app.page.wait_for_function(f"() => ({USER_OF_TAB})() === 'bob'")
        await app.page.get_by_role("button", name="New chat").first.wait_for()
        assert "login=" not in app.page.url


async def log_in(app: AppPage, daemon: RunningDaemon) -> None:
    """Log in with a password and stay logged in."""
    await app.page.goto(f"{daemon.http_url}/")
    await app.page.locator("input[name=username]").fill("alice")
    await app.page.locator("input[name=password]").fill(PASSWORD)
    await app.page.get_by_role("checkbox").check()
    await app.page.locator("input[name=password]").press("Enter")
    await app.page.get_by_role("button", name="New chat").first.wait_for()


async def test_a_browser_stays_logged_in_until_it_is_revoked(browser: Any, daemon: RunningDaemon) -> None:
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    await daemon.operator_calls("/users/put", user="alice", password=hashed)
    async with watched_context(browser) as (context, watch):
        first = AppPage(await context.new_page())
        await log_in(first, daemon)
        (cookie,) = await context.cookies(f"{daemon.http_url}/v1/session")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/v1/session")
        assert await first.page.evaluate("() => document.cookie") == ""
        stored = await first.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
        assert "eyJ" not in stored  # no token
        await first.page.close()

        again = AppPage(await context.new_page())
        await again.page.goto(f"{daemon.http_url}/")
        await again.page.get_by_role("button", name="New chat").first.wait_for()
        bob = await app_page(context, daemon, "bob")  # the link wins over the cookie, and leaves it alone
        assert await bob.page.evaluate(USER_OF_TAB) == "bob"
        assert await context.cookies(f"{daemon.http_url}/v1/session") == [cookie]

        await daemon.operator_calls("/revoke", user="alice")
        await again.page.locator("input[name=password]").wait_for()
        assert [error for error in watch.errors if "401" not in error] == []


async def test_without_a_network_the_client_opens(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, _):
        app = await app_page(context, daemon, "alice")
        await app.page.wait_for_function(CONTROLLED)
        await context.set_offline(True)
        await app.page.reload()
        await app.page.locator(".app").wait_for()
        await app.page.locator(".banner").wait_for()
        await context.set_offline(False)
        await app.page.locator(".banner").wait_for(state="detached")
