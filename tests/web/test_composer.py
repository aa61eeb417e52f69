"""The composer of a chat in a real browser, against a real daemon: what was typed is never lost, and sent once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio

from bench.machine import free_ports
from chatd.client import Client, Room
from chatd.config.model import Config
from tests.kit.browser import BROWSER, expect, open_as, watched_context, web_daemon
from tests.kit.chat_page import ChatPage, chat_page, client_of
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

DESKTOP = {"viewport": {"width": 900, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
STORED = ".tick.sent, .tick.delivered, .tick.read"
LINE_PX = 22


class Talk(NamedTuple):
    """A group of alice, who writes in the browser, bob and carol."""

    daemon: RunningDaemon
    bob: Client
    room: Room

    async def opened(self, context: Any) -> ChatPage:
        return await chat_page(context, self.daemon, "alice", self.room.id)

    async def said(self) -> list[str]:
        """Return the texts of alice that the server has, in their order."""
        page = await self.room.history(limit=100)
        return [message.text for message in page.messages if message.user == "alice"]

    async def until_said(self, *texts: str) -> None:
        while tuple(await self.said()) != texts:
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def daemon(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDaemon]:
    # A port that it keeps when it is started again.
    listen = {"address": f"127.0.0.1:{free_ports(1)[0]}"}
    async with web_daemon(tmp_path_factory.mktemp("composer"), listen=listen) as running:
        await running.api("PUT", "/v1/users/carol", name="Carol Green")
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def talk(daemon: RunningDaemon) -> AsyncIterator[Talk]:
    async with client_of(daemon, "bob") as bob:
        yield Talk(daemon, bob, await bob.create_group("Bike tour", ["alice", "carol"]))


async def test_enter_sends_with_a_mouse_and_breaks_the_line_on_a_screen(browser: Any, talk: Talk) -> None:
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        keys = chat.page.keyboard
        height = await chat.field.evaluate("(it) => it.offsetHeight")
        # It has the focus already.
        await keys.type("one")
        await keys.press("Shift+Enter")
        await keys.type("two")
        await chat.frames()
        assert await chat.field.evaluate("(it) => it.offsetHeight") == height + LINE_PX
        await keys.press("Enter")
        await expect(chat.field).to_have_value("")
        await chat.saying("one\ntwo").locator(STORED).wait_for()
        await chat.field.fill("line\n" * 30)
        await chat.frames()
        assert await chat.field.evaluate("(it) => it.offsetHeight") == height + 7 * LINE_PX
        await chat.field.fill("   \n ")
        await keys.press("Enter")
    async with watched_context(browser, **PHONE) as (context, _):
        chat = await talk.opened(context)
        await chat.field.tap()
        await chat.page.keyboard.type("three")
        await chat.page.keyboard.press("Enter")
        await chat.page.keyboard.type("four")
        await expect(chat.field).to_have_value("three\nfour")
        await chat.page.locator(".send").tap()
        await talk.until_said("one\ntwo", "three\nfour")


async def test_enter_within_a_composition_sends_nothing(browser: Any, talk: Talk) -> None:
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        cdp = await context.new_cdp_session(chat.page)
        await cdp.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
        # The Enter that takes the composition over, as an input method reports it.
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        await cdp.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
        await expect(chat.field).to_have_value("nihao")
        await cdp.send("Input.insertText", {"text": "你好"})
        await expect(chat.field).to_have_value("你好")
        # Safari ends the composition first, and then reports its Enter with this code.
        late = """
        (it) => {
          const pressed = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true };
          return it.dispatchEvent(new KeyboardEvent("keydown", pressed));
        }"""
        assert await chat.field.evaluate(late), "the key is left to the field"
        await expect(chat.field).to_have_value("你好")
        await chat.page.keyboard.press("Enter")
        await talk.until_said("你好")


async def test_answers_edits_and_mentions(browser: Any, talk: Talk) -> None:
    asked = await talk.room.send("Who brings the map?")
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        keys = chat.page.keyboard
        await chat.row(asked.seq).hover()
        await chat.row(asked.seq).get_by_role("button", name="Reply").click()
        await chat.page.locator(".composer-quote", has_text="Who brings the map?").wait_for()
        await keys.type("Me, or @car")
        await chat.page.get_by_role("option", name="Carol Green").wait_for()
        await keys.press("Enter")
        await expect(chat.field).to_have_value("Me, or @Carol Green ")
        await keys.press("Enter")
        await chat.saying("Me, or").locator(".mention", has_text="@Carol Green").wait_for()
        await talk.until_said("Me, or @Carol Green")
        (answer,) = [it for it in (await talk.room.history()).messages if it.user == "alice"]
        assert answer.body is not None
        assert (answer.body["reply_to"], answer.body["mentions"]) == (asked.seq, ["carol"])

        await chat.saying("Me, or").locator(STORED).wait_for()
        await keys.press("ArrowUp")
        await expect(chat.field).to_have_value("Me, or @Carol Green")
        await keys.press("Escape")
        await expect(chat.field).to_have_value("")
        await expect(chat.page.locator(".chat"), "Escape left the edit, and not the chat").to_have_count(1)
        await keys.press("ArrowUp")
        await keys.press("End")
        await keys.type("!")
        await keys.press("Enter")
        await talk.until_said("Me, or @Carol Green!")
        await chat.saying("@Carol Green!").get_by_text("edited").wait_for()
        (answer,) = [it for it in (await talk.room.history()).messages if it.user == "alice"]
        assert answer.body is not None
        assert (answer.body["reply_to"], answer.body["mentions"]) == (asked.seq, ["carol"])


async def test_only_text_is_pasted_and_the_bytes_left_are_counted(browser: Any, talk: Talk) -> None:
    paste = """
    (it) => {
      const data = new DataTransfer();
      data.setData("text/html", "<b>bold</b>");
      data.setData("text/plain", "bold");
      return it.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }"""
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        assert await chat.field.evaluate(paste), "the field takes the plain text by itself"
        counter = chat.page.locator(".composer-left")
        await chat.field.fill("汉" * 5000)
        await expect(counter).to_have_count(0)
        await chat.field.fill("汉" * 5400)
        await expect(counter).to_have_text(str(16384 - 64 - 3 * 5400))
        await chat.field.fill("汉" * 5500)
        await expect(chat.page.locator(".send")).to_be_disabled()
        await chat.field.press("Enter")
        await expect(chat.field).to_have_value("汉" * 5500)
        await chat.field.fill("汉" * 5440)
        await chat.field.press("Enter")
        await talk.until_said("汉" * 5440)


async def test_a_refused_message_can_be_sent_again_or_deleted(browser: Any, talk: Talk) -> None:
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        await chat.say("before")
        await chat.saying("before").locator(STORED).wait_for()
        await talk.daemon.stop()
        for text in ("first " * 480, "second " * 400):
            await chat.say(text)
            await chat.saying(text[:70].strip()).locator(".tick.waiting").wait_for()
        talk.daemon.config = with_body_bytes(talk.daemon.config, 1024)
        await talk.daemon.start_again()
        for text in ("first", "second"):
            await chat.saying(text).locator(".tick.failed").wait_for()
        await chat.saying("first first").get_by_role("button", name="Delete").click()
        await chat.saying("first first").wait_for(state="detached")
        await talk.daemon.restart(limits={"body_bytes": 16384})
        await chat.saying("second second").get_by_role("button", name="Resend").click()
        await chat.saying("second second").locator(STORED).wait_for()
        await talk.until_said("before", ("second " * 400).strip())


async def test_what_was_typed_outlives_its_tab_and_is_sent_once(browser: Any, talk: Talk) -> None:
    asked = await talk.room.send("What do you think?")
    async with watched_context(browser, **DESKTOP) as (context, _):
        chat = await talk.opened(context)
        # Another tab learns of a draft when it is stored.
        other = await open_as(context, talk.daemon, "alice")
        draft = other.locator(".chat-row", has_text="Draft:")
        await chat.row(asked.seq).hover()
        await chat.row(asked.seq).get_by_role("button", name="Reply").click()
        await chat.field.press_sequentially("half a thought")
        await draft.filter(has_text="half a thought").wait_for()
        await kill(chat.page)

        chat = await talk.opened(context)
        await chat.page.locator(".composer-quote", has_text="What do you think?").wait_for()
        await chat.page.wait_for_function(SHOWS, arg="half a thought")
        # The tab ends while it sends: the text is in the outbox, or still in the composer, and in one of them.
        await chat.field.press("Enter")
        await kill(chat.page)
        chat = await talk.opened(context)
        await chat.page.wait_for_function(SHOWS_OR_SAYS, arg="half a thought")
        if await chat.field.input_value():
            await chat.field.press("Enter")
        await talk.until_said("half a thought")
        await chat.saying("half a thought").locator(STORED).wait_for()
        await draft.wait_for(state="detached")

        await chat.field.fill("the next one")
        await draft.filter(has_text="the next one").wait_for()
        await chat.saying("half a thought").click(button="right")
        await chat.page.get_by_role("menuitem", name="Edit").click()
        await chat.field.fill("a whole thought")
        # Hidden, it stores at once what was typed.
        await chat.page.evaluate(HIDE)
        await chat.page.locator(".composer-context").wait_for()
        await chat.frames()
        await kill(chat.page)
        chat = await talk.opened(context)
        await chat.page.wait_for_function(SHOWS, arg="a whole thought")
        await chat.field.press("Enter")
        await talk.until_said("a whole thought")
        await chat.page.wait_for_function(SHOWS, arg="the next one")

        # A tab where nobody types follows the one where somebody does.
        await other.evaluate("() => { document.hasFocus = () => false }")
        await ChatPage(other).open(talk.room.id)
        await other.wait_for_function(SHOWS, arg="the next one")
        await chat.field.press("Enter")
        await talk.until_said("a whole thought", "the next one")
        await other.wait_for_function(SHOWS, arg="")


SHOWS = "(text) => document.querySelector('.composer textarea')?.value === text"
SHOWS_OR_SAYS = """(text) => document.querySelector('.composer textarea')?.value === text
  || [...document.querySelectorAll('article')].some((said) => said.textContent.includes(text))"""

HIDE = """
() => {
  Object.defineProperty(document, "hidden", { value: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def kill(page: Any) -> None:
    """End a tab as a lack of memory does: without a word to it."""
    ended = asyncio.Event()
    page.on("crash", lambda _: ended.set())
    cdp = await page.context.new_cdp_session(page)
    crash = asyncio.ensure_future(cdp.send("Page.crash"))
    await ended.wait()
    crash.cancel()
    await page.close()


def with_body_bytes(config: Config, count: int) -> Config:
    return msgspec.structs.replace(config, limits=msgspec.structs.replace(config.limits, body_bytes=count))
