"""The console's page of reports, in a real browser: from the queue to what is done, which phones are told."""

from typing import Any

import pytest

from tests.kit.browser import BROWSER, expect, watched_context
from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.console_page import AXE, Console, check_themes, go_to

pytestmark = [*BROWSER, pytest.mark.settings(moderation={"enabled": True})]


async def reported(clients: Clients) -> str:
    """Report a message of mallory; return its room."""
    room, (mallory, bob) = await clients.in_group("mallory", "bob")
    await mallory.send(room, "before")
    sent = await mallory.send(room, "<b>buy</b> now")
    await bob.request(
        {
            "type": "report",
            "key": fresh_key(),
            "reason": "spam",
            "room": room,
            "seq": sent["seq"],
            "text": "ads",
        }
    )
    return room


async def test_a_report_is_claimed_acted_on_and_closed(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    room = await reported(clients)
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "moderator")
        await go_to(page, "Reports")
        await page.get_by_role("row").filter(has_text="mallory").get_by_role("link").click()
        await page.get_by_text("<b>buy</b> now").wait_for()
        await page.get_by_role("button", name="Claim").click()
        await page.get_by_text("ann, console").first.wait_for()
        await page.get_by_role("button", name="Recall 2").click()
        await page.get_by_role("dialog").get_by_role("button", name="Recall").click()
        await page.get_by_text("The message was recalled").wait_for()
        await page.get_by_role("button", name="Act", exact=True).click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Recall the message").check()
        await form.get_by_label("Restrict the person").check()
        await form.get_by_label("What").select_option("Limit")
        await form.get_by_label("Warn the person").check()
        await expect(form.get_by_role("button", name="Do it")).to_be_disabled()
        await form.get_by_label("Text of the warning").fill("Mind the rules")
        await form.get_by_label("Note").fill("second time")
        await form.get_by_role("button", name="Do it").click()
        await page.get_by_text("The person was limited").wait_for()
        await page.get_by_text("Closed", exact=True).wait_for()
        await page.get_by_text("<b>buy</b> now").wait_for()
        await go_to(page, "Reports")
        await page.get_by_text("No report is open").wait_for()
        await page.get_by_role("button", name="Closed").click()
        await page.get_by_role("row").filter(has_text="mallory").wait_for()
        assert watch.errors == []
    api = console.daemon.api
    messages = (await api("GET", f"/v1/rooms/{room}/messages")).json["messages"]
    assert [message["recalled"] for message in messages] == [True, True]
    assert (await api("GET", "/v1/users/mallory")).json["restriction"]["what"] == "limit"
    report = (await api("GET", "/v1/reports/r1")).json
    assert (report["note"], report["claimed_by"]) == ("second time", "console:ann")
    assert [one["do"] for one in report["actions"]] == ["recall", "recall", "limit", "warn"]
    await clients.leave()


async def test_a_list_of_words_is_made_tested_and_deleted(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    room, (ann, bob) = await clients.in_group("ann", "bob")
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "moderator")
        await go_to(page, "Filters")
        await page.get_by_text("There is no list").wait_for()
        await page.get_by_role("button", name="New list").click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Name").fill("insults")
        await form.get_by_label("What it does").select_option("masks")
        await form.get_by_role("button", name="New list").click()
        await page.get_by_label("Words").fill("numpty\n nincompoop \n\n")
        await page.get_by_label("Patterns").fill("(unclosed")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("alert").wait_for()
        await page.get_by_label("Patterns").fill("w[o0]lly")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("alert").wait_for(state="hidden")
        await page.get_by_text("Done.").wait_for()
        await go_to(page, "Filters")
        await page.get_by_role("textbox", name="Text").fill("You w0lly Numpty")
        await page.get_by_role("button", name="Test").click()
        await page.get_by_role("listitem").filter(has_text="w[o0]lly").filter(has_text="w0lly").wait_for()
        await page.get_by_role("listitem").filter(has_text="numpty").wait_for()
        await ann.send(room, "a numpty")
        event = await bob.next_event(room, "message")
        assert "numpty" not in event["body"]["text"]
        await page.get_by_role("link", name="insults").first.click()
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await page.get_by_text("There is no list").wait_for()
        assert [one for one in watch.errors if "status of 4" not in one] == []
    await clients.leave()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make web)")
async def test_its_pages_are_accessible_and_fit(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    await reported(clients)
    async with watched_context(browser, color_scheme="light", bypass_csp=True) as (context, _):
        page = await console.open(context, "moderator")
        await go_to(page, "Reports")
        await page.get_by_role("row").filter(has_text="mallory").wait_for()
        await check_themes(page, "Reports")
        await page.get_by_role("link", name="r1", exact=True).click()
        await page.get_by_text("<b>buy</b> now").wait_for()
        await check_themes(page, "a report")
        await page.get_by_role("button", name="Act", exact=True).click()
        await page.get_by_label("Restrict the person").check()
        await check_themes(page, "to act")
        await page.keyboard.press("Escape")
        await console.daemon.api("PUT", "/v1/filters/insults", does="reject", words=["numpty"])
        await go_to(page, "Filters")
        await page.get_by_role("textbox", name="Text").fill("You numpty")
        await page.get_by_role("button", name="Test").click()
        await page.get_by_text("It is refused.").wait_for()
        await check_themes(page, "Filters")
        await page.get_by_role("row").get_by_role("link", name="insults").click()
        await page.get_by_label("Words").wait_for()
        await check_themes(page, "a list")
    await clients.leave()
