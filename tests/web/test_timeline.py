"""The timeline of a chat in a real browser, against a real daemon: a view that only its reader moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from chatd.client import Client, Room
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.chat_page import ChatPage, chat_page, client_of, fill, moved, picture
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

WINDOW_MAX = 300
DESKTOP = {"viewport": {"width": 900, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Group(NamedTuple):
    """A group of alice, who looks at it in the browser, and bob, who writes."""

    daemon: RunningDaemon
    bob: Client
    room: Room

    async def opened(self, context: Any) -> ChatPage:
        return await chat_page(context, self.daemon, "alice", self.room.id)

    async def until_read(self, seq: int) -> None:
        """Wait until alice has read a message."""
        self.bob.focus([self.room])
        while (receipt := self.room.receipts.get("alice")) is None or receipt.read < seq:
            await asyncio.sleep(0.01)

    async def until_received(self, seq: int) -> None:
        """Wait until alice has received a message, shown or not."""
        self.bob.focus([self.room])
        while (receipt := self.room.receipts.get("alice")) is None or receipt.delivered < seq:
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def daemon(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDaemon]:
    async with late_pictures() as pictures:
        directory = tmp_path_factory.mktemp("timeline")
        async with web_daemon(directory, web={"media_origins": (pictures.origin,)}) as running:
            running.pictures = pictures  # type: ignore[attr-defined]
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def group(daemon: RunningDaemon) -> AsyncIterator[Group]:
    async with client_of(daemon, "bob") as bob:
        yield Group(daemon, bob, await bob.create_group("Bike tour", ["alice"]))


class LatePictures:
    """A server of pictures that come when the test wants them."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.asked = asyncio.Event()
        self.come = asyncio.Event()


