"""The upkeep of the event feed: presence, and the end of old entries."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatd.config.events import Events
from chatd.core.event_feed import NotePresence
from chatd.jobs import event_feed
from chatd.jobs.event_feed import FeedUpkeep, end_feed
from chatd.protocol.errors import Unavailable
from tests.kit.inprocess import InProcessServer, in_process

HOUR_S = 3600.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, events={"enabled": True, "kept_h": 2}) as running:
        yield running


def upkeep_of(server: InProcessServer) -> FeedUpkeep:
    assert server.app.feed_upkeep is not None
    return server.app.feed_upkeep


async def told(server: InProcessServer, *types: str) -> list[dict[str, Any]]:
    assert server.app.event_feed is not None
    page = await server.app.event_feed.page(types=types)
    return msgspec.json.decode(msgspec.json.encode(page.entries))  # type: ignore[no-any-return]


async def presences(server: InProcessServer) -> list[tuple[list[str], list[str]]]:
    await upkeep_of(server).tell_presence()
    return [(one.get("online", []), one.get("offline", [])) for one in (await told(server, "presence"))[1:]]


async def test_users_come_online_and_go_offline(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    await server.connect("bob")
    second = await server.connect("bob", device=2)
    assert await presences(server) == [(["ann", "bob"], [])]
    ann.hang_up()
    second.hang_up()
    assert len(await presences(server)) == 1, "a lost connection lingers"
    await server.advance(server.config.delivery.presence_linger_s)
    assert (await presences(server))[1:] == [([], ["ann"])]


async def test_the_background_is_online(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    await presences(server)
    await ann.request(type="mode", mode="background")
    assert len(await presences(server)) == 1


async def test_what_is_taken_back_within_a_round_is_not_told(server: InProcessServer) -> None:
    linger_s = server.config.delivery.presence_linger_s
    await server.connect("bob")
    for _ in range(3):
        ann = await server.connect("ann")
        ann.hang_up()
        await server.advance(linger_s)
    assert await presences(server) == [(["bob"], [])]


async def test_many_are_told_in_several_entries(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "USERS_MAX", 2)
    for user in ("ann", "bob", "eve"):
        upkeep_of(server).on_presence(user, True)
    assert await presences(server) == [(["ann", "bob"], []), (["eve"], [])]


async def test_presence_that_could_not_be_stored_is_told_later(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = upkeep_of(server)
    refused: list[Any] = []

    async def refuse(user: str, request: Any, audit: Any = None) -> None:
        refused.append(request)
        # Meanwhile ann leaves again, and eve comes.
        upkeep.on_presence("ann", False)
        upkeep.on_presence("eve", True)
        raise Unavailable("overloaded", "the disk is full")

    upkeep.on_presence("ann", True)
    upkeep.on_presence("bob", True)
    with monkeypatch.context() as patched:
        patched.setattr(server.app.writer, "submit_and_wait", refuse)
        with pytest.raises(Unavailable):
            await upkeep.tell_presence()
    assert refused == [NotePresence(["ann", "bob"], [])]
    assert await presences(server) == [(["eve", "bob"], [])]


async def test_a_feed_that_could_not_begin_begins_in_a_later_round(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = FeedUpkeep(server.app.store.feed, server.env, server.app.writer, Events(enabled=True))
    with monkeypatch.context() as patched:

        async def refuse(user: str, request: Any, audit: Any = None) -> None:
            raise Unavailable("overloaded", "the disk is full")

        patched.setattr(server.app.writer, "submit_and_wait", refuse)
        await upkeep.begin()
        await upkeep.tell_presence()
    assert len(await told(server)) == 1
    await upkeep.tell_presence()
    assert [one["type"] for one in await told(server)] == ["presence.reset"] * 2


async def test_old_entries_are_forgotten_in_slices(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    for number in range(5):
        await ann.send(room, str(number))
    await server.advance(HOUR_S)
    ann = await server.connect("ann")
    await ann.send(room, "young")
    monkeypatch.setattr("chatd.storage.sqlite.event_feed.FORGOTTEN_AT_ONCE", 2)
    before = await told(server)
    await upkeep_of(server).forget()
    assert await told(server) == before
    await server.advance(HOUR_S + 1)
    await upkeep_of(server).forget(is_trusted=False)
    assert await told(server) == before
    await upkeep_of(server).forget()
    assert [one["event"]["body"]["text"] for one in await told(server, "event")] == ["young"]
    await server.advance(HOUR_S)
    await upkeep_of(server).forget()
    assert await told(server) == []


async def test_entries_beyond_the_bytes_that_are_kept_are_forgotten(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    room = await ann.create_group("bob")
    for number in range(20):
        await ann.send(room, str(number))
    before = await told(server)
    bounds = await server.app.store.feed.bounds()
    assert bounds.newest is not None
    upkeep_of(server).reconfigure(Events(enabled=True, bytes_max=bounds.newest.bytes // 2))
    await upkeep_of(server).forget()
    gauges, oldest = upkeep_of(server).gauges(), server.env.now_ms() / 1000
    assert 0 < gauges["event_feed_bytes"] <= bounds.newest.bytes // 2
    assert gauges["event_feed_oldest_timestamp_seconds"] == oldest
    kept = await told(server)
    assert kept == before[-len(kept) :]
    assert 0.4 < len(kept) / len(before) < 0.6


async def test_a_feed_that_is_switched_off_is_dropped(tmp_path: Path) -> None:
    async with in_process(tmp_path, events={"enabled": True}) as server:
        ann = await server.connect("ann")
        await ann.create_group("bob")
    async with in_process(tmp_path) as server:
        assert (await server.app.store.feed.bounds()).is_on
        await end_feed(server.app.store.feed, server.app.writer)
        bounds = await server.app.store.feed.bounds()
        assert (bounds.is_on, bounds.newest) == (False, None)
        stamp = server.app.store.stamp
        await end_feed(server.app.store.feed, server.app.writer)
        assert server.app.store.stamp == stamp
