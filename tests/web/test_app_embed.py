"""The web client in a page of somebody else, and without a network, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, WORKER, expect, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

pytestmark = BROWSER

PAGE = """<!doctype html><html lang="en"><title>A shop</title>
<style>button {{ font-size: 40px; background: red }} chatd-chat {{ height: 600px; width: 380px }}</style>
<h1>A shop</h1><chatd-chat {attributes}></chatd-chat>
<script type="module">
  window.heard = [];
  const chat = document.querySelector("chatd-chat");
  for (const name of ["unread", "open", "error"])
    chat.addEventListener(`chatd-${{name}}`, ({{ type, detail }}) => heard.push([type, detail]));
  chat.token = async () => {token!r};
  await import("{server}/embed.js");
</script></html>"""


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(built: Path, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path) as running:
        yield running


@asynccontextmanager
async def shop(daemon: RunningDaemon, attributes: str) -> AsyncIterator[str]:
    """Serve a page with the element, whose user is alice, from another origin; give its address."""
    html = PAGE.format(attributes=attributes, server=daemon.http_url, token=token_for("alice")).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(html)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + html)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def open_shop(context: Any, address: str) -> AppPage:
    app = AppPage(await context.new_page())
    await app.page.goto(address)
    return app


async def test_an_element_shows_the_whole_client(browser: Any, daemon: RunningDaemon) -> None:
    async with (
        watched_context(browser) as (context, watch),
        client_of(daemon, "bob") as bob,
        shop(daemon, 'theme="dark" lang="zh-CN"') as address,
    ):
        await (await bob.direct("alice")).send("Hi")
        app = await open_shop(context, address)
        await app.row("Bob").get_by_label("1 条未读消息").wait_for()
        heard = "() => heard.some(([type, detail]) => type === 'chatd-unread' && detail.unread === 1)"
        await app.page.wait_for_function(heard)
        size = "getComputedStyle(document.querySelector('chatd-chat').shadowRoot.querySelector('button')).fontSize"
        assert await app.page.evaluate(size) != "40px"
        await app.row("Bob").click()
        await app.say("Hello from the shop")
        await app.page.locator("article").filter(has_text="Hello from the shop").wait_for()
        assert app.page.url == address
        await expect(app.page).to_have_title("A shop")
        await app.page.wait_for_function("() => heard.some(([type]) => type === 'chatd-open')")
        await app.page.evaluate("document.querySelector('chatd-chat').remove()")
        assert watch.errors == []


async def test_an_element_shows_one_chat(browser: Any, daemon: RunningDaemon) -> None:
    async with (
        watched_context(browser) as (context, watch),
        client_of(daemon, "bob") as bob,
        shop(daemon, 'layout="chat" peer="bob"') as address,
    ):
        await (await bob.direct("alice")).send("How can I help?")
        app = await open_shop(context, address)
        await app.page.locator("article").filter(has_text="How can I help?").wait_for()
        await expect(app.page.locator(".list, .tabs")).to_have_count(0)
        await app.page.keyboard.press("Escape")
        await app.title.get_by_text("Bob").wait_for()
        assert watch.errors == []


async def test_the_client_opens_without_a_network(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser, **WORKER) as (context, _), client_of(daemon, "bob") as bob:
        room = await bob.direct("alice")
        await room.send("Read me on the train")
        app = await app_page(context, daemon, "alice")
        await app.row("Bob").click()
        await app.page.locator("article").filter(has_text="Read me on the train").wait_for()
        await app.page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
        await daemon.stop()
        await app.page.reload()
        await app.row("Bob").get_by_text("Read me on the train").wait_for()
        await app.page.locator("article").filter(has_text="Read me on the train").wait_for()
        await app.say("Sent in the tunnel")
        await app.page.locator("article").filter(has_text="Sent in the tunnel").wait_for()
        await app.go("me")
        await app.page.get_by_role("heading", name="Alice").wait_for()
        await daemon.start_again()