@asynccontextmanager
async def late_pictures() -> AsyncIterator[LatePictures]:
    # One pixel; its box is that of the attachment.
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"/>'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        pictures.asked.set()
        await pictures.come.wait()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/svg+xml\r\nContent-Length: {len(svg)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + svg)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        pictures = LatePictures(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield pictures
        pictures.come.set()


async def test_only_the_reader_moves_the_view(browser: Any, group: Group) -> None:
    pictures: LatePictures = group.daemon.pictures  # type: ignore[attr-defined]
    seqs = await fill(group.room, 120)
    pictured = (await group.room.send(picture(f"{pictures.origin}/late.png"))).seq
    seqs += await fill(group.room, 150, 120)
    async with watched_context(browser, **DESKTOP) as (context, watch):
        chat = await group.opened(context)
        await chat.to_end()
        # Backwards, a page at a time, with a message in view traced over each load.
        while pictured not in await chat.seqs():
            count = len(await chat.seqs())
            async with chat.traced(scroll_to=900) as seen:
                await chat.until("(count) => document.querySelectorAll('article').length !== count", count)
            assert moved(seen) <= 1
        await chat.row(pictured).evaluate("(row) => row.scrollIntoView()")
        await chat.scroll_to(await chat.page.locator(".timeline").evaluate("(it) => it.scrollTop + 40"))
        await pictures.asked.wait()
        below = (await chat.in_view())[1]
        async with chat.traced(below) as seen:
            pictures.come.set()
            await chat.until(
                "(seq) => document.querySelector(`article[data-seq='${seq}'] img`).complete", pictured
            )
        assert moved(seen) <= 1

        async with chat.traced(below) as seen:
            # Out of view, and partly out of view: both grow by many lines.
            for target in (below - 20, (await chat.in_view())[0]):
                if target != pictured:
                    await group.room.edit(target, "edited\n" * 12)
            await group.room.react(below - 10, "👍")
            await group.room.recall(below - 8)
            await chat.until(
                "(seq) => document.querySelector(`article[data-seq='${seq}'] .reaction`)", below - 10
            )
            await chat.until(
                "(seq) => document.querySelector(`article[data-seq='${seq}'] .recalled`)", below - 8
            )
        assert moved(seen) <= 1

        before = await chat.seqs()
        async with chat.traced(below) as seen:
            await fill(group.room, 5, 900)
            await chat.page.locator(".chat-row", has_text="message 904").wait_for()
        assert moved(seen) <= 1
        assert await chat.seqs() == before, "what comes is not put into what is read"

        async with chat.traced(below) as seen:
            await chat.field.fill("one\ntwo\nthree\nfour")
            await chat.frames()
            await chat.field.fill("")
        assert moved(seen) <= 1
        first = (await chat.in_view())[0]
        async with chat.traced(first) as seen:
            for width in (600, 380, 900):
                await chat.page.set_viewport_size({"width": width, "height": 800})
                await chat.frames()
        assert moved(seen) <= 1
        assert watch.errors == []


async def test_a_reader_at_the_end_follows(browser: Any, group: Group) -> None:
    await fill(group.room, 80)
    async with watched_context(browser, **PHONE) as (context, _):
        chat = await group.opened(context)
        await chat.to_end()
        last = (await group.room.send("the newest\nof\nall")).seq
        await chat.row(last).wait_for()
        await chat.until_following()
        # The keyboard of the phone takes half of the window.
        await chat.page.set_viewport_size({"width": 390, "height": 420})
        await chat.frames()
        assert await chat.below() <= 1
        await group.until_read(last)
        await chat.page.set_viewport_size({"width": 390, "height": 844})
        await chat.scroll_to(0)
        unseen = (await group.room.send("unseen")).seq
        await chat.page.locator(".jump .badge", has_text="1").wait_for()
        await chat.page.locator(".jump").last.tap()
        await chat.saying("unseen").wait_for()
        await chat.until_following()
        await group.until_read(unseen)
        # Two messages above the end are enough not to follow.
        await chat.scroll_to(await chat.page.locator(".timeline").evaluate("(it) => it.scrollTop - 100"))
        async with chat.traced() as seen:
            await group.room.send("unseen, too")
            await chat.page.locator(".jump .badge", has_text="1").wait_for()
        assert moved(seen) <= 1
        await chat.scroll_to(0)
        await chat.field.fill("my own")
        await chat.page.locator(".send").tap()
        await chat.saying("my own").locator(".tick.sent, .tick.delivered, .tick.read").wait_for()
        await chat.until_following()


async def test_a_room_opens_at_the_first_unread_message_or_where_it_was_left(
    browser: Any, group: Group
) -> None:
    other = await group.bob.create_group("Other", ["alice"])
    seqs = await fill(group.room, 150)
    async with client_of(group.daemon, "alice") as alice:
        await alice.room(group.room.id).refresh()
        await alice.call({"type": "read", "room": group.room.id, "seq": seqs[59]})
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await group.opened(context)
        divider = chat.page.locator(".divider")
        await divider.wait_for()
        assert seqs[60] in await chat.in_view()
        assert await divider.evaluate("(it) => Number(it.nextElementSibling.dataset.seq)") == seqs[60]
        # What was in view is read, and no more.
        read_to = (await chat.in_view())[-1]
        unread = 150 - seqs.index(read_to) - 1
        await chat.until(
            "(count) => document.querySelector('.jump .badge')?.textContent === `${count}`", unread
        )
        await chat.scroll_to(await chat.page.locator(".timeline").evaluate("(it) => it.scrollTop + 2000"))
        await expect(divider, "the divider stays while the room is open").to_have_count(1)
        here = (await chat.in_view())[0]
        place = await chat.row(here).evaluate("(row) => row.getBoundingClientRect().top")
        await chat.open(other.id)
        await chat.open(group.room.id)
        await chat.row(here).wait_for()
        await chat.frames()
        assert abs(await chat.row(here).evaluate("(row) => row.getBoundingClientRect().top") - place) <= 1
        await expect(divider).to_have_count(0)


async def test_a_quote_leads_to_its_message_and_back(browser: Any, group: Group) -> None:
    seqs = await fill(group.room, 200)
    answer = await group.room.send({"text": "I do!", "reply_to": seqs[3]})
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await group.opened(context)
        await chat.to_end()
        await chat.row(answer.seq).locator(".quote", has_text="message 3").click()
        await chat.page.locator(f'article.marked[data-seq="{seqs[3]}"]').wait_for()
        await chat.page.locator("article.marked").wait_for(state="detached")
        assert seqs[3] in await chat.in_view()
        await chat.page.locator(".jump").first.click()
        await chat.until("(seq) => document.querySelector(`article[data-seq='${seq}']`)", answer.seq)
        await chat.page.locator(".quote").wait_for()
        assert answer.seq in await chat.in_view()


async def test_thousands_of_messages_in_seconds_end_in_the_right_place(browser: Any, group: Group) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        chat = await group.opened(context)
        await chat.page.locator(".note").first.wait_for()
        sent = 0
        for _ in range(15):
            await asyncio.gather(*(group.room.post(f"burst {sent + n}.") for n in range(100)))
            sent += 100
            assert len(await chat.seqs()) <= WINDOW_MAX
        await chat.saying(f"burst {sent - 1}.").wait_for()
        await chat.until_following()
        shown = await chat.seqs()
        assert len(shown) <= WINDOW_MAX
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        texts = await chat.page.evaluate(
            "() => [...document.querySelectorAll('article .text')].map((it) => it.firstChild.data)"
        )
        assert texts == [f"burst {n}." for n in range(sent - len(texts), sent)]
        assert watch.errors == []


# Frames are not drawn until `drawn()` is called.
HELD_FRAMES = """
() => {
  const [real, held] = [window.requestAnimationFrame, []];
  window.requestAnimationFrame = (callback) => held.push(callback);
  window.drawn = () => {
    window.requestAnimationFrame = real;
    for (const callback of held) real(callback);
  };
}"""


@pytest.mark.parametrize(("count", "rising"), [(3, 3), (30, 0)])
async def test_few_messages_rise_and_a_flood_is_just_there(
    browser: Any, group: Group, count: int, rising: int
) -> None:
    async with watched_context(browser, **DESKTOP) as (context, watch):
        chat = await group.opened(context)
        await chat.page.locator(".note").first.wait_for()
        await chat.page.evaluate(HELD_FRAMES)
        seqs = [(await group.room.send("one of them")).seq for _ in range(count)]
        await group.until_received(seqs[-1])
        await chat.page.evaluate("() => drawn()")
        await chat.row(seqs[-1]).wait_for()
        await expect(chat.rows).to_have_count(count)
        await expect(chat.page.locator("article.new")).to_have_count(rising)
        assert watch.errors == []


HOSTILE = {
    "script": "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title='hacked'\">",
    "javascript": "javascript:alert(1) https://good.example/a?b=1#c, data:text/html,x file:///etc/passwd",
    "host": "see https://bank.example@evil.example/login now",
    "override": "safe\u202egpj.exe and \u2066never closed\u2067",
    "word": "W" * 200,
    "mixed": "你好 مرحبا بالعالم 世界",
    "lines": "\n".join(f"line {n}" for n in range(120)),
}


async def test_hostile_text_is_text(browser: Any, group: Group) -> None:
    seqs = {name: (await group.room.send(text)).seq for name, text in HOSTILE.items()}
    seqs["long"] = (await group.room.send("x yz " * 3200)).seq
    foreign = {"url": "https://elsewhere.example/x.png", "mime": "image/png", "width": 4, "height": 3}
    script = {"url": "javascript:alert(1)", "mime": "image/svg+xml", "name": "picture.svg"}
    seqs["files"] = (await group.room.send({"attachments": [foreign, script]})).seq
    width = "() => document.querySelector('.timeline').scrollWidth - document.querySelector('.timeline').clientWidth"
    async with watched_context(browser, **PHONE) as (context, watch):
        chat = await group.opened(context)
        await chat.row(seqs["files"]).wait_for()
        assert await chat.page.evaluate(width) == 0
        for name in ("script", "word", "mixed", "override"):
            assert HOSTILE[name] in await chat.row(seqs[name]).locator(".text").inner_text()
        assert await chat.page.title() != "hacked"
        await expect(chat.page.locator("article script, article img")).to_have_count(0)
        files = chat.row(seqs["files"]).locator(".file")
        assert [await it.get_attribute("href") for it in await files.all()] == [foreign["url"], None]
        links = chat.row(seqs["javascript"]).locator(".text a")
        assert [await link.get_attribute("href") for link in await links.all()] == [
            "https://good.example/a?b=1#c"
        ]
        assert "(evil.example)" in await chat.row(seqs["host"]).inner_text()
        # A message that turns the direction leaves its time, and its neighbours, in order.
        times = [await chat.row(seqs[name]).locator(".meta").bounding_box() for name in ("override", "word")]
        assert all(times)
        for name, whole in (("lines", HOSTILE["lines"]), ("long", "x yz " * 3200)):
            text = chat.row(seqs[name]).locator(".text")
            folded = await text.inner_text()
            assert len(folded) < len(whole) * 2 // 3
            await text.locator(".unfold").tap()
            await text.locator(".unfold").wait_for(state="detached")
            assert whole.strip() in await text.inner_text()
        assert await chat.page.evaluate(width) == 0
        assert watch.errors == []


async def test_everything_is_within_reach_of_the_keyboard(browser: Any, group: Group) -> None:
    await fill(group.room, 30)
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await group.opened(context)
        await chat.to_end()
        await chat.say("mine")
        mine = chat.saying("mine")
        await mine.locator(".tick.sent, .tick.delivered, .tick.read").wait_for()
        keys = chat.page.keyboard
        focused = "(text) => document.activeElement.closest('article')?.textContent.includes(text)"
        await keys.press("Shift+Tab")
        while not await chat.page.evaluate("() => document.activeElement.closest('[role=feed]') !== null"):
            await keys.press("Shift+Tab")
        await keys.press("ArrowUp")
        await chat.until(focused, "mine")
        await keys.press("ArrowUp")
        await chat.until(focused, "message 29")
        await keys.press("Enter")
        menu = chat.page.get_by_role("menu")
        await menu.wait_for()
        await keys.press("Enter")
        await chat.saying("message 29").locator(".reaction.own").wait_for()
        await chat.until(focused, "message 29")
        await keys.press("ArrowDown")
        await keys.press("Enter")
        await menu.wait_for()
        await expect(menu.get_by_role("menuitem", name="Edit")).to_have_count(1)
        for _ in range(await menu.get_by_role("button").count() + 20):
            if await chat.page.evaluate("() => document.activeElement.matches('.danger')"):
                break
            await keys.press("ArrowDown")
        await keys.press("Enter")
        await chat.page.get_by_role("dialog").wait_for()
        await chat.page.locator("dialog .button.primary").press("Enter")
        await mine.wait_for(state="detached")
        await chat.page.locator("article .recalled").wait_for()
        # A letter typed beside the composer goes into it.
        await chat.row(await last_of(chat)).focus()
        await keys.press("h")
        await expect(chat.field).to_have_value("h")


async def test_a_long_press_opens_the_menu_and_a_swipe_answers(browser: Any, group: Group) -> None:
    asked = await group.room.send("Who brings the map?")
    async with watched_context(browser, **PHONE) as (context, watch):
        chat = await group.opened(context)
        bubble = chat.row(asked.seq).locator(".bubble")
        await bubble.wait_for()
        box = await bubble.bounding_box()
        assert box is not None
        cdp = await context.new_cdp_session(chat.page)

        async def touch(kind: str, **at: float) -> None:
            await cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at] if at else []})

        middle = {"x": box["x"] + 40, "y": box["y"] + 20}
        await touch("touchStart", **middle)
        menu = chat.page.get_by_role("menu")
        await menu.wait_for()
        await touch("touchEnd")
        await menu.get_by_role("menuitemcheckbox", name="👍").tap()
        await chat.row(asked.seq).locator(".reaction.own").wait_for()
        await menu.wait_for(state="detached")

        await touch("touchStart", **middle)
        for step in range(1, 11):
            await touch("touchMove", x=middle["x"] + 10 * step, y=middle["y"])
        await touch("touchEnd")
        await chat.page.locator(".composer-quote", has_text="Who brings the map?").wait_for()
        await chat.field.fill("Me!")
        # Not tapped: Chromium takes a tap right behind a swipe for its end.
        await chat.page.locator(".send").click()
        await chat.saying("Me!").locator(".quote", has_text="Who brings the map?").wait_for()
        assert watch.errors == []


