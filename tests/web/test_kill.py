"""The web client when the daemon is killed under it, in a real browser: nothing is lost, and nothing doubled."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.kit.app_page import AppPage
from tests.kit.browser import BROWSER, WORKER, program, watched_context
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.tokens import token_for

pytestmark = BROWSER

TOKENS = "https://app.example/token"
# Texts without the time and the tick behind them.
SAID = "() => [...document.querySelectorAll('article .text')].map((text) => text.firstChild.textContent)"


@pytest_asyncio.fixture(loop_scope="session")
async def server(built: Path, tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    settings = {"WEB__ENABLED": "true", "WEB__TOKEN_URL": TOKENS, "LISTEN__ORIGINS": "http://127.0.0.1:*"}
    async with daemon_process(tmp_path, program("serve"), **settings) as running:
        yield running


async def window(context: Any, server: DaemonProcess, user: str) -> AppPage:
    """Open the client as a user of a host app that gives tokens."""

    async def token(route: Any) -> None:
        headers = {"Access-Control-Allow-Origin": server.http_url, "Access-Control-Allow-Credentials": "true"}
        await route.fulfill(json={"token": token_for(user)}, headers=headers)

    await context.route(TOKENS, token)
    page = await context.new_page()
    await page.goto(server.http_url)
    app = AppPage(page)
    await page.get_by_role("button", name="New chat").first.wait_for()
    return app


async def test_a_daemon_that_is_killed_under_two_windows_loses_and_doubles_nothing(
    browser: Any, server: DaemonProcess
) -> None:
    async with (
        watched_context(browser, **WORKER) as (hers, _),
        watched_context(browser, **WORKER) as (his, _),
    ):
        alice, bob = await window(hers, server, "alice"), await window(his, server, "bob")
        await alice.begin_chat("bob")
        await alice.say("before")
        await bob.row("before").click()
        await alice.say("under way")
        await server.kill9()
        await bob.say("while it is gone")
        await alice.say("still gone")
        await server.start()
        await bob.say("after")
        for app in (alice, bob):
            await app.page.wait_for_function(f"() => ({SAID})().length === 5")
            await app.page.wait_for_function("() => !document.querySelector('.tick.waiting')")
        texts = await alice.page.evaluate(SAID)
        assert await bob.page.evaluate(SAID) == texts
        assert sorted(texts) == ["after", "before", "still gone", "under way", "while it is gone"]
        assert texts.index("before") < texts.index("under way") < texts.index("still gone")
        assert texts.index("while it is gone") < texts.index("after")
