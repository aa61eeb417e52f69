"""The client in pages of others that have a strict policy of their own, and in frames."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.machine import free_ports
from tests.kit.browser import BROWSER, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

pytestmark = BROWSER

PAGE = """<!doctype html><title>App</title>
<script type="module" src="{chatd}/embed.js"></script>
<chatd-chat peer="bob" layout="chat"></chatd-chat>
<script type="module" src="/page.js"></script>"""
SCRIPT = "document.querySelector('chatd-chat').token = async () => TOKEN;"


FRAME = """<!doctype html><iframe src="{chatd}/embed#peer=bob&layout=chat"></iframe>"""


@asynccontextmanager
async def site(daemon: RunningDaemon, page: str, port: int = 0) -> AsyncIterator[str]:
    """Serve a page of the host app, whose policy admits chatd and nothing inline; give its origin."""
    chatd = daemon.http_url
    policy = (
        f"default-src 'none'; script-src 'self' {chatd}; connect-src {chatd} {chatd.replace('http', 'ws')}"
    )
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Security-Policy: {policy}; frame-src {chatd}\r\n"
    script = SCRIPT.replace("TOKEN", json.dumps(token_for("alice")))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        kind, body = ("javascript", script) if b"/page.js" in asked else ("html", page.format(chatd=chatd))
        rest = f"Content-Type: text/{kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        writer.write(f"{head}{rest}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def daemon_for(directory: Path) -> AsyncIterator[tuple[RunningDaemon, int]]:
    """Run a daemon that admits one origin, and give the port of that."""
    (port,) = free_ports(1)
    origins = (f"http://127.0.0.1:{port}",)
    async with web_daemon(directory, listen={"origins": origins}, web={"embed_origins": origins}) as daemon:
        yield daemon, port


async def test_the_element_chats_within_a_strict_page(browser: Any, tmp_path: Path) -> None:
    async with (
        daemon_for(tmp_path) as (daemon, port),
        site(daemon, PAGE, port) as app,
        watched_context(browser) as (context, watch),
        client_of(daemon, "bob") as bob,
    ):
        page = await context.new_page()
        await page.goto(f"{app}/")
        field = page.locator("chatd-chat textarea")
        await field.fill("From the page of the app")
        await field.press("Enter")
        await page.locator("chatd-chat article", has_text="From the page of the app").wait_for()
        await (await bob.direct("alice")).send("I see it")
        await page.locator("chatd-chat article", has_text="I see it").wait_for()
        assert (
            await page.evaluate("() => document.adoptedStyleSheets.length") == 0
        )  # the page looks as before
        assert watch.errors == []


async def test_a_page_that_may_not_connect_cannot_load_the_element(browser: Any, tmp_path: Path) -> None:
    async with (
        daemon_for(tmp_path) as (daemon, _),
        site(daemon, PAGE) as stranger,
        watched_context(browser) as (context, watch),
    ):
        page = await context.new_page()
        async with page.expect_event("requestfailed", lambda request: request.url.endswith("/embed.js")):
            await page.goto(f"{stranger}/")
        assert any("CORS" in error for error in watch.errors)


async def test_frames_are_for_listed_pages(browser: Any, tmp_path: Path) -> None:
    async with (
        daemon_for(tmp_path) as (daemon, port),
        site(daemon, FRAME, port) as app,
        site(daemon, FRAME) as stranger,
        watched_context(browser) as (context, watch),
    ):
        page = await context.new_page()
        await page.goto(f"{app}/")
        await page.frame_locator("iframe").locator(".app").wait_for()
        assert not any("frame-ancestors" in error for error in watch.errors)
        await page.goto(f"{stranger}/")
        while not any("frame-ancestors" in error for error in watch.errors):
            await page.wait_for_timeout(10)
