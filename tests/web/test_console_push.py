"""Notifications on the page of a person, in a real browser: registrations, decisions, a test, and what is forgotten."""

import asyncio
from typing import Any

import pytest_asyncio

from chatd.config.push import PushApp
from chatd.push.interface import Answer
from tests.kit.browser import BROWSER, expect, watched_context
from tests.kit.clients import Clients
from tests.kit.console_page import Console, check_themes
from tests.kit.push_peer import PushPeer

pytestmark = BROWSER

APPS = (PushApp(platform="fcm", key_file="k", app="com.example"),)


@pytest_asyncio.fixture(loop_scope="session")
async def peer(console: Console) -> PushPeer:
    """Push, switched on, with a sender that takes everything."""
    peer = PushPeer()
    console.daemon._daemon.make_sender = peer.make
    console.daemon.reconfigure(push={"enabled": True, "apps": APPS, "delay_s": 0})
    return peer


async def test_a_person_is_asked_about(browser: Any, console: Console, peer: PushPeer) -> None:
    clients = Clients(console.daemon.url)
    phone = await clients.connect("alice")
    await phone.request({"type": "devices.push", "platform": "fcm", "app": "com.example", "token": "t" * 40})
    room, _ = await clients.in_direct("bob", "alice")
    await phone.hang_up()
    peer.answer = lambda one: Answer(one.number, "refused", "BadTopic", 400)
    body = {"text": "the secret plan"}
    await console.daemon.api(
        "POST", f"/v1/rooms/{room}/messages", **{"as": "bob", "key": "key-of-bob-0001", "body": body}
    )
    while not (await console.daemon.api("GET", "/v1/push/decisions?user=alice")).json["decisions"]:
        await asyncio.sleep(0.05)
    async with watched_context(browser, color_scheme="light", bypass_csp=True) as (context, watch):
        page = await console.open(context, "admin")
        await page.goto(f"{console.url}#/people/alice")
        await page.get_by_text("the push service refused it").first.wait_for()
        await page.get_by_text("BadTopic").first.wait_for()
        await page.get_by_text("it would be sent").wait_for()
        assert "secret" not in await page.content()
        peer.answer = lambda one: Answer(one.number, "sent", "", 200)
        await page.get_by_role("button", name="Send a test").click()
        await page.get_by_role("dialog").get_by_role("button", name="Send a test").click()
        await page.get_by_role("status").get_by_text("the push service took it").wait_for()
        await check_themes(page, "a person with notifications")
        await page.set_viewport_size({"width": 1360, "height": 860})
        await page.get_by_role("button", name=f"Forget {phone.device}").click()
        await page.get_by_role("dialog").get_by_role("button", name="Forget").click()
        await page.get_by_text("No device is registered.").wait_for()
        assert [one for one in watch.errors if "status of 404" not in one] == []
    shown = (await console.daemon.api("GET", "/v1/users/alice/push")).json
    assert shown["registrations"] == []
    await clients.leave()


async def test_a_viewer_sees_it_and_changes_nothing(browser: Any, console: Console, peer: PushPeer) -> None:
    clients = Clients(console.daemon.url)
    phone = await clients.connect("alice")
    await phone.request({"type": "devices.push", "platform": "fcm", "app": "com.example", "token": "t" * 40})
    async with watched_context(browser) as (context, _):
        page = await console.open(context, "viewer")
        await page.goto(f"{console.url}#/people/alice")
        await page.get_by_text("Number on the icon now").wait_for()
        await expect(page.get_by_role("button", name="Send a test")).to_have_count(0)
        await expect(page.get_by_role("button", name="Forget")).to_have_count(0)
    await clients.leave()
