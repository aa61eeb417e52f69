"""Groups, folders and drafts in the web client, against the daemon: what one does in one window shows in another."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatd.client import Client
from tests.kit import demo_chats
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.daemon import RunningDaemon

pytestmark = BROWSER

PHONE = {"viewport": {"width": 390, "height": 844}}


class World:
    """A daemon with chats, two of its groups, and clients of others."""

    def __init__(self, daemon: RunningDaemon, rooms: dict[str, str], clients: dict[str, Client]) -> None:
        self.daemon = daemon
        self.tour = rooms["tour"]
        self.hike = rooms["hike"]
        self.clients = clients


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(built: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with web_daemon(tmp_path_factory.mktemp("groups")) as daemon, demo_chats.people(daemon) as clients:
        yield World(daemon, await demo_chats.fill(clients), clients)


async def _show(app: AppPage, action: str) -> None:
    await app.page.locator("button.setting", has_text=action).click()
    await app.dialog.wait_for()


async def _submit(app: AppPage) -> None:
    await app.dialog.locator("button[type=submit]").click()
    await app.dialog.wait_for(state="detached")


async def _on_row(app: AppPage, chat: str, item: str) -> None:
    """Choose an item of the menu of a chat in the list."""
    await app.row(chat).click(button="right")
    await app.page.get_by_role("menuitem", name=item).click()


async def _on_member(app: AppPage, name: str, item: str) -> None:
    member = app.page.locator(".member", has_text=name)
    await member.scroll_into_view_if_needed()
    await member.get_by_role("button").click()
    await app.page.get_by_role("menuitem", name=item).click()


async def test_an_admin_governs_a_group_and_its_members_see_it(browser: Any, world: World) -> None:
    desktop = {"viewport": {"width": 1360, "height": 1600}}
    async with (
        watched_context(browser, **desktop) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        alice = await app_page(context, world.daemon, "alice")
        bob = await app_page(other_context, world.daemon, "bob")
        for app in (alice, bob):
            await app.go(f"r/{world.tour}")
        await _show(alice, "My name in this group")
        await alice.dialog.get_by_label("Name in this group").fill("Captain")
        await _submit(alice)
        await bob.page.locator(".author", has_text="Captain").first.wait_for()
        await _show(alice, "Rules of the group")
        await alice.dialog.get_by_label("Slow mode").select_option("3600")
        await bob.page.locator(".waits", has_text="Slow mode").wait_for()
        await alice.page.keyboard.press("Escape")
        row = alice.page.locator("article", has_text="The café at the lock")
        await row.click(button="right")
        await alice.page.get_by_role("menuitem", name="Announce to the group").click()
        await bob.page.locator(".room-bar", has_text="The café at the lock").wait_for()
        await _on_member(alice, "Bob Miller", "Silence for an hour")
        await bob.page.locator(".waits.alone").wait_for()
        await expect(bob.field).to_have_count(0)
        await _on_member(alice, "Bob Miller", "Let them write again")
        await bob.field.wait_for()
        await _on_member(alice, "Bob Miller", "Remove and ban")
        await _submit(alice)
        await bob.page.get_by_text("You are not in this chat").wait_for()
        await _show(alice, "Banned people")
        # For good: there is no end of it to tell.
        await expect(alice.dialog.locator(".setting-text .small")).to_have_count(0)
        await alice.dialog.locator("button", has_text="Admit again").click()
        await alice.dialog.get_by_text("Nobody is banned.").wait_for()
        assert watch.errors == []


async def test_who_wrote_on_another_device_is_told_how_long_slow_mode_lets_them_wait(
    browser: Any, world: World
) -> None:
    group = await world.clients["carol"].create_group("Slow lane", ["bob"])
    await world.clients["carol"].room(group.id).update(policy={"slow_s": 3600})
    await world.clients["bob"].room(group.id).send("From my phone")
    async with watched_context(browser, **PHONE) as (context, watch):
        bob = await app_page(context, world.daemon, "bob")
        await bob.go(f"r/{group.id}")
        await bob.page.locator(".waits", has_text="Slow mode").wait_for()
        assert watch.errors == []


async def test_one_enters_a_group_by_its_link_and_others_ask_an_admin(browser: Any, world: World) -> None:
    async with (
        watched_context(browser, **PHONE) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        alice = await app_page(context, world.daemon, "alice")
        bob = await app_page(other_context, world.daemon, "bob")
        await bob.go("invite/AAAAAAAAAAAAAAAAAAAAAA")
        await bob.page.get_by_text("This link does not work").wait_for()
        await alice.go(f"r/{world.hike}/about")
        await _show(alice, "Invite links")
        for _ in ("the list", "a new link"):
            await alice.dialog.locator("button[type=submit]").click()
        address = await alice.dialog.locator(".code-address").inner_text()
        await bob.page.goto(address)
        await bob.page.locator(".room-card", has_text="周末爬山").wait_for()
        await bob.button("Join")
        await bob.say("Room for one more?")
        await bob.page.locator("article", has_text="Room for one more?").wait_for()
        await bob.page.goto(address)
        await bob.page.get_by_text("You are in this group.").wait_for()
        await alice.button("Revoke")
        await alice.dialog.get_by_text("There is no link yet.").wait_for()
        await alice.page.keyboard.press("Escape")
        await _show(alice, "Rules of the group")
        await alice.dialog.get_by_label("Who may come in").select_option("request")
        await alice.page.keyboard.press("Escape")
        await alice.go(f"r/{world.hike}")
        asked = {"type": "room.join", "room": world.hike, "key": "AZqxkQ2aB2cD3eF4gH5iJk", "text": "It is me"}
        await world.clients["carol"].call(asked)
        await alice.page.get_by_role("button", name="1 person asks to join").click()
        await alice.dialog.locator(".request", has_text="It is me").wait_for()
        await alice.dialog.locator("button", has_text="Let in").click()
        await alice.dialog.get_by_text("Nobody waits.").wait_for()
        await alice.page.locator(".room-bar-action").wait_for(state="detached")
        assert watch.errors == []


async def test_who_is_banned_is_shown_a_page_at_a_time(browser: Any, world: World) -> None:
    alice, room = world.clients["alice"], world.clients["alice"].room(world.hike)
    for part in range(2):
        users = [f"stranger{number}" for number in range(60 * part, 60 * part + 60)]
        await alice.call(
            {
                "type": "members.remove",
                "room": room.id,
                "key": f"AZqxkQ2aB2cD3eF4gH5iB{part}",
                "users": users,
                "ban": True,
            }
        )
    async with watched_context(browser, **PHONE) as (context, watch):
        page = await app_page(context, world.daemon, "alice")
        await page.go(f"r/{world.hike}/about")
        await _show(page, "Banned people")
        await page.dialog.get_by_text("stranger0", exact=True).wait_for()
        await expect(page.dialog.locator(".setting")).to_have_count(100)
        await page.dialog.locator("button", has_text="Show more").click()
        await page.dialog.get_by_text("stranger99", exact=True).wait_for()
        assert watch.errors == []


async def test_the_page_of_an_invite_says_whether_an_admin_decides(browser: Any, world: World) -> None:
    carol = world.clients["carol"]
    group = await carol.create_group("By invitation", [])
    await carol.room(group.id).update(policy={"join": "request"})
    async with watched_context(browser, **PHONE) as (context, watch):
        bob = await app_page(context, world.daemon, "bob")
        for approve, button in ((True, "Ask to join"), (False, "Join")):
            request = {"type": "invites.create", "room": group.id, "key": f"AZqxkQ2aB2cD3eF4gH5iJ{approve:d}"}
            reply = await carol.call({**request, "approve": approve})
            await bob.go(f"invite/{reply['invite']['invite']}")
            await bob.page.get_by_role("button", name=button, exact=True).wait_for()
        assert watch.errors == []


async def test_folders_an_archive_and_a_mark_are_on_all_devices(browser: Any, world: World) -> None:
    async with (
        watched_context(browser, **PHONE) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        app = await app_page(context, world.daemon, "alice")
        other = await app_page(other_context, world.daemon, "alice")
        await _on_row(app, "Carol Green", "Archive")
        await other.row("Carol Green").wait_for(state="detached")
        await other.page.locator(".folder", has_text="Archive").click()
        await other.until_names("Carol Green")
        await _on_row(other, "Carol Green", "Take out of the archive")
        await app.row("Carol Green").wait_for()
        # An archive without chats is no folder.
        await other.row("Eve Österreich").wait_for()
        await _on_row(app, "Eve Österreich", "Mark as unread")
        await other.row("Eve Österreich").get_by_label("Marked as unread").wait_for()
        await _on_row(app, "Eve Österreich", "Folder")
        await app.dialog.get_by_role("button", name="New folder").click()
        await app.dialog.get_by_role("button", name="New folder").click()
        await app.dialog.get_by_label("Name of the folder").fill("Work")
        await _submit(app)
        await other.page.locator(".folder", has_text="Work").click()
        await other.until_names("Eve Österreich")
        await other.row("Eve Österreich").click()
        await app.row("Eve Österreich").get_by_label("Marked as unread").wait_for(state="detached")
        assert watch.errors == []


async def test_a_folder_that_is_removed_leaves_its_chats_in_the_list(browser: Any, world: World) -> None:
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await _on_row(app, "Eve Österreich", "Folder")
        await app.dialog.get_by_role("button", name="New folder").click()
        await app.dialog.get_by_role("button", name="New folder").click()
        await app.dialog.get_by_label("Name of the folder").last.fill("小林")
        await _submit(app)
        await app.page.locator(".folder", has_text="小林").click()
        await app.until_names("Eve Österreich")
        await _on_row(app, "Eve Österreich", "Folder")
        await app.dialog.get_by_label("No folder").click()
        await app.page.get_by_text("No chat is in this folder.").wait_for()
        await expect(app.page.get_by_text("No chats yet.")).to_have_count(0)
        await app.button("Edit folders")
        await app.dialog.get_by_role("button", name="Remove the folder").last.click()
        await _submit(app)
        await app.row("Carol Green").wait_for()
        await app.row("Eve Österreich").wait_for()
        assert watch.errors == []


async def test_a_draft_is_on_all_devices_until_its_message_is_sent(browser: Any, world: World) -> None:
    async with (
        watched_context(browser, **PHONE) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        app = await app_page(context, world.daemon, "alice")
        other = await app_page(other_context, world.daemon, "alice")
        await app.row("Carol Green").click()
        await app.field.fill("The blue tent is")
        await app.go("")
        await other.row("The blue tent is").click()
        await other.page.wait_for_function(
            "() => document.querySelector('.composer textarea').value === 'The blue tent is'"
        )
        await other.say("The blue tent is dry again")
        await app.row("The blue tent is dry again").locator(".tick").wait_for()
        await app.page.reload()
        await app.row("The blue tent is dry again").locator(".tick").wait_for()
        await expect(app.page.locator(".draft")).to_have_count(0)
        assert watch.errors == []


async def test_notes_to_oneself_stay_with_oneself(browser: Any, world: World) -> None:
    async with watched_context(browser, **PHONE) as (context, watch):
        app = await app_page(context, world.daemon, "alice")
        await app.button("New chat")
        await app.dialog.get_by_role("button", name="Notes to self").click()
        await app.say("Buy brake pads")
        await app.page.locator("article", has_text="Buy brake pads").wait_for()
        await expect(app.title).to_have_text("Notes to self")
        # One is always online to oneself.
        await expect(app.page.locator(".chat-head-text p")).to_have_count(0)
        await app.go("")
        await app.until_names("Bike tour", "Notes to self")
        await expect(app.row("Notes to self").locator(".badge, .is-online")).to_have_count(0)
        assert watch.errors == []


async def test_what_one_deletes_clears_and_hides_is_gone_on_all_own_devices(
    browser: Any, world: World
) -> None:
    async with (
        watched_context(browser, **PHONE) as (context, watch),
        watched_context(browser, **PHONE) as (other_context, _),
    ):
        app = await app_page(context, world.daemon, "alice")
        other = await app_page(other_context, world.daemon, "alice")
        await app.row("Eve Österreich").click()
        await app.page.locator("article", has_text="Friday after work?").click(button="right")
        await app.page.get_by_role("menuitem", name="Delete for me").click()
        await _submit(app)
        await app.page.locator("article", has_text="Friday after work?").wait_for(state="detached")
        for one in (app, other):
            await one.go("")
            await one.row("Did you see the new exhibition?").wait_for()
        await _on_row(app, "Daniel Kern", "Clear history")
        await _submit(app)
        for one in (app, other):
            await one.page.locator(".chat-row", has_text="Daniel Kern").get_by_text("Say hello").wait_for()
        await _on_row(app, "نور علي", "Hide until the next message")
        await other.row("نور علي").wait_for(state="detached")
        room = await world.clients["nur"].direct("alice")
        await room.send("One more thing")
        for one in (app, other):
            await one.row("One more thing").wait_for()
        assert watch.errors == []
