"""What the service worker makes of a push, in a real browser to which the DevTools deliver it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest_asyncio

from chatd.client import Client
from tests.kit.app_page import AppPage, app_page
from tests.kit.browser import BROWSER, WORKER, watched_context, web_daemon
from tests.kit.chat_page import client_of
from tests.kit.daemon import RunningDaemon
from tests.kit.push_page import PushPage, push_page

pytestmark = BROWSER

ALLOWED = {"permissions": ["notifications"], **WORKER}


class World(NamedTuple):
    daemon: RunningDaemon
    bob: Client


@pytest_asyncio.fixture(loop_scope="session")
async def world(browser: Any, tmp_path: Path) -> AsyncIterator[World]:
    async with web_daemon(tmp_path, web={"title": "Example Chat"}) as daemon, client_of(daemon, "bob") as bob:
        yield World(daemon, bob)


async def opened(context: Any, world: World) -> tuple[AppPage, PushPage]:
    app = await app_page(context, world.daemon, "alice")
    # What the page has of notifications is loaded for who has them on, or looks at their settings.
    await app.go("me/notifications")
    await app.page.locator(".obstacle").wait_for()
    await app.go("")
    return app, await push_page(app.page, world.daemon)


async def test_each_push_is_shown_and_a_later_one_takes_the_place_of_its_tag(
    browser: Any, world: World
) -> None:
    await (await world.bob.direct("alice")).send("Hi")
    async with watched_context(browser, **ALLOWED) as (context, watch):
        app, push = await opened(context, world)
        await app.row("Bob").wait_for()
        said = {"kind": "message", "tag": "t", "name": "Bob"}
        await push.deliver(**said, seq=4, text="Hi", badge=1)
        (first,) = await push.until("shown.length === 1")
        assert (first["title"], first["body"], first["silent"]) == ("Bob", "Hi", False)
        await push.deliver(**said, count=2, text="Are you there?", quiet=True)
        (second,) = await push.until("shown[0].silent")
        assert second["body"] == "2 new messages\nAre you there?"
        for text in ("no JSON", '{"kind":"party","tag":"p"}'):
            await push.deliver(text)
        await push.until("shown.length === 3")
        assert sorted(one["title"] for one in await push.shown()) == ["Bob", "Example Chat", "Example Chat"]
        assert watch.errors == []
        assert app.page.url.endswith("#/")


async def test_a_repetition_changes_nothing_and_makes_no_sound(browser: Any, world: World) -> None:
    room = await world.bob.direct("alice")
    seqs = [(await room.send(text)).seq for text in ("one", "two")]
    async with watched_context(browser, **ALLOWED) as (context, _):
        _, push = await opened(context, world)
        said = {"kind": "message", "tag": "t", "name": "Bob", "room": room.id}
        await push.deliver(**said, seq=seqs[1], text="two")
        await push.until("shown.length === 1 && !shown[0].silent")
        for seq, text in zip(seqs, ("one", "two"), strict=True):
            await push.deliver(**said, seq=seq, text=text)
            (shown,) = await push.until("shown.length === 1 && shown[0].silent")
            assert shown["body"] == "two"


async def test_the_room_that_is_looked_at_makes_no_notification(browser: Any, world: World) -> None:
    room = await world.bob.direct("alice")
    other = await world.bob.create_group("Bike tour", users=["alice"])
    seq = (await other.send("Who brings the map?")).seq
    async with watched_context(browser, **ALLOWED) as (context, _):
        app, push = await opened(context, world)
        await app.row("Bike tour").wait_for()
        await app.go(f"r/{room.id}")
        await app.field.wait_for()
        assert await app.page.evaluate("() => document.hasFocus()")
        await push.deliver(kind="message", tag="here", name="Bob", room=room.id, seq=99, text="Hi")
        await push.deliver(
            kind="message", tag="there", name="Bob", title="Bike tour", room=other.id, seq=seq, text="Map?"
        )
        (shown,) = await push.until("shown.length > 0")
        assert (shown["tag"], shown["title"], shown["body"]) == ("there", "Bike tour", "Bob: Map?")
        await push.press("there")
        await app.title.get_by_text("Bike tour").wait_for()
        assert await push.shown() == []


async def test_what_was_read_goes_from_the_screen(browser: Any, world: World) -> None:
    room = await world.bob.direct("alice")
    seq = (await room.send("Hi")).seq
    async with watched_context(browser, **ALLOWED) as (context, _):
        app, push = await opened(context, world)
        await app.row("Bob").wait_for()
        await push.deliver(kind="message", tag="t", name="Bob", room=room.id, seq=seq, text="Hi")
        await push.until("shown.length === 1")
        async with client_of(world.daemon, "alice") as phone:
            phone.room(room.id).read(seq)
            await push.until("shown.length === 0")


async def test_showing_and_looking_at_what_is_shown_wait_for_each_other(browser: Any, world: World) -> None:
    room = await world.bob.direct("alice")
    seq = (await room.send("Hi")).seq
    async with watched_context(browser, **ALLOWED) as (context, _):
        app, push = await opened(context, world)
        await app.row("Bob").wait_for()
        async with push.alone():
            delivered = asyncio.create_task(
                push.deliver(kind="message", tag="t", name="Bob", room=room.id, seq=seq, text="Hi")
            )
            await push.until_one_waits()
        await delivered
        await push.until("shown.length === 1")
        async with push.alone(), client_of(world.daemon, "alice") as phone:
            phone.room(room.id).read(seq)
            await push.until_one_waits()
        await push.until("shown.length === 0")


async def test_it_speaks_the_language_of_the_user(browser: Any, world: World) -> None:
    # While nothing is unread, the page takes what tells of messages from the screen.
    await (await world.bob.direct("alice")).send("你好")
    async with watched_context(browser, **ALLOWED, locale="zh-CN") as (context, _):
        app, push = await opened(context, world)
        await app.row("Bob").wait_for()
        await push.deliver(kind="message", tag="t", count=3, name="小明", text="你好")
        (shown,) = await push.until("shown.length === 1")
        assert shown["body"] == "3 条新消息\n你好"
        await push.deliver(kind="test", tag="test")
        await push.until("shown.some(({ title }) => title === 'Example Chat')")


async def test_an_offer_leads_to_the_offers_and_goes_when_it_is_answered(
    browser: Any, tmp_path: Path
) -> None:
    async with (
        web_daemon(tmp_path, people={"enabled": True}) as daemon,
        client_of(daemon, "bob") as bob,
        watched_context(browser, **ALLOWED) as (context, watch),
    ):
        app, push = await opened(context, World(daemon, bob))
        room = await bob.create_group("Bike tour", users=["alice"])
        said = {"kind": "offer", "name": "bob", "title": "Bike tour", "room": room.id}
        await app.page.get_by_role("button", name="1 invitation").wait_for()
        await push.deliver(**said, tag="pressed")
        await push.deliver(**said, tag="left")
        await push.until("shown.length === 2")
        await push.press("pressed")
        await app.page.get_by_role("heading", name="Invitations").wait_for()
        assert [one["tag"] for one in await push.shown()] == ["left"]
        await app.page.get_by_role("button", name="Decline").click()
        await push.until("shown.length === 0")
        assert watch.errors == []
