"""The console in a real browser against a real daemon: access, live figures, log, settings, keyboard, axe-core."""

import asyncio
import logging
import re
from typing import Any

import pytest

from tests.kit.browser import BROWSER, expect, watched_context
from tests.kit.clients import Clients
from tests.kit.console_page import AXE, Console, check_themes, go_to

pytestmark = BROWSER

PAGES = ("Now", "Sessions", "Slow", "Storage", "Settings", "Log")
# The only requests that fail in these tests: those without a session.
SIGNED_OUT = "the server responded with a status of 401"


def tile(page: Any, name: str) -> Any:
    return page.locator(".tile").filter(has_text=name).locator(".tile-value")


async def test_the_link_opens_it_and_figures_move_while_clients_chat(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    async with watched_context(browser) as (context, watch):
        page = await console.open(context)
        assert "key=" not in page.url
        await tile(page, "Connections").get_by_text("0", exact=True).wait_for()
        room, (ann, bob) = await clients.in_direct("ann", "bob")
        await tile(page, "Connections").get_by_text("2", exact=True).wait_for()

        async def chat() -> None:
            while True:
                await ann.send(room, "hello")
                await bob.forget()
                await asyncio.sleep(0)

        chatting = asyncio.create_task(chat())
        await tile(page, "Messages a second").get_by_text(re.compile("[1-9]")).wait_for()
        await tile(page, "Commit").get_by_text(re.compile(" ms| s")).wait_for()
        chatting.cancel()
        label = await page.get_by_role("img", name="Connections").get_attribute("aria-label")
        assert "now 2, lowest 0, highest 2" in label
        await page.get_by_text("The database answers.").wait_for()
        await go_to(page, "Sessions")
        await page.get_by_role("row", name="ann").wait_for()
        await page.get_by_label("User id").fill("bob")
        await page.keyboard.press("Enter")
        await page.get_by_text("Connections of bob").wait_for()
        await page.get_by_role("row", name="bob").wait_for()
        await expect(page.get_by_role("row", name="ann")).to_have_count(0)
        await go_to(page, "Slow")
        await page.get_by_text("Nobody is behind").wait_for()
        await page.reload()
        await page.get_by_role("heading", name="Slow").wait_for()
        assert watch.errors == []
        assert watch.origins == {console.daemon.ops_url}
    await asyncio.gather(chatting, return_exceptions=True)
    await clients.leave()


async def test_without_a_session_it_says_how_to_get_in(browser: Any, console: Console) -> None:
    async with watched_context(browser) as (context, watch):
        page = await context.new_page()
        await page.goto(console.url)
        await page.get_by_text("chatd console", exact=True).wait_for()
        field, submit = page.get_by_label("Or paste the link"), page.get_by_role("button", name="Sign in")
        link = await console.link()
        await field.fill("nonsense")
        await submit.click()
        await page.get_by_text("This is no key").wait_for()
        await field.fill("A" * 22)
        await submit.click()
        await page.get_by_text("This key was used before").wait_for()
        await field.fill(link)
        await field.press("Enter")
        await page.get_by_text("Everything works").or_(page.get_by_text("attention")).first.wait_for()
        cookies = await context.cookies()
        assert [(one["httpOnly"], one["sameSite"]) for one in cookies] == [(True, "Strict")]
        await page.get_by_role("button", name="Sign out").click()
        await submit.wait_for()
        await page.goto(link)
        await page.get_by_text("This key was used before").wait_for()
        assert [one for one in watch.errors if SIGNED_OUT not in one] == []


async def test_the_log_is_followed_filtered_paused_and_searched(browser: Any, console: Console) -> None:
    hostile = '<img src=x onerror=alert(1)> {"a": "b"}'
    console.log.append(logging.INFO, "2026-11-30T06:41:24.000Z info    chatd.x: an old line")
    async with watched_context(browser) as (context, watch):
        page = await console.open(context)
        await go_to(page, "Log")
        await page.get_by_text("an old line").wait_for()
        console.log.append(
            logging.WARNING, '{"ts": "2026-11-30T06:41:25.000Z", "msg": "a warning", "user": "u1"}'
        )
        console.log.append(logging.INFO, hostile)
        await page.locator("li.warning").get_by_text("a warning").wait_for()
        await page.get_by_text(hostile).wait_for()
        await expect(page.locator("li img")).to_have_count(0)
        await page.get_by_role("button", name="Pause").click()
        console.log.append(logging.ERROR, "2026-11-30T06:41:26.000Z error   chatd.x: while paused\n  a trace")
        await page.get_by_text("Paused; 1 new line").wait_for()
        await expect(page.get_by_text("while paused")).to_have_count(0)
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_text("while paused").wait_for()
        await page.get_by_label("Search lines").fill("A WARN")
        await page.get_by_text("an old line").wait_for(state="hidden")
        await page.get_by_text("a warning").wait_for()
        await page.get_by_label("Search lines").fill("")
        await page.get_by_role("button", name="Errors").click()
        await page.get_by_text("a warning").wait_for(state="hidden")
        await page.get_by_text("while paused").wait_for()
        assert watch.errors == []


async def test_settings_show_origins_first_those_that_were_changed(browser: Any, console: Console) -> None:
    async with watched_context(browser) as (context, watch):
        page = await console.open(context)
        await go_to(page, "Settings")
        first = page.locator(".settings .card, .settings.card").first
        await first.get_by_text("chatd.toml:7").wait_for()
        await first.get_by_text('"********"').wait_for()
        assert console.daemon.config.auth.secret.reveal() not in await page.content()
        await page.get_by_label("Search settings").fill("heartbeat nat")
        await page.get_by_text("1 setting", exact=True).wait_for()
        await page.get_by_text("heartbeat.background_s").wait_for()
        await page.get_by_label("Search settings").fill("nothing like it")
        await page.get_by_text("No setting matches").wait_for()
        await page.get_by_label("Search settings").fill("")
        await page.get_by_role("button", name="Waiting for a restart").click()
        await page.get_by_text("Nothing waits for a restart").wait_for()
        assert watch.errors == []


async def test_it_says_when_the_server_is_lost_and_comes_back(browser: Any, console: Console) -> None:
    async with watched_context(browser) as (context, _):
        page = await console.open(context)
        await page.route("**/v1/**", lambda route: route.abort())
        console.daemon._daemon._console.figures.close()
        await page.get_by_text("The server does not answer").wait_for()
        await page.unroute("**/v1/**")
        await page.locator(".state.live").wait_for()
        await page.get_by_text("The server does not answer").wait_for(state="hidden")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make web)")