async def last_of(chat: ChatPage) -> int:
    return (await chat.seqs())[-1]


async def test_ticks_typing_and_lines_of_the_system_follow_the_others(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with client_of(daemon, "bob") as bob, watched_context(browser, **DESKTOP) as (context, _):
        room = await bob.direct("alice")
        greeting = await room.send("hello")
        chat = await chat_page(context, daemon, "alice", room.id)
        await chat.row(greeting.seq).wait_for()
        # The room was shorter than the window, and is followed all the same.
        await chat.row((await fill(room, 30))[-1]).wait_for()
        await chat.until_following()
        bob.focus([room])
        await chat.say("how are you?")
        asked = chat.saying("how are you?")
        await asked.locator(".tick.delivered").wait_for()
        room.read()
        await asked.locator(".tick.read").wait_for()
        room.typing()
        await chat.page.locator(".typing-line.shown", has_text="Bob").wait_for()
        await room.send("fine")
        await chat.page.locator(".typing-line.shown").wait_for(state="detached")
        group = await bob.create_group("Before", ["alice"])
        await group.update(title="After")
        await chat.open(group.id)
        await chat.page.locator(".note", has_text="After").wait_for()
        await expect(chat.page.locator(".note").first).to_have_text("\u2068Bob\u2069 created the group")
