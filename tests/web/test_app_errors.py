"""The web client where a part of the browser or of the server is missing: what it says, and that the chat goes on."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from bench.machine import free_ports
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, CHROMIUM, WAIT_MS, arguments, open_as, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import SECRET, token_for
from tests.kit.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

pytestmark = BROWSER

PASSWORD = "correct horse"
HASHED = PasswordHasher(1, 8192, 1).hash(PASSWORD)
HOST = "http://127.0.0.1:9"  # of an app that has accounts of its own; the browser is answered in its place

# The Preferences of a profile whose user blocks all cookies: storage, locks and workers are denied with them.
BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}

# What a browser says of a full disk, and of a broken database.
FAILS = """(name) => {
  IDBObjectStore.prototype.put = () => { throw new DOMException("it cannot be stored", name); };
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(built: Path, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    listen = {"address": f"127.0.0.1:{free_ports(1)[0]}"}  # it starts again where it was
    async with web_daemon(tmp_path / "store", listen=listen) as running:
        answer = await running.api("PUT", "/v1/users/alice/password", password_hash=HASHED)
        assert answer.status == 200
        yield running


async def chat(app: AppPage, text: str) -> None:
    """Send bob a text, and wait until the server has it."""
    await app.begin_chat("bob")
    await app.say(text)
    await app.page.locator("article").filter(has_text=text).locator(".tick.sent, .tick.delivered").wait_for()


async def test_who_blocks_cookies_chats_and_signs_in_each_time(
    browser: Any, daemon: RunningDaemon, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps(BLOCKED))
    context: BrowserContext = await browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=arguments()
    )
    try:
        context.set_default_timeout(WAIT_MS)
        first, second = (
            AppPage(await open_as(context, daemon, "alice")),
            await app_page(context, daemon, "alice"),
        )
        await first.page.locator(".banner").get_by_text("live only in this tab").wait_for()
        await chat(first, "without a cookie")
        await second.row("without a cookie").wait_for()
        await first.page.reload()
        await first.page.get_by_label("Password").wait_for()
    finally:
        await context.close()


async def test_a_cookie_that_is_gone_asks_for_the_password_and_loses_nothing(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, _):
        app = AppPage(await context.new_page())
        await app.page.goto(daemon.http_url)
        await app.page.get_by_label("User").fill("alice")
        await app.page.get_by_label("Password").fill(PASSWORD)
        await app.button("Sign in")
        await chat(app, "kept")
        await daemon.stop()
        await app.say("unsent")
        await app.page.locator("article").filter(has_text="unsent").wait_for()
        await context.clear_cookies()
        await daemon.start_again()
        await app.page.reload()
        await app.page.get_by_label("Password").fill(PASSWORD)
        await app.button("Sign in")
        await app.row("unsent").locator(".tick.sent, .tick.delivered").wait_for()


@pytest.mark.parametrize("missing", ["navigator.locks", "indexedDB"])
async def test_tabs_that_cannot_share_chat_each_for_itself(
    browser: Any, daemon: RunningDaemon, missing: str
) -> None:
    owner = "Navigator.prototype" if "." in missing else "globalThis"
    async with watched_context(browser) as (context, watch):
        await context.add_init_script(f"delete {owner}.{missing.split('.')[-1]}")
        first, second = await app_page(context, daemon, "alice"), await app_page(context, daemon, "alice")
        await chat(first, "from the first")
        await second.row("from the first").click()
        await second.say("from the second")
        await first.row("from the second").wait_for()
        assert watch.errors == []


@pytest.mark.parametrize("reason", ["QuotaExceededError", "UnknownError"])
async def test_without_a_place_to_store_the_chat_goes_on_and_guards_what_is_unsent(
    browser: Any, daemon: RunningDaemon, reason: str
) -> None:
    async with watched_context(browser) as (context, _), client_of(daemon, "bob") as bob:
        app = await app_page(context, daemon, "alice")
        await app.begin_chat("bob")
        await app.page.evaluate(FAILS, reason)
        await app.say("first")
        await app.page.locator(".banner").get_by_text("The browser stores nothing now.").wait_for()
        room = await bob.direct("alice")
        await until(lambda: "first" in [message.text for message in room.messages.values()])

        await daemon.stop()
        await app.say("unsent")
        await app.page.locator("article").filter(has_text="unsent").wait_for()
        async with app.page.expect_event("dialog") as asked:
            await app.page.close(run_before_unload=True)
        dialog = await asked.value
        assert dialog.type == "beforeunload"
        await dialog.dismiss()
        await daemon.start_again()
        await until(lambda: "unsent" in [message.text for message in room.messages.values()])


async def test_a_token_that_is_refused_leads_to_the_sign_in_and_back(
    browser: Any, built: Path, tmp_path: Path
) -> None:
    web = {"token_url": f"{HOST}/token", "login_url": f"{HOST}/login"}
    async with web_daemon(tmp_path, web=web) as daemon, watched_context(browser) as (context, _):
        signed_with = ["a secret of another server, which this one does not know"]

        async def token(route: Any) -> None:
            allowed = {
                "Access-Control-Allow-Origin": daemon.http_url, "Access-Control-Allow-Credentials": "true",
            }  # fmt: skip
            await route.fulfill(json={"token": token_for("alice", secret=signed_with[-1])}, headers=allowed)

        await context.route(f"{HOST}/token", token)
        await context.route(f"{HOST}/login", lambda route: route.fulfill(body="Log in here"))
        page = await context.new_page()
        await page.goto(daemon.http_url)
        await page.get_by_role("heading", name="Your session is over").wait_for()
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_text("Log in here").wait_for()
        signed_with.append(SECRET)
        await page.goto(daemon.http_url)
        await page.get_by_text("No chats yet.").wait_for()


async def test_a_server_that_speaks_another_version_asks_for_a_reload(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, _):
        app = await app_page(context, daemon, "alice")
        await chat(app, "before")
        for session in daemon.app.hub.of("alice"):
            session.close(4203)
        await app.page.get_by_role("heading", name="A newer version is needed").wait_for()
        async with app.page.expect_navigation():
            await app.button("Reload")
        await app.row("before").wait_for()
