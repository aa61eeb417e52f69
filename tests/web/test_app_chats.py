"""The web client in a real browser against a real daemon: the list of chats, groups, search and the keyboard."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.kit.app_page import app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.waiting import until

pytestmark = BROWSER

MANY = 2000
MEMBERS = 10_000
DOM_ROWS_MAX = 60  # of a list of 72 px rows in a window of 800 px, with those beyond its edges


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(built: Path, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path) as running:
        yield running


async def test_two_windows_chat_with_each_other(browser: Any, daemon: RunningDaemon) -> None:
    async with (
        watched_context(browser) as (hers, watch),
        watched_context(browser, viewport={"width": 390, "height": 844}) as (his, other_watch),
    ):
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await alice.begin_chat("bob")
        await alice.say("Who brings the map?")
        row = bob.row("Alice").filter(has_text="Who brings the map?")
        await row.get_by_label("1 unread message").wait_for()
        await bob.until_title("(1) chatd")
        await row.click()
        await bob.until_title("chatd")
        await bob.field.press_sequentially("Me")
        await alice.page.locator(".chat-head").get_by_text("typing…").wait_for()
        await alice.row("Bob").get_by_text("typing…").wait_for()
        await bob.field.press("Enter")
        await alice.row("Bob").get_by_text("Me", exact=True).wait_for()
        await alice.say("Good")
        await alice.row("Bob").get_by_label("Read", exact=True).wait_for()
        await bob.button("Back")
        await bob.rows.first.wait_for()
        assert watch.errors == other_watch.errors == []


async def test_the_list_is_sorted_and_says_what_waits(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "bob") as bob:
        rooms = {name: await bob.create_group(name, ["alice"]) for name in ("One", "Two", "Three")}
        for name in rooms:
            await rooms[name].send(f"first of {name}")
        app = await app_page(context, daemon, "alice")
        await app.until_names("Three", "Two", "One")
        await rooms["One"].send({"text": "@Alice?", "mentions": ["alice"]})
        await app.until_names("One", "Three", "Two")
        await app.row("One").get_by_label("1 mention").wait_for()
        await app.until_title("(4) chatd")

        await app.go(f"r/{rooms['Two'].id}/about")
        await app.page.get_by_label("Pin to the top").check()
        await app.page.get_by_role("combobox", name="Mute").select_option("ever")
        await app.until_names("Two", "One", "Three")
        await app.row("Two").get_by_label("Muted").wait_for()
        await app.until_title("(3) chatd")

        await app.go(f"r/{rooms['Three'].id}")
        await app.field.fill("I could also ask")
        await app.row("One").click()
        await app.row("Three").get_by_text("Draft:").wait_for()
        await app.go(f"r/{rooms['Three'].id}/about")
        await app.page.get_by_label("Hide from the list").click()
        await app.row("Three").wait_for(state="detached")
        assert watch.errors == []


async def test_a_group_from_its_creation_to_its_end(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser, viewport={"width": 1360, "height": 860}) as (context, watch):
        async with client_of(daemon, "bob") as bob:
            await (await bob.direct("alice")).send("Hi")
            app = await app_page(context, daemon, "alice")
            await app.button("New chat")
            await app.dialog.get_by_text("Group", exact=True).click()
            await app.dialog.get_by_label("Name of the group").fill("Bike tour")
            await app.dialog.get_by_role("button", name="Bob").click()
            await app.button("Create group")
            members = app.page.get_by_role("list", name="Members")
            await members.get_by_text("owner").wait_for()
            await app.until_names("Bike tour", "Bob")
            await app.page.reload()
            await app.until_names("Bike tour", "Bob")
            await app.button("Add members")
            await app.dialog.get_by_label("Name or user ID").fill("carol")
            await app.dialog.get_by_label("Name or user ID").press("Enter")
            await app.button("Add 1 person")
            await members.get_by_text("carol").first.wait_for()
            await app.page.locator(".chat-head").get_by_text("3 members\u2069, 2 online").wait_for()
            await app.page.get_by_role("button", name="What to do with").first.click()
            await app.page.locator("[role=menuitem]:focus").wait_for()
            # A key that comes before the menu has the focus comes from the button.
            await app.page.get_by_role("button", name="What to do with").first.focus()
            address = await app.page.evaluate("location.hash")
            await app.page.keyboard.press("Escape")
            await app.page.get_by_role("menuitem").first.wait_for(state="detached")
            assert await app.page.evaluate("location.hash") == address, (
                "Escape closed the menu, and not the page below it"
            )
            await app.page.get_by_role("button", name="What to do with").first.click()
            await app.page.get_by_role("menuitem", name="Make admin").click()
            await members.get_by_text("admin").wait_for()
            await app.button("Rename group")
            await app.dialog.get_by_label("Name of the group").fill("River tour")
            await app.button("Save")
            await app.row("River tour").wait_for()
            await until(lambda: "River tour" in [room.summary.title for room in bob.rooms.values()])
            (room,) = (room for room in bob.rooms.values() if room.summary.title == "River tour")
            assert {member.user: member.role async for member in room.members()} == {
                "alice": "owner", "bob": "admin", "carol": "member",
            }  # fmt: skip
            await app.page.get_by_role("button", name="What to do with \u2068carol").click()
            await app.page.get_by_role("menuitem", name="Remove from group").click()
            await app.dialog.get_by_role("button", name="Remove").click()
            await members.get_by_text("carol").first.wait_for(state="detached")
            await app.button("Leave group")
            await app.dialog.get_by_role("button", name="Leave").click()
            await app.row("River tour").wait_for(state="detached")
            assert [member.user async for member in room.members()] == ["bob"]
        assert watch.errors == []


async def test_two_thousand_chats_are_few_rows_and_are_found(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "alice") as alice:
        # Not all at once: a request has 30 s, also on a machine that is busy.
        for first in range(0, MANY, 100):
            await asyncio.gather(*(alice.create_group(f"Room {first + n:04}") for n in range(100)))
        app = await app_page(context, daemon, "alice")
        listed = (
            "(count) => document.querySelector('.list .row')?.getAttribute('aria-setsize') === String(count)"
        )
        await app.page.wait_for_function(listed, arg=MANY)
        assert await app.rows.count() < DOM_ROWS_MAX
        await app.rows.first.focus()
        await app.page.keyboard.press("End")
        await app.page.locator(f'.list [aria-posinset="{MANY}"]').wait_for()
        assert await app.rows.count() < DOM_ROWS_MAX
        await app.search.fill("room 1234")
        await app.page.wait_for_function(listed, arg=1)
        await app.search.press("Enter")
        await app.title.get_by_text("Room 1234").wait_for()
        await app.search.fill("nothing like it")
        await app.page.get_by_text("No chat is called").wait_for()
        assert watch.errors == []


async def test_everything_is_reached_by_the_keyboard(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "bob") as bob:
        for name in ("One", "Two", "Three"):
            await (await bob.create_group(name, ["alice"])).send("Hi")
        app = await app_page(context, daemon, "alice")
        keys = app.page.keyboard
        await app.until_names("Three", "Two", "One")
        await keys.press("Control+k")
        await keys.type("two")
        await keys.press("Enter")
        await app.title.get_by_text("Two").wait_for()
        await app.page.wait_for_function("() => document.activeElement.matches('.composer textarea')")
        await keys.type("On my way")
        await keys.press("Enter")
        await app.until_names("Two", "Three", "One")
        await keys.press("Alt+ArrowDown")
        await app.title.get_by_text("Three").wait_for()
        await keys.press("Alt+ArrowUp")
        await app.title.get_by_text("Two").wait_for()
        await keys.press("Control+k")
        await keys.press("ArrowDown")
        await keys.press("ArrowDown")
        await keys.press("Enter")
        await app.title.get_by_text("Three").wait_for()
        await keys.press("Control+k")
        await keys.press("Escape")
        await app.page.get_by_text("Choose a chat").wait_for()
        await app.page.get_by_role("button", name="New chat").focus()
        await keys.press("Enter")
        await app.dialog.wait_for()
        await keys.press("Escape")
        await app.dialog.wait_for(state="detached")
        back = "() => document.activeElement.ariaLabel === 'New chat'"
        await app.page.wait_for_function(back)
        assert watch.errors == []


async def test_a_group_is_joined_by_its_link_and_a_hidden_one_is_found(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "bob") as bob:
        room = await bob.create_group("Open house", public=True)
        await room.send("Welcome")
        app = await app_page(context, daemon, "alice")
        await app.go(f"r/{room.id}")
        await app.page.get_by_role("heading", name="You are not in this chat").wait_for()
        await app.button("Join the group")
        await app.title.get_by_text("Open house").wait_for()
        await app.row("Open house").wait_for()
        await app.go(f"r/{room.id}/about")
        await app.page.get_by_label("Hide from the list").click()
        await app.row("Open house").wait_for(state="detached")
        await app.search.fill("open")
        await app.row("Open house").click()
        await app.title.get_by_text("Open house").wait_for()
        assert watch.errors == []


async def test_ten_thousand_members_come_page_by_page(browser: Any, daemon: RunningDaemon) -> None:
    async with watched_context(browser) as (context, watch), client_of(daemon, "alice") as alice:
        users = [f"user-{number:04}" for number in range(MEMBERS - 1)]
        room = await alice.create_group("Everybody", users[:100])
        await asyncio.gather(*(room.add(users[first : first + 100]) for first in range(100, len(users), 100)))
        app = await app_page(context, daemon, "alice")
        await app.go(f"r/{room.id}/about")
        await app.page.get_by_role("heading", name="10,000 members").wait_for()
        members = app.page.locator(".member")
        scroller = app.page.locator(".scroller", has=members)
        await app.page.locator(".members-head").scroll_into_view_if_needed()
        await members.filter(has_text="owner").wait_for()
        for page in range(1, 4):
            await scroller.evaluate("(it) => { it.scrollTop = it.scrollHeight }")
            await app.page.wait_for_function(
                "(least) => document.querySelector('.row:has(.member)').getAttribute('aria-setsize') > least",
                arg=100 * page,
            )
        assert await members.count() < DOM_ROWS_MAX
        await scroller.evaluate("(it) => { it.scrollTop = 0 }")
        await app.page.get_by_label("Find members by user ID").fill("user-9876")
        await members.filter(has_text="user-9876").wait_for()
        await expect(members).to_have_count(1)
        assert watch.errors == []
