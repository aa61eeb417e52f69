"""The web client in a real browser: who is signed in, what the server may say about it, and what is told without it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, expect, link, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

PASSWORD = "correct horse"
HASHED = PasswordHasher(1, 8192, 1).hash(PASSWORD)


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(built: Path, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path, web={"title": "Kaixin", "accent": "#c2185b"}) as running:
        answer = await running.api("PUT", "/v1/users/alice/password", password_hash=HASHED)
        assert answer.status == 200
        yield running


async def sign_in(app: AppPage, password: str) -> None:
    await app.page.get_by_label("User").fill("alice")
    await app.page.get_by_label("Password").fill(password)
    await app.button("Sign in")


async def test_a_password_signs_in_for_as_long_as_one_wants(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, _):
        app = AppPage(await context.new_page())
        await app.page.goto(daemon.http_url)
        await app.page.get_by_role("heading", name="Kaixin").wait_for()
        await sign_in(app, "wrong")
        await app.page.get_by_role("alert").get_by_text("User or password is not right.").wait_for()
        await sign_in(app, PASSWORD)
        await app.page.get_by_text("No chats yet.").wait_for()
        await app.page.reload()
        await app.page.get_by_text("No chats yet.").wait_for()
        other = AppPage(await context.new_page())
        await other.page.goto(daemon.http_url)
        await other.page.get_by_text("No chats yet.").wait_for()
        await other.page.close()

        await app.go("me")
        await app.button("Sign out")
        await app.dialog.get_by_role("button", name="Sign out").click()
        await app.page.get_by_label("Password").wait_for()
        await app.page.reload()
        await app.page.get_by_label("Password").wait_for()
        databases = "() => indexedDB.databases().then((all) => all.map(({ name }) => name))"
        assert await app.page.evaluate(databases) == []
        stored = "() => JSON.stringify([localStorage, sessionStorage])"
        assert "eyJ" not in await app.page.evaluate(stored)


async def test_without_remember_a_reload_asks_again(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, _):
        app = AppPage(await context.new_page())
        await app.page.goto(daemon.http_url)
        await app.page.get_by_label("Stay signed in").uncheck()
        await sign_in(app, PASSWORD)
        await app.page.get_by_text("No chats yet.").wait_for()
        await app.page.reload()
        await app.page.get_by_label("Password").wait_for()
        await expect(app.page.get_by_label("User")).to_have_value("alice")


async def test_two_tabs_of_one_browser_are_two_users_by_link(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch):
        alice, bob = await app_page(context, daemon, "alice"), await app_page(context, daemon, "bob")
        await alice.begin_chat("bob")
        await alice.say("Hi")
        await bob.row("Alice").get_by_text("Hi").wait_for()
        await alice.page.reload()
        await alice.row("Bob").wait_for()
        assert "login" not in alice.page.url
        assert watch.errors == []


async def test_a_revoked_user_signs_in_again_and_a_banned_one_is_told(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, _):
        app = AppPage(await context.new_page())
        await app.page.goto(daemon.http_url)
        await sign_in(app, PASSWORD)
        await app.page.get_by_text("No chats yet.").wait_for()
        assert (await daemon.api("POST", "/v1/users/alice/revoke")).status == 200
        await app.page.get_by_label("Password").wait_for()
        await sign_in(app, PASSWORD)
        await app.page.get_by_text("No chats yet.").wait_for()
        assert (await daemon.api("PUT", "/v1/users/alice", disabled=True)).status == 200
        await app.page.get_by_role("heading", name="This account is closed").wait_for()


async def test_the_host_app_says_who_one_is(browser: Any, tmp_path: Path, built: Path) -> None:
    web = {"token_url": "http://127.0.0.1:9/token", "login_url": "http://127.0.0.1:9/login"}
    async with web_daemon(tmp_path, web=web) as daemon, watched_context(browser) as (context, _):
        from tests.kit.tokens import token_for

        known = {"user": "alice"}

        async def token(route: Any) -> None:
            headers = {
                "Access-Control-Allow-Origin": daemon.http_url, "Access-Control-Allow-Credentials": "true",
            }  # fmt: skip
            if known:
                await route.fulfill(json={"token": token_for(known["user"])}, headers=headers)
            else:
                await route.fulfill(status=401, json={}, headers=headers)

        await context.route("http://127.0.0.1:9/token", token)
        await context.route("http://127.0.0.1:9/login", lambda route: route.fulfill(body="Log in here"))
        page = await context.new_page()
        await page.goto(daemon.http_url)
        await page.get_by_text("No chats yet.").wait_for()
        known["user"] = "bob"
        await page.reload()
        await page.goto(f"{daemon.http_url}/#/me")
        await page.get_by_role("heading", name="Bob").wait_for()
        known.clear()
        await page.reload()
        await page.get_by_text("Log in here").wait_for()


async def test_the_banner_tells_of_a_lost_network_and_what_waits(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, _):
        page = await context.new_page()
        await page.clock.install()
        await page.goto(link(daemon, "alice"))
        app = AppPage(page)
        await app.begin_chat("bob")
        banner = app.page.locator(".banner")
        await daemon.stop()
        await page.clock.fast_forward(3000)
        await banner.get_by_text("Connecting…").wait_for()
        await app.say("Goes out later")
        await page.clock.fast_forward(9000)
        await banner.get_by_text("No network. 1 message goes out later.").wait_for()
        await app.row("bob").wait_for()
        await daemon.start_again()


async def test_a_newer_server_offers_an_update(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch):
        app = await app_page(context, daemon, "alice")
        await app.page.get_by_text("No chats yet.").wait_for()

        async def newer(route: Any) -> None:
            answer = await route.fetch()
            await route.fulfill(response=answer, json={**await answer.json(), "version": "another"})

        await context.route("**/client.json", newer)
        for session in daemon.app.hub.of("alice"):
            session.close(4000)
        await app.page.locator(".banner").get_by_text("A new version is ready.").wait_for()
        await context.unroute("**/client.json")
        async with app.page.expect_navigation():
            await app.button("Update")
        await app.page.get_by_text("No chats yet.").wait_for()
        assert watch.errors == []


async def test_a_server_that_does_not_answer_is_tried_again(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, _):
        page = await context.new_page()
        await context.route("**/client.json", lambda route: route.abort())
        await page.goto(daemon.http_url)
        await page.get_by_role("heading", name="The server does not answer").wait_for()
        await context.unroute("**/client.json")
        await page.get_by_role("button", name="Try again").click()
        await page.get_by_label("Password").wait_for()


@pytest.mark.parametrize("missing", ["navigator.locks", "indexedDB"])
async def test_a_browser_without_its_parts_says_so(browser: Any, daemon: RunningDaemon, missing: str) -> None:
    owner = "Navigator.prototype" if "." in missing else "globalThis"
    async with watched_context(browser) as (context, _):
        await context.add_init_script(f"delete {owner}.{missing.split('.')[-1]}")
        app = await app_page(context, daemon, "alice")
        await app.page.locator(".banner").get_by_text("live only in this tab").wait_for()


async def test_settings_hold_and_other_tabs_follow(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "bob") as bob:
        await (await bob.direct("alice")).send("Hi")
        app, other = await app_page(context, daemon, "alice"), await app_page(context, daemon, "alice")
        await app.until_title("(1) Kaixin")
        await app.go("me")
        await app.page.get_by_text("Dark", exact=True).click()
        await app.page.get_by_label("Language").select_option("zh-CN")
        await app.page.get_by_role("heading", name="外观").wait_for()
        await other.page.get_by_role("link", name=re.compile("^聊天")).wait_for()
        await app.go("me/notifications")
        await app.page.get_by_label("不显示数字").check()
        for page in (app, other):
            await page.until_title("Kaixin")
            assert (
                await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
                == "rgb(21, 23, 28)"
            )
        await app.go("me")
        await app.page.get_by_label("已读回执").uncheck()
        await other.go("me")
        await other.page.get_by_label("已读回执").wait_for()
        await other.page.wait_for_function("() => !document.querySelector('[role=switch]').checked")
        assert watch.errors == []


async def test_a_browser_that_blocks_storage_chats_all_the_same(browser: Any, daemon: RunningDaemon) -> None:
    blocked = """const refuse = () => { throw new DOMException("blocked", "SecurityError"); };
      for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: refuse });
      IDBFactory.prototype.open = refuse;"""
    async with watched_context(browser) as (context, _):
        await context.add_init_script(blocked)
        app = await app_page(context, daemon, "alice")
        await app.page.locator(".banner").get_by_text("live only in this tab").wait_for()
        await app.begin_chat("bob")
        await app.say("Hi")
        await app.page.locator("article").filter(has_text="Hi").locator(".tick").first.wait_for()
        await app.go("me")
        await app.page.get_by_text("Dark", exact=True).click()
        await app.page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
