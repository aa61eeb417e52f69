"""The screens of people in a real browser, against a real daemon: friends, message requests, blocks, privacy, cards."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from chatd.config.people import Bounds
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, expect, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon

if TYPE_CHECKING:
    from playwright.async_api import Locator

pytestmark = BROWSER

PHONE = {"width": 390, "height": 844}
# The button has the colour of the card, once it has faded to it.
COLOURED = """
() => getComputedStyle(document.querySelector(".home .button.primary")).backgroundColor === "rgb(91, 75, 154)"
"""
PAPERED = (
    "() => getComputedStyle(document.querySelector('.chat')).backgroundImage.startsWith('linear-gradient')"
)
CENTRED = """
() => {
  const [head, name] = [".chat-head", ".chat-head h1"].map((it) => document.querySelector(it).getBoundingClientRect());
  return Math.abs(head.top + head.bottom - name.top - name.bottom) <= 2;
}"""
NOTE = "We met on the ferry."


@pytest_asyncio.fixture(loop_scope="session")
async def daemon(built: Path, tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with web_daemon(tmp_path, people={"enabled": True}) as running:
        yield running


async def befriend(daemon: RunningDaemon, one: str, other: str) -> None:
    async with client_of(daemon, one) as asking, client_of(daemon, other) as asked:
        await asking.call({"type": "friend.request", "user": other})
        await asked.call({"type": "friend.accept", "user": one})


def friend(app: AppPage, name: str) -> "Locator":
    """Return the row of a friend."""
    return app.page.get_by_role("list", name="Friends", exact=True).locator(".chat-row").filter(has_text=name)


async def test_two_become_friends_and_are_friends_no_longer(browser: Any, daemon: RunningDaemon) -> None:
    async with (
        watched_context(browser) as (hers, watch),
        watched_context(browser, viewport=PHONE) as (his, other_watch),
    ):
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await alice.go("people")
        await alice.button("Add friend")
        await alice.dialog.get_by_label("@handle or user ID").fill("@nobody.here")
        await alice.dialog.get_by_role("button", name="Find").click()
        await alice.dialog.get_by_text("Nobody was found").wait_for()
        await alice.dialog.get_by_label("@handle or user ID").fill("bob")
        await alice.dialog.get_by_role("button", name="Find").click()
        await alice.page.locator(".home").get_by_text("Bob").wait_for()
        await alice.page.locator(".home").get_by_role("button", name="Add friend").click()
        await alice.dialog.get_by_label("Say who you are").fill(NOTE)
        await alice.button("Send request")
        await alice.page.get_by_text("You asked").wait_for()

        await bob.page.locator(".notice").get_by_text("wants to be your friend").wait_for()
        await bob.page.get_by_role("link", name="1 friend request").click()
        await bob.page.get_by_role("link", name="Friend requests").click()
        await bob.page.get_by_text(NOTE).wait_for()
        await bob.page.get_by_role("button", name="Accept").click()
        await bob.page.get_by_text("Nobody waits for your answer").wait_for()

        await friend(alice, "Bob").get_by_text("online").wait_for()
        await alice.page.get_by_role("button", name="Remark").click()
        await alice.dialog.get_by_label("Your name for").fill("Bob of the ferry")
        await alice.button("Save")
        await friend(alice, "Bob of the ferry").wait_for()
        await alice.page.locator(".home").get_by_role("button", name="Message").click()
        await alice.title.get_by_text("Bob of the ferry").wait_for()
        await alice.say("Hello")
        await alice.page.get_by_title("Dusk").click()
        await alice.page.wait_for_function(PAPERED)

        await bob.go("u/alice")
        await bob.page.get_by_role("button", name="Remove friend").click()
        await bob.dialog.get_by_role("button", name="Remove").click()
        await bob.page.locator(".home").get_by_role("button", name="Add friend").wait_for()
        await alice.go("people")
        await alice.page.get_by_text("Your friends appear here").wait_for()
        assert watch.errors == other_watch.errors == []


async def test_a_stranger_waits_in_the_box_until_they_are_answered(
    browser: Any, daemon: RunningDaemon
) -> None:
    async with (
        watched_context(browser, viewport=PHONE) as (hers, watch),
        watched_context(browser) as (his, _),
        client_of(daemon, "carol") as carol,
        client_of(daemon, "eve") as eve,
    ):
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await bob.begin_chat("alice")
        await bob.say("Do you know me?")
        await bob.page.get_by_text("send 2 more texts").wait_for()
        for text, left in (("We met on the ferry.", "send 1 more text"), ("Bob", "You can write again when")):
            await bob.say(text)
            await bob.page.get_by_text(left).wait_for()
        await expect(bob.field).to_have_count(0)
        for client in (carol, eve):
            await (await client.direct("alice")).send(f"From {client.user}")
        await alice.page.get_by_role("link", name="3 message requests").click()
        await expect(alice.page, "a stranger makes no sound").to_have_title("chatd")

        await alice.row("Bob").first.click()
        asks = alice.page.get_by_role("region", name="wants to write to you")
        await asks.get_by_text("You have no groups in common").wait_for()
        assert await alice.page.evaluate(CENTRED), "of a stranger there is no second line"
        await alice.page.get_by_text("We met on the ferry.").wait_for()
        await alice.page.locator(".message", has_text="Bob").wait_for()
        await expect(alice.field).to_have_count(0)
        await asks.get_by_role("button", name="Accept").click()
        await alice.field.wait_for()
        # Nobody tells Bob before Alice writes: his window looks when it opens the chat, and now and then.
        await bob.page.reload()
        await bob.field.wait_for()
        await alice.say("Now I do.")

        await alice.go("requests")
        await alice.row("From carol").click()
        await asks.get_by_role("button", name="Decline").click()
        await alice.row("From carol").wait_for(state="detached")
        await alice.row("From eve").click()
        await asks.get_by_role("button", name="Block").click()
        await alice.dialog.get_by_role("button", name="Block").click()
        await alice.row("Now I do.").wait_for()
        await expect(alice.rows).to_have_count(1)
        await expect(alice.page.get_by_role("link", name="message request")).to_have_count(0)
        await alice.go("me/blocked")
        await alice.page.get_by_role("button", name="Unblock").click()
        await alice.page.get_by_text("You block nobody.").wait_for()

        await carol.call({"type": "friend.request", "user": "alice"})
        await alice.go("people/requests")
        await alice.page.get_by_role("button", name="Accept").click()
        await alice.go("")
        await alice.row("From carol").get_by_label("1 unread message").wait_for()
        assert watch.errors == []


async def test_a_block_is_in_force_at_once(browser: Any, daemon: RunningDaemon) -> None:
    await befriend(daemon, "alice", "bob")
    async with (
        watched_context(browser) as (hers, watch),
        watched_context(browser, viewport=PHONE) as (his, _),
        client_of(daemon, "alice") as phone,
    ):
        group, direct = await phone.create_group("Bike tour", ["bob"]), await phone.direct("bob")
        await direct.send("See you at nine")
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await bob.go("u/alice")
        await bob.page.locator(".home").get_by_text("online").wait_for()
        await alice.go("u/bob")
        await alice.page.get_by_role("button", name="Block").click()
        await alice.dialog.get_by_role("button", name="Block").click()
        await alice.page.get_by_text("You block").wait_for()
        await bob.page.locator(".home").get_by_text("online").wait_for(state="detached")

        await bob.go(f"r/{direct.id}")
        await bob.say("Shall I bring the tent?")
        await bob.page.locator(".failed").get_by_text("This person cannot be reached").wait_for()
        await bob.go(f"r/{group.id}")
        await bob.say("The one with the bell")
        await alice.row("Bike tour").get_by_text("Message of a blocked person").wait_for()
        await alice.until_title("chatd")
        await alice.go(f"r/{group.id}")
        covered = alice.page.locator("article", has_text="Message of a blocked person")
        await covered.wait_for()
        await expect(alice.page.get_by_text("The one with the bell")).to_have_count(0)
        await covered.get_by_role("button", name="Show").click()
        await alice.page.get_by_text("The one with the bell").wait_for()
        assert watch.errors == []


async def test_privacy_shows_what_the_host_has_set(browser: Any, built: Path, tmp_path: Path) -> None:
    privacy = {"call": Bounds(default="nobody", widest="friends"), "write": Bounds(default="everyone")}
    async with (
        web_daemon(tmp_path, people={"enabled": True, "privacy": privacy}) as daemon,
        watched_context(browser) as (context, watch),
    ):
        app = await app_page(context, daemon, "alice")
        await app.go("me/privacy")
        rules = app.page.locator(".rule")
        await rules.filter(has_text="Who may write to me").get_by_text("Everybody").wait_for()
        await rules.filter(has_text="Who may call me").get_by_text("Nobody").click()
        await app.dialog.get_by_role("radio").first.wait_for()
        await expect(app.dialog.get_by_role("radio"), "friends, or nobody").to_have_count(2)
        await app.button("Close")
        answer = await daemon.api("PUT", "/v1/users/alice/privacy", rules={}, locked=True)
        assert answer.status == 200
        await app.page.get_by_text("This site has set these rules").wait_for()
        await expect(rules.first).to_be_disabled()
        assert watch.errors == []


async def test_privacy_says_who_may_write_and_who_sees_whom(browser: Any, daemon: RunningDaemon) -> None:
    await befriend(daemon, "alice", "bob")
    async with (
        watched_context(browser) as (hers, watch),
        watched_context(browser) as (his, _),
        client_of(daemon, "carol") as carol,
    ):
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await bob.go("people")
        await friend(bob, "Alice").get_by_text("online").wait_for()
        await alice.go("people/circles")
        await alice.button("New circle")
        await alice.dialog.get_by_label("Name of the circle").fill("Work")
        await alice.button("Save")
        await alice.button("Add friends to the circle")
        await alice.dialog.get_by_label("Bob").check()
        await alice.button("Add 1 person")
        await alice.page.get_by_role("button", name="Take out").wait_for()

        await alice.go("me/privacy")
        await alice.page.get_by_role("button", name="Who sees when I am online").click()
        await alice.dialog.get_by_label("Work").select_option("never")
        await alice.button("Save")
        await alice.page.get_by_text("but not \u2068Work").wait_for()
        await friend(bob, "Alice").get_by_text("online").wait_for(state="detached")

        await alice.page.get_by_role("button", name="Who may write to me").click()
        await alice.dialog.get_by_label("Everybody").check()
        await alice.button("Save")
        await alice.dialog.wait_for(state="detached")
        await (await carol.direct("alice")).send("Straight to you")
        await alice.go("")
        await alice.row("Straight to you").get_by_label("1 unread message").wait_for()
        assert watch.errors == []


async def test_a_card_is_changed_found_and_seen_as_others_see_it(browser: Any, daemon: RunningDaemon) -> None:
    await befriend(daemon, "alice", "bob")
    async with watched_context(browser) as (hers, watch), watched_context(browser) as (his, _):
        alice, bob = await app_page(hers, daemon, "alice"), await app_page(his, daemon, "bob")
        await alice.go("me/card")
        await alice.page.get_by_label("Handle").fill("Alice.W")
        await alice.page.get_by_label("Something about you").fill("Maps and spare tubes.")
        await alice.page.get_by_title("Dusk").click()
        await alice.button("Add a line, as Town or Birthday")
        await alice.page.get_by_label("What", exact=True).fill("Town")
        await alice.page.get_by_label("Text", exact=True).fill("Ghent")
        await alice.button("Save")
        await alice.page.locator(".home").get_by_text("@alice.w").wait_for()

        card = alice.page.locator(".seen")
        await alice.page.get_by_label("See my card as").select_option("stranger")
        await card.get_by_text("They see no more of your card").wait_for()
        await expect(card.get_by_text("Maps and spare tubes.")).to_have_count(0)
        await alice.page.get_by_label("See my card as").select_option("friend")
        await card.get_by_text("Maps and spare tubes.").wait_for()

        await bob.go("people")
        await bob.button("Add friend")
        await bob.dialog.get_by_label("@handle or user ID").fill("@ALICE.w")
        await bob.dialog.get_by_label("@handle or user ID").press("Enter")
        await bob.page.locator(".home").get_by_text("Maps and spare tubes.").wait_for()
        await bob.page.get_by_text("Ghent").wait_for()
        await bob.page.wait_for_function(COLOURED)
        assert watch.errors == []


async def test_whom_a_group_may_not_add_is_named_and_a_mention_tells_no_remark(
    browser: Any, daemon: RunningDaemon
) -> None:
    await befriend(daemon, "alice", "bob")
    async with watched_context(browser) as (context, watch), client_of(daemon, "alice") as phone:
        await phone.call({"type": "contact.set", "user": "bob", "remark": "Ferryman"})
        app = await app_page(context, daemon, "alice")
        await app.button("New chat")
        await app.dialog.get_by_text("Group", exact=True).click()
        await app.dialog.get_by_label("Name of the group").fill("Bike tour")
        for user in ("bob", "carol"):
            await app.dialog.get_by_label("Name or user ID").fill(user)
            await app.dialog.get_by_label("Name or user ID").press("Enter")
        await app.button("Create group")
        await app.dialog.get_by_text("\u2068carol\u2069 was not added").wait_for()
        await app.dialog.get_by_role("button", name="Close").last.click()
        await app.row("Bike tour").wait_for()
        await app.field.press_sequentially("@Ferry")
        await app.page.get_by_role("option").get_by_text("Ferryman").wait_for()
        await app.field.press("Enter")
        await expect(app.field, "others read it").to_have_value("@Bob ")
        assert watch.errors == []


async def test_without_people_nothing_of_it_is_drawn(browser: Any, built: Path, tmp_path: Path) -> None:
    async with web_daemon(tmp_path) as daemon, watched_context(browser) as (context, watch):
        app = await app_page(context, daemon, "alice")
        await app.begin_chat("bob")
        await app.say("Hi")
        await app.go("people")
        await app.row("Bob").click()
        await app.page.get_by_text("User ID").wait_for()
        await expect(app.page.get_by_text("Remark")).to_have_count(0)
        for route in ("people/requests", "me/card", "me/privacy"):
            await app.go(route)
            await app.page.get_by_text("Choose a chat").wait_for()
        await app.go("me")
        await app.page.get_by_label("Read receipts").wait_for()
        await expect(app.page.get_by_text("My card")).to_have_count(0)
        assert watch.errors == []
