"""Files in the web client, against the daemon and its process: chosen, sent through cuts, seen, heard, saved."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from chatd.client import Client
from chatd.media.packages import PICTURES, VIDEO, missing
from tests.kit.app_page import AXE, AppPage
from tests.kit.browser import BROWSER, expect, open_as, watched_context, web_daemon
from tests.kit.chat_page import chat_page, client_of, moved
from tests.kit.daemon import RunningDaemon
from tests.kit.media_client import MediaClient
from tests.kit.media_page import MediaPage, contents, png
from tests.kit.waiting import until

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make web"),
    pytest.mark.skipif(bool(missing(PICTURES)), reason="pip install 'chatd[media]'"),
]

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "zh-CN"}
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
MIB = 1 << 20
USER_BYTES = 3 * MIB


class World(NamedTuple):
    daemon: RunningDaemon
    bob: Client
    room: str
    head: int


@pytest_asyncio.fixture(loop_scope="session")
async def world(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    media = {"enabled": True, "address": "127.0.0.1:0", "file_bytes": 2 * MIB, "user_bytes": USER_BYTES}
    async with web_daemon(tmp_path / "data", media=media) as daemon, client_of(daemon, "bob") as bob:
        room = await bob.direct("alice")
        await room.send("Where are you?")
        await room.timeline(1)
        yield World(daemon, bob, room.id, room.head)


async def last(world: World) -> Any:
    """Return the newest message of the room, as Bob has it."""
    (message,) = await world.bob.room(world.room).timeline(1)
    return message


async def test_pictures_are_chosen_described_and_seen_by_both(
    browser: Any, world: World, tmp_path: Path
) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        alice = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        bob = MediaPage(await chat_page(context, world.daemon, "bob", world.room), tmp_path)
        await alice.choose(alice.file("wide.png", png(640, 320)), alice.file("high.png", png(300, 500)))
        await alice.page.locator(".chosen-alt").first.click()
        await alice.page.get_by_label("What can be seen?").fill("A blue wall")
        await alice.page.get_by_role("button", name="Save").click()
        await alice.send("Here!")
        release = await bob.delayed("**/v1/media/**")
        await bob.tiles.nth(1).wait_for()
        before = await bob.boxes()
        await release()
        await bob.shown.nth(1).wait_for()
        assert await bob.boxes() == before  # nothing moved when they came
        await expect(bob.page.get_by_role("img", name="A blue wall")).to_have_count(1)
        await bob.page.get_by_role("button", name="A blue wall").click()
        await bob.viewer.get_by_role("img", name="A blue wall").wait_for()
        await bob.viewer.locator(".viewer-frame").dblclick()  # closer
        await bob.viewer.locator(".viewer-stage.closer").wait_for()
        await expect(bob.viewer.get_by_text("1 / 2")).to_have_count(1)
        app = AppPage(bob.page)
        await app.until_still()
        assert await app.findings() == []
        await bob.page.keyboard.press("ArrowRight")
        await bob.viewer.get_by_text("2 / 2").wait_for()
        await bob.page.keyboard.press("Escape")
        await bob.viewer.wait_for(state="detached")
        await bob.page.set_viewport_size({"width": 320, "height": 640})
        await bob.page.locator("[data-panes='1']").wait_for()  # the page learns of it with its next frame
        for direction in ("rtl", "ltr"):
            await bob.page.evaluate("(to) => { document.documentElement.dir = to }", direction)
            assert await app.overflow() == []
        message = await last(world)
        first, second = message.body["attachments"]
        assert (first["kind"], first["alt"], first["width"], first["height"]) == (
            "picture",
            "A blue wall",
            640,
            320,
        )
        assert "preview" in first
        assert "alt" not in second
        assert watch.errors == []
        host = "http://127.0.0.1"
        assert all(origin.replace("ws://", "http://").startswith(host) for origin in watch.origins)


async def test_a_file_goes_on_after_the_page_was_closed_and_arrives_once(
    browser: Any, world: World, tmp_path: Path
) -> None:
    content = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(30_000))
    async with watched_context(browser, **DESKTOP) as (context, _):
        alice = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        # A part comes to the server, and then the network is gone.
        await alice.page.evaluate(
            """() => {
              const slice = Blob.prototype.slice;
              Blob.prototype.slice = function (from, to) {
                return slice.call(this, from, Math.min(to, from + 200000));
              };
            }"""
        )
        patches: list[int] = []

        async def cut(route: Any) -> None:
            patches.append(1)
            await (route.abort() if len(patches) > 2 else route.continue_())

        await alice.page.route(
            "**/v1/files/**",
            lambda route: cut(route) if route.request.method == "PATCH" else route.continue_(),
        )
        await alice.choose(alice.file("map.bin", content))
        await alice.send()
        await until(lambda: len(patches) > 3)
        await alice.page.close()
        again = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        await until(lambda: world.bob.room(world.room).head > world.head)
        message = await last(world)
        assert await contents(world.bob, world.room, message.seq) == [content]
        assert message.body["attachments"][0]["name"] == "map.bin"
        await again.page.locator(".bubble.filed").wait_for()
        bob = MediaPage(await chat_page(context, world.daemon, "bob", world.room), tmp_path)
        async with bob.page.expect_download() as saving:
            await bob.page.locator("a.file").click()
        saved = await saving.value
        assert (saved.suggested_filename, Path(await saved.path()).read_bytes()) == ("map.bin", content)
        assert world.bob.room(world.room).head == world.head + 1


async def test_a_message_that_one_tab_paused_goes_on_in_another(
    browser: Any, world: World, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 100
    async with watched_context(browser, **DESKTOP) as (context, _):
        first = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        second = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        await first.page.route("**/v1/files/**", lambda route: route.abort())
        await first.choose(first.file("map.bin", content))
        await first.send("The map")
        await second.page.locator(".ring").wait_for()
        await first.page.locator(".ring").click()
        for tab in (first, second):
            await tab.page.locator(".ring.is-paused").wait_for()
        await second.page.get_by_role("button", name="Go on").first.click()
        # The first tab lets go of it when it was paused, or is closed.
        await first.page.close()
        await until(lambda: world.bob.room(world.room).head > world.head)
        message = await last(world)
        assert await contents(world.bob, world.room, message.seq) == [content]
        await second.page.locator(".ring").wait_for(state="detached")
        assert world.bob.room(world.room).head == world.head + 1


async def test_a_file_that_is_refused_says_why_and_what_can_be_done(
    browser: Any, world: World, tmp_path: Path
) -> None:
    async with watched_context(browser, **PHONE) as (context, _):
        alice = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        too_large = alice.file("film.bin", bytes(2 * MIB + 1))
        await alice.page.locator(".composer input[type=file]").set_input_files(str(too_large))
        await alice.page.locator(".notice").get_by_text("film.bin").wait_for()
        await alice.choose(alice.file("broken.png", b"no picture at all"))
        await alice.send()
        await alice.page.locator(".failed").get_by_text("broken.png").wait_for()
        await alice.page.get_by_role("button", name="作为文件发送").click()
        await until(lambda: world.bob.room(world.room).head > world.head)
        message = await last(world)
        assert message.body["attachments"][0]["kind"] == "file"
        for name in ("one.bin", "two.bin"):
            await alice.choose(alice.file(name, bytes(2 * MIB - 8)))
            await alice.send()
        await alice.page.locator(".failed").get_by_text("空间已用完").wait_for()
        app = AppPage(alice.page)
        await app.until_still()
        assert await app.findings() == []
        assert await app.overflow() == []
        await alice.page.locator(".failed .danger").click()
        await alice.page.locator(".failed").wait_for(state="detached")


@pytest.mark.skipif(bool(missing(VIDEO)), reason="pip install 'chatd[media]'")
async def test_a_voice_message_is_spoken_and_heard(browser: Any, world: World, tmp_path: Path) -> None:
    async with watched_context(browser, **PHONE) as (context, watch):
        alice = MediaPage(await chat_page(context, world.daemon, "alice", world.room), tmp_path)
        bob = MediaPage(await chat_page(context, world.daemon, "bob", world.room), tmp_path)
        # Held and slid to the side, it is dropped.
        box = await alice.page.locator(".mic").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await alice.page.mouse.move(x, y)
        await alice.page.mouse.down()
        await alice.page.locator(".recorder.held").get_by_text("0:01").wait_for()
        await alice.page.mouse.move(x - 60, y)
        await alice.page.mouse.move(x - 150, y)
        await alice.page.locator(".recorder").wait_for(state="detached")
        await alice.page.mouse.up()
        await alice.page.locator(".mic").click()
        await bob.page.locator(".chat-head .typing").get_by_text("正在录音…").wait_for()
        recorder = alice.page.locator(".recorder.locked")
        await recorder.get_by_text("0:01").wait_for()
        app = AppPage(alice.page)
        assert await app.findings() == []
        await recorder.locator(".send").click()
        await bob.page.locator(".voice-dot").wait_for()
        await bob.page.locator(".voice-play").click()
        await bob.page.locator(".voice-dot").wait_for(state="detached")
        await bob.page.locator(".voice-speed").wait_for()
        await bob.page.locator(".voice-speed").click()
        await expect(bob.page.locator(".voice-speed")).to_have_text("1.5×")
        # It is heard to its end.
        await bob.page.locator(".voice-speed").wait_for(state="detached")
        await until(lambda: world.bob.room(world.room).summary.played)
        assert world.bob.room(world.room).head == world.head + 1
        (attachment,) = (await last(world)).body["attachments"]
        assert attachment["kind"] == "voice"
        assert len(attachment["waveform"]) == 64
        assert attachment["duration"] >= 900
        assert watch.errors == []


async def test_files_are_dropped_and_pasted_and_the_view_stays(
    browser: Any, world: World, tmp_path: Path
) -> None:
    for number in range(30):
        await world.bob.room(world.room).send(f"A line of the evening, and a word more {number}.")
    async with watched_context(browser, **DESKTOP) as (context, watch):
        chat = await chat_page(context, world.daemon, "alice", world.room)
        alice = MediaPage(chat, tmp_path)
        await chat.rows.first.wait_for()
        async with chat.traced() as seen:
            await alice.transfer("dragenter", ".chat", ("a.txt", "text/plain", "dropped"))
            await alice.page.get_by_text("Drop files here").wait_for()
            await alice.transfer("drop", ".chat", ("a.txt", "text/plain", "dropped"))
            await alice.chosen.first.wait_for()
            await alice.transfer("paste", ".composer textarea", ("b.txt", "text/plain", "pasted"))
            await alice.chosen.nth(1).wait_for()
        assert moved(seen) <= 1
        app = AppPage(alice.page)
        await app.until_still()
        assert await app.findings() == []
        await alice.send("Two of them")
        await until(lambda: world.bob.room(world.room).head == world.head + 31)
        message = await last(world)
        assert await contents(world.bob, world.room, message.seq) == [b"dropped", b"pasted"]
        assert watch.errors == []


async def test_a_sticker_of_the_host_is_sent(browser: Any, world: World) -> None:
    app = world.daemon
    key = (await app.api("POST", "/v1/keys", name="app", scopes=["media"])).json["secret"]
    assert world.bob.media is not None
    host = MediaClient(world.bob.media["url"], key)
    async with watched_context(browser, **PHONE) as (context, watch):
        alice = await chat_page(context, app, "alice", world.room)
        open_list = AppPage(alice.page)
        await open_list.button("添加文件、贴纸、位置或名片")
        await alice.page.get_by_role("menuitem", name="贴纸").click()
        await open_list.dialog.get_by_text("这里还没有贴纸").wait_for()
        await alice.page.keyboard.press("Escape")
        for number in range(60):
            file = await host.upload(png(240, 120, number), "sticker", filename="a.png", filetype="image/png")
            assert (await app.api("PUT", f"/v1/stickers/wave-{number:02}", file=file)).status == 200
        assert (await world.bob.stickers(limit=1))["more"] == "wave-00"
        await open_list.button("添加文件、贴纸、位置或名片")
        await alice.page.get_by_role("menuitem", name="贴纸").click()
        await open_list.dialog.get_by_role("button", name="wave-03").wait_for()
        assert await open_list.findings() + await open_list.overflow() == []
        await open_list.dialog.get_by_role("button", name="显示更多").click()
        last_one = open_list.dialog.get_by_role("button", name="wave-59")
        await last_one.scroll_into_view_if_needed()
        await alice.page.wait_for_function(
            "() => [...document.querySelectorAll('.stickers img')].at(-1).naturalWidth > 0"
        )
        await last_one.click()
        sent = alice.page.locator("article.out").get_by_role("img", name="贴纸")
        await sent.locator("img").wait_for()
        card = (await last(world)).body["card"]
        assert (card["ref"], card["width"], card["height"]) == ("wave-59", 240, 120)
        assert watch.errors == []


async def test_people_and_chats_have_own_pictures(browser: Any, tmp_path: Path) -> None:
    media = {"enabled": True, "address": "127.0.0.1:0"}
    async with (
        web_daemon(tmp_path / "data", media=media, people={"enabled": True}) as daemon,
        client_of(daemon, "alice") as client,
        watched_context(browser, **DESKTOP) as (context, watch),
    ):
        room = (await client.create_group("Bike tour")).id
        app = AppPage(await open_as(context, daemon, "alice"))
        await app.page.locator(".list-head button").wait_for()
        picture = tmp_path / "picture.png"
        picture.write_bytes(png(600, 900))
        await app.go("me/card")
        for which in ("avatar", "cover"):
            choice = app.page.locator(f".own-picture:has(.of-{which})")
            await choice.locator("input[type=file]").set_input_files(str(picture))
            await app.dialog.get_by_role("slider").fill("40")
            await app.until_still()
            assert await app.findings() == []
            await app.dialog.get_by_role("button", name="Save").click()
            shown = choice.locator("img")
            await shown.wait_for()
            await app.page.wait_for_function(
                "(which) => document.querySelector(`.of-${which} img`).naturalWidth > 0", arg=which
            )
        (card,) = await client.fetch_users(["alice"])
        assert card["avatar"].startswith("media:")
        await app.go(f"r/{room}")
        await app.page.locator(".wallpaper-setting input[type=file]").set_input_files(str(picture))
        await app.page.locator('.chat[data-wallpaper^="media:"]').wait_for()
        await app.page.reload()
        await app.page.wait_for_function(
            "() => getComputedStyle(document.querySelector('.chat') ?? document.body).backgroundImage.includes('blob:')"
        )
        assert watch.errors == []
