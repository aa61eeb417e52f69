"""A note that a real browser records, and another page hears while it is spoken."""

import asyncio
import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.media.ogg import Note, without_comments
from tests.kit.browser import BROWSER, watched_context, web_daemon
from tests.kit.chat_page import chat_page, client_of
from tests.kit.client import TestClient, fresh_key
from tests.kit.daemon import config_for, running_daemon
from tests.kit.live_notes import pages
from tests.kit.media_client import MediaClient
from tests.kit.node import WEB, Node
from tests.kit.node import node as node
from tests.kit.tokens import token_for

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = BROWSER

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
# What is called from outside when the listener has heard enough.
SPEAK = """async (options) => {
  const upload = new live.LiveUpload({...options, token: () => options.token});
  const recorder = await live.LiveRecorder.start((page) => upload.add(page));
  await new Promise((resolve) => (window.enough = resolve));
  const {blob, duration, waveform} = await recorder.stop();
  await upload.stop();
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return [btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")), duration, waveform];
}"""
HEAR = """async ({url, token, note}) => {
  window.player = new live.LivePlayer();
  await player.play(live.listen(note, {url, token: () => token, signal: new AbortController().signal}));
  return player.levels;
}"""


async def test_a_page_speaks_and_another_hears_it(browser: "Browser", node: Node, tmp_path: Path) -> None:
    script = tmp_path / "live.js"
    flags = ("--bundle", "--format=iife", "--global-name=live", f"--outfile={script}", "--log-level=warning")
    node.run_package("esbuild", WEB / "sdk" / "src" / "live.ts", *flags)
    listen = {"origins": ("http://127.0.0.1:*",)}
    config = config_for(tmp_path / "data", media=MEDIA, listen=listen)
    async with (
        running_daemon(config) as daemon,
        watched_context(browser, bypass_csp=True) as (context, watch),
    ):
        alice, bob = [await TestClient.connect(daemon.url, user) for user in ("alice", "bob")]
        for client in (alice, bob):
            await client.say_hello()
        room = await alice.create_group("group", "bob")
        await bob.request({"type": "focus", "rooms": [room]})
        url = daemon.app.context.media.url
        speaker, listener = [await context.new_page() for _ in range(2)]
        for page in (speaker, listener):
            # Any page of a real address will do.
            await page.goto(f"{daemon.http_url}/nothing")
            # Sound is made in pages only that somebody touched.
            await page.mouse.click(1, 1)
            await page.add_script_tag(path=script)
        said = {"url": url, "token": token_for("alice"), "room": room, "key": fresh_key()}
        speaking = asyncio.create_task(speaker.evaluate(SPEAK, said))
        note = await bob.receive("voice", state="live")
        heard = {"url": url, "token": token_for("bob"), "note": {"room": room, "file": note["file"]}}
        hearing = asyncio.create_task(listener.evaluate(HEAR, heard))
        await listener.wait_for_function("window.player?.levels.length > 100")
        await speaker.evaluate("enough()")
        encoded, duration, waveform = await speaking
        recorded = base64.b64decode(encoded)
        files = MediaClient(url, token_for("alice"))
        offset = int((await files.head(note["file"])).headers["upload-offset"])
        assert 0 < offset < len(recorded)
        whole = {"Upload-Length": str(len(recorded))}
        await files.end(note["file"], recorded[offset:], offset, **whole)
        levels = await hearing
        kept = (await files.fetch(f"own/{note['file']}")).body
        assert kept == b"".join(without_comments([recorded], measured := Note()))
        assert measured.duration_ms == pytest.approx(duration, abs=200)
        # The microphone of the test beeps.
        assert max(levels) > 0.1
        assert len(levels) * 20 == pytest.approx(duration, abs=200)
        assert len(waveform) == 64
        # The browser says so of each answer such as 410, which is how a note ends.
        assert [error for error in watch.errors if not error.startswith("Failed to load resource")] == []


async def test_the_chat_says_who_speaks_and_lets_one_hear_it(browser: "Browser", tmp_path: Path) -> None:
    sent = pages(20)
    async with (
        web_daemon(tmp_path, media=MEDIA) as daemon,
        client_of(daemon, "bob") as bob,
        watched_context(browser) as (context, watch),
    ):
        room = await bob.direct("alice")
        await room.send("Listen!")
        page = (await chat_page(context, daemon, "alice", room.id)).page
        files = MediaClient(daemon.app.context.media.url, token_for("bob"))
        begun = await files.begin(None, "voice", live=room.id)
        file = begun.headers["location"].rpartition("/")[2]
        await page.get_by_text("Listen!").first.wait_for()
        await files.append(file, b"".join(sent[:15]))
        await page.locator(".live-name", has_text="Bob").wait_for()
        await page.get_by_role("button", name="Listen live").click()
        await page.get_by_role("button", name="Stop listening").wait_for()
        await page.locator(".live-wave path[d^=M]").wait_for(state="attached")
        await page.get_by_role("button", name="Stop listening").click()
        await page.get_by_role("button", name="Listen live").wait_for()
        assert (await files.drop(file)).status == 204
        await page.locator(".live-row").wait_for(state="detached")
        assert watch.errors == []
