"""The pages of the console that use the host's API, in a real browser: what each role sees and changes."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from tests.kit import http
from tests.kit.browser import BROWSER, expect, watched_context
from tests.kit.clients import Clients
from tests.kit.console_page import AXE, Console, check_themes, go_to

pytestmark = BROWSER

PAGES = ("People", "Rooms", "Keys", "Audit")
SECRET = re.compile(r"ck_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")


async def test_a_key_is_made_shown_once_rotated_and_deleted(browser: Any, console: Console) -> None:
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "admin")
        await go_to(page, "Keys")
        await page.get_by_text("There is no key yet").wait_for()
        await page.get_by_role("button", name="New key").click()
        form = page.get_by_role("dialog")
        submit = form.get_by_role("button", name="New key")
        await expect(submit).to_be_disabled()
        await form.get_by_label("Name").fill("back end")
        await form.get_by_label("Read people").check()
        await submit.click()
        await form.get_by_role("alert").get_by_text("must be a name").wait_for()
        await form.get_by_label("Name").fill("backend")
        await submit.click()
        first = SECRET.fullmatch(await page.get_by_role("dialog").locator("code").inner_text())
        assert first
        assert await status_of(console, first[0]) == 200
        await page.get_by_role("button", name="I have stored it").click()
        await page.get_by_role("button", name="Rotate backend").click()
        await page.get_by_role("dialog").get_by_label("works for").select_option("No longer")
        await page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
        await page.get_by_text("Copy it now").wait_for()
        second = await page.get_by_role("dialog").locator("code").inner_text()
        await page.keyboard.press("Escape")
        assert (await status_of(console, first[0]), await status_of(console, second)) == (401, 200)
        assert second not in await page.content()
        await page.get_by_role("button", name="Delete backend").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await page.get_by_text("There is no key yet").wait_for()
        assert await status_of(console, second) == 401
        await go_to(page, "Audit")
        await (
            page.get_by_role("row")
            .filter(has_text="deleted a key")
            .filter(has_text="ann, console")
            .wait_for()
        )
        assert [one for one in unexpected(watch) if "status of 400" not in one] == []


def unexpected(watch: Any) -> list[str]:
    """The errors of pages, but for those of what is not there: no erasure of a person."""
    return [one for one in watch.errors if "status of 404" not in one]


async def status_of(console: Console, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return (await http.request(f"{console.daemon.ops_url}/v1/users", headers=headers)).status


async def test_a_person_is_found_and_locked_out(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    await clients.connect("alice")
    phone = await clients.connect("alice")
    await console.daemon.api("PUT", "/v1/users/alice", name="Alice")
    await console.daemon.api("PUT", "/v1/users/alina", name="<b>Alina</b>")
    await console.daemon.api("PUT", "/v1/users/bob", name="Bob")
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "admin")
        await go_to(page, "People")
        await page.get_by_role("link", name="bob").wait_for()
        await page.get_by_label("User id").fill("ali")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="bob").wait_for(state="hidden")
        await page.get_by_text("<b>Alina</b>").wait_for()
        await page.get_by_role("link", name="alice").click()
        await page.get_by_role("link", name="Connections now").click()
        await page.get_by_text("Connections of alice").wait_for()
        await page.get_by_role("row").filter(has_text=phone.device).wait_for()
        await page.go_back()
        await page.get_by_role("button", name=f"Revoke {phone.device}").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await page.get_by_role("button", name=f"Revoke {phone.device}").wait_for(state="hidden")
        await page.get_by_role("button", name="Restrict").click()
        await page.get_by_role("dialog").get_by_label("For", exact=True).select_option("Ever")
        await page.get_by_role("dialog").get_by_label("Reason").fill("spam")
        await page.get_by_role("dialog").get_by_role("button", name="Restrict").click()
        await page.get_by_text("for ever").wait_for()
        found = (await console.daemon.api("GET", "/v1/users/alice")).json["restriction"]
        assert found == {"what": "mute", "until": 1, "reason": "spam"}
        await page.get_by_role("button", name="Lift").click()
        await page.get_by_role("dialog").get_by_role("button", name="Lift").click()
        await page.get_by_text("Not restricted.").wait_for()
        await page.get_by_role("button", name="Disable").click()
        await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        await page.get_by_text("disabled", exact=True).wait_for()
        assert (await console.daemon.api("GET", "/v1/users/alice")).json["disabled"]
        await page.get_by_role("button", name="Enable").click()
        await page.get_by_role("dialog").get_by_role("button", name="Enable").click()
        await page.get_by_text("disabled", exact=True).wait_for(state="hidden")
        assert unexpected(watch) == []
    await clients.leave()


async def test_a_room_is_governed_and_each_reading_of_its_messages_is_audited(
    browser: Any, console: Console
) -> None:
    clients = Clients(console.daemon.url)
    room, (ann, bob) = await clients.in_group("ann", "bob")
    await bob.send(room, "<img src=x> buy now")
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "admin")
        await go_to(page, "Rooms")
        await page.get_by_label("Room id").fill(room)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Rename").click()
        await page.get_by_role("dialog").get_by_label("Title").fill("Bike tour")
        await page.get_by_role("dialog").get_by_role("button", name="Rename").click()
        await page.get_by_role("heading", name="Bike tour").wait_for()
        await page.get_by_role("button", name="Set role bob").click()
        await page.get_by_role("dialog").get_by_label("Role").select_option("Admin")
        await page.get_by_role("dialog").get_by_role("button", name="Set role").click()
        await page.get_by_text("Admin · since").wait_for()
        assert "buy now" not in await page.content()
        await page.get_by_role("button", name="Read messages").click()
        await page.get_by_text("<img src=x> buy now").wait_for()
        await page.get_by_role("button", name="Recall").click()
        await page.get_by_role("dialog").get_by_role("button", name="Recall").click()
        await page.get_by_text("Recalled.").wait_for()
        await page.get_by_role("button", name="Post a notice").click()
        await page.get_by_role("dialog").get_by_label("Text").fill("Mind the rules")
        await page.get_by_role("dialog").get_by_role("button", name="Post a notice").click()
        await page.get_by_text("posted a notice").wait_for()
        await page.get_by_role("button", name="Remove bob").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await page.get_by_role("heading", name="Members (1)").wait_for()
        assert watch.errors == []
    assert (await ann.next_event(room, "notice"))["body"] == {"text": "Mind the rules"}
    entries = (await console.daemon.api("GET", f"/v1/audit?target={room}")).json["audit"]
    done = {one["action"] for one in entries if one["key"] == "console:ann"}
    assert {"GET /v1/rooms/{room}/messages", "DELETE /v1/rooms/{room}/messages/{seq}"} <= done
    await clients.leave()


async def test_a_person_is_exported_and_erased(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    room, (ann, _) = await clients.in_group("ann", "bob")
    await ann.send(room, "hello")
    await clients.leave()
    async with watched_context(browser) as (context, watch):
        page = await console.open(context, "admin")
        await page.goto(f"{console.url}#/people/ann")
        await page.get_by_role("button", name="Make an export").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download").click()
        file = await (await downloading.value).path()
        assert b"hello" in gzip.decompress(file.read_bytes())
        await page.get_by_role("button", name="Erase").click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Type the user id").fill("bob")
        await expect(form.get_by_role("button", name="Erase")).to_be_disabled()
        await form.get_by_label("Type the user id").fill("ann")
        await form.get_by_role("button", name="Erase").click()
        await page.get_by_role("region", name="Receipt").wait_for()
        assert (await console.daemon.api("GET", "/v1/erasures/ann")).json["state"] == "done"
        await page.get_by_role("button", name="Check again").click()
        await page.get_by_text("nothing was left").wait_for()
        assert unexpected(watch) == []


async def test_a_long_list_comes_page_by_page(browser: Any, console: Console) -> None:
    lines = "".join(f'{{"user": "u{number:03}"}}\n' for number in range(120))
    socket_path = Path(console.daemon.config.storage.directory) / "chatd.sock"
    await http.request("http://admin/v1/users", "PUT", content=lines.encode(), socket_path=socket_path)
    async with watched_context(browser) as (context, watch):
        page = await console.open(context)
        await go_to(page, "People")
        for last in ("u049", "u099"):
            await page.get_by_role("link", name=last).wait_for()
            await page.get_by_role("button", name="Show more").click()
        await page.get_by_role("link", name="u119").wait_for()
        await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
        await expect(page.locator("tbody tr")).to_have_count(120)
        assert watch.errors == []


async def test_a_viewer_is_shown_nothing_to_change_and_nothing_secret(browser: Any, console: Console) -> None:
    await console.daemon.api("PUT", "/v1/users/alice", name="Alice")
    async with watched_context(browser) as (context, watch):
        page = await console.open(context)
        await expect(page.get_by_role("link", name="Keys", exact=True)).to_have_count(0)
        await page.goto(f"{console.url}#/keys")
        await page.get_by_role("heading", name="Now", level=1).wait_for()
        await go_to(page, "People")
        await page.get_by_role("link", name="alice").click()
        await page.get_by_role("heading", name="Devices").wait_for()
        await page.get_by_text("changed an account").first.wait_for()
        await expect(page.locator("main button")).to_have_count(0)
        assert watch.errors == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make web)")
async def test_every_page_is_accessible_and_fits(browser: Any, console: Console) -> None:
    clients = Clients(console.daemon.url)
    room = await fill(console, clients)
    async with watched_context(browser, color_scheme="light", bypass_csp=True) as (context, _):
        page = await console.open(context, "admin")
        for name in PAGES:
            await go_to(page, name)
            await page.get_by_role("status", name="Loading").wait_for(state="hidden")
            await check_themes(page, name)
        await go_to(page, "People")
        for name, user in (("Restricted", "carol"), ("Erased", "dora")):
            await page.get_by_role("button", name=name).click()
            await page.get_by_role("link", name=user).wait_for()
            await check_themes(page, name)
        await page.goto(f"{console.url}#/people/dora")
        await page.get_by_text("had a person erased").first.wait_for()
        await check_themes(page, "a person")
        await page.goto(f"{console.url}#/rooms/{room}")
        await page.get_by_role("button", name="Read messages").click()
        await page.get_by_text("hello").wait_for()
        await check_themes(page, "a room")
        await page.goto(f"{console.url}#/keys")
        await page.get_by_role("button", name="New key").click()
        await check_themes(page, "a dialog")
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="More", exact=True).click()
        await check_themes(page, "More")
    await clients.leave()


async def fill(console: Console, clients: Clients) -> str:
    """Put something on every page; return a room."""
    await console.daemon.api("PUT", "/v1/users/alice", name="Alice")
    await console.daemon.api("PUT", "/v1/users/carol", name="Carol", disabled=True)
    await console.daemon.api("PUT", "/v1/users/carol/restriction", what="ban", until=1, reason="spam")
    await console.daemon.api("PUT", "/v1/users/dora", name="Dora")
    await console.daemon.api("PUT", "/v1/erasures/dora")
    await console.daemon.api("POST", "/v1/keys", name="backend", scopes=["users", "tokens"])
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.send(room, "hello")
    return room