async def test_every_page_is_accessible_and_fits(browser: Any, console: Console) -> None:
    console.log.append(
        logging.WARNING, '{"ts": "2026-11-30T06:41:25.000Z", "level": "warning", "msg": "a warning"}'
    )
    console.log.append(logging.ERROR, "2026-11-30T06:41:26.000Z error   chatd.x: failed\n  a trace")
    clients = Clients(console.daemon.url)
    await clients.connect("u" * 64)
    # The analysis is a script that the policy of the page would not let in.
    async with watched_context(browser, color_scheme="light", bypass_csp=True) as (context, _):
        page = await context.new_page()
        await page.goto(console.url)
        await page.get_by_role("button", name="Sign in").wait_for()
        await check_themes(page, "Sign in")
        await page.goto(await console.link())
        await page.locator(".state.live").wait_for()
        for name in PAGES:
            await go_to(page, name)
            await page.get_by_role("status", name="Loading").wait_for(state="hidden")
            await check_themes(page, name)
    await clients.leave()


async def test_it_can_be_used_by_the_keyboard(browser: Any, console: Console) -> None:
    async with watched_context(browser) as (context, _):
        page = await console.open(context)
        keys = page.keyboard
        await keys.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
        for _ in range(PAGES.index("Settings") + 1):
            await keys.press("Tab")
        await keys.press("Enter")
        await page.get_by_role("heading", name="Settings", level=1).wait_for()
        assert await page.evaluate("document.activeElement.id") == "content"
        await keys.press("/")
        await keys.type("page")
        await page.get_by_text("limits.page").wait_for()
