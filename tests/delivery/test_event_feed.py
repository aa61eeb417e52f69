"""The event feed: what a commit did, read page by page, in the current state of its events."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatd.core.accounts import Amend
from chatd.core.audit import Audit
from chatd.core.event_feed import LATEST, NotePresence
from chatd.delivery.event_feed import EventFeed
from chatd.protocol.errors import Refused
from tests.kit.inprocess import InProcessServer, in_process, new_key
from tests.kit.waiting import until

ON = {"enabled": True}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path / "data", events=ON) as running:
        yield running


@pytest.fixture
def feed(server: InProcessServer) -> EventFeed:
    assert server.app.event_feed is not None
    return server.app.event_feed


def plain(page: Any) -> list[dict[str, Any]]:
    """The entries of a page as the host gets them."""
    return msgspec.json.decode(msgspec.json.encode(page.entries))


async def until_waiting(feed: EventFeed) -> None:
    """Wait until a page has found nothing, and waits for the next commit."""
    await until(lambda: feed._committed._waiters)


async def test_each_commit_is_told_in_order_and_once(server: InProcessServer, feed: EventFeed) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    sent = await ann.send(room, "hello")
    entries = plain(await feed.page())
    assert [one["type"] for one in entries] == ["presence.reset", "event.created", "event.message"]
    message = entries[-1]
    assert message["room"] == room
    assert message["event"]["seq"] == sent["seq"]
    assert message["event"]["body"] == {"text": "hello"}
    page = await feed.page(entries[1]["id"])
    assert plain(page) == entries[2:]
    rest = await feed.page(page.next)
    assert (rest.entries, rest.at_end) == ([], True)
    assert (await feed.page(after=LATEST)).entries == []


async def test_what_was_recalled_has_no_body(server: InProcessServer, feed: EventFeed) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    sent = await ann.send(room, "never said")
    await ann.request(type="recall", room=room, key=new_key(), target=sent["seq"])
    *_, message, recall = plain(await feed.page())
    assert (message["type"], recall["type"]) == ("event.message", "event.recall")
    assert message["event"]["recalled"] is True
    assert "never said" not in str([message, recall])


async def test_an_entry_names_the_key_that_caused_it(server: InProcessServer, feed: EventFeed) -> None:
    audit = Audit("k2345678", "PUT /v1/users/{user}", "ann", "r")
    await server.app.writer.submit_and_wait("ann", Amend(name="Ann"), audit)
    await server.app.writer.submit_and_wait("", NotePresence(("ann",), ()))
    account, presence = plain(await feed.page())[1:]
    assert {key: account[key] for key in ("type", "user", "change", "by")} == {
        "type": "account",
        "user": "ann",
        "change": "profile",
        "by": "k2345678",
    }
    assert presence["online"] == ["ann"]
    assert "by" not in presence


async def test_a_page_of_some_types_passes_all_others(server: InProcessServer, feed: EventFeed) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    for number in range(5):
        await ann.send(room, str(number))
    page = await feed.page(limit=3, types=["event.message"])
    assert [one["event"]["body"]["text"] for one in plain(page)] == ["0", "1", "2"]
    page = await feed.page(page.next, types=["event.message"])
    assert [one["event"]["body"]["text"] for one in plain(page)] == ["3", "4"]
    assert [one["type"] for one in plain(await feed.page(types=["presence"]))] == ["presence.reset"]


async def test_a_waiting_page_is_woken_by_the_next_commit(server: InProcessServer, feed: EventFeed) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    waiting = asyncio.ensure_future(feed.page(after=LATEST, wait_s=30))
    await until_waiting(feed)
    assert not waiting.done()
    await ann.send(room, "wake up")
    assert [one["type"] for one in plain(await waiting)] == ["event.message"]


@pytest.mark.parametrize("cursor", ["x", "a-b", "k7Qd-1-", "k7Qd-1-0 ", "k7Qd-1-" + "9" * 17])
async def test_a_malformed_cursor_is_refused(feed: EventFeed, cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        await feed.page(cursor)
    assert refused.value.code == "bad_cursor"


async def test_a_search_that_takes_long_ends_with_an_empty_page_that_has_come_further(
    server: InProcessServer, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    for number in range(9):
        await ann.send(room, str(number))
    await server.app.writer.submit_and_wait("", NotePresence(("ann",), ()))
    monkeypatch.setattr("chatd.storage.sqlite.event_feed.PASSED_MAX", 1)
    monkeypatch.setattr("chatd.storage.sqlite.event_feed.ROWS_MORE", 1)
    first = (await feed.page(limit=1)).next
    assert [one.type for one in (await feed.page(first, limit=1, types=["presence"])).entries] == ["presence"]
    monkeypatch.setattr("chatd.delivery.event_feed.SEARCH_S", -1)
    after, pages = first, 0
    while not (page := await feed.page(after, limit=1, types=["presence"])).entries:
        assert not page.at_end
        after, pages = page.next, pages + 1
    assert pages > 1


async def test_who_waits_for_other_types_looks_again_and_goes_on_waiting(
    server: InProcessServer, feed: EventFeed
) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    waiting = asyncio.ensure_future(feed.page(after=LATEST, types=["presence"], wait_s=30))
    await until_waiting(feed)
    await ann.send(room, "not for it")
    await until_waiting(feed)
    assert not waiting.done()
    await server.app.writer.submit_and_wait("", NotePresence(("ann",), ()))
    assert [one.type for one in (await waiting).entries] == ["presence"]


async def test_who_waits_in_vain_gets_a_page_that_is_empty_and_has_come_further(
    server: InProcessServer, feed: EventFeed
) -> None:
    ann = await server.connect("ann")
    await ann.create_group("bob")
    after = (await feed.page(after=LATEST)).next
    page = await feed.page(after, wait_s=0.01)
    assert (page.entries, page.after, page.next) == ([], after, after)
