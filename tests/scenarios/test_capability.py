"""A capability is added from outside the package, by the registration that the chat of the package uses."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.commands.context import Command
from chatd.config.model import Storage
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.connection import Ping
from chatd.server.capability import Capability, combined
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.store import SqliteStore
from tests.kit import packet_schemas
from tests.kit.adapters import sqlite
from tests.kit.bookmarks import BOOKMARKS, BOOKMARKS_MAX, Bookmark
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.faulty_store import TamperedStore

DEFAULTS = {"type": "bookmark.set", "note": "here"}


@pytest.fixture(autouse=True)
def known_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones refuse what protocol.md does not have: these are the rows it would get."""
    mark = packet_schemas.record(
        {
            "user": packet_schemas.text,
            "room": packet_schemas.room,
            "seq": packet_schemas.u53,
            "note": packet_schemas.text,
        }
    )
    monkeypatch.setitem(packet_schemas.PUSHES, "bookmark", ({"bookmark": mark}, {}))
    monkeypatch.setitem(packet_schemas.REPLIES, "bookmark.set", ({}, {}))
    monkeypatch.setitem(
        packet_schemas.REPLIES, "bookmarks.list", ({"bookmarks": packet_schemas.listed(mark)}, {})
    )


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path), capabilities=[BOOKMARKS]) as running:
        yield running


async def marks_of(client: TestClient) -> list[tuple[int, str]]:
    reply = await client.request({"type": "bookmarks.list"})
    return [(one["seq"], one["note"]) for one in reply["bookmarks"]]


async def test_what_it_stores_is_answered_pushed_read_and_still_there_after_a_restart(
    daemon: RunningDaemon, clients: Clients
) -> None:
    """And a subscriber of it that fails on every commit hinders nobody."""
    room, (ann, bob) = await clients.in_group("ann", "bob")
    other = await clients.connect("ann")
    await ann.request({**DEFAULTS, "room": room, "seq": 1})
    push = await other.receive("bookmark")
    assert push["bookmark"] == {"user": "ann", "room": room, "seq": 1, "note": "here"}
    assert (await marks_of(ann), await marks_of(bob)) == ([(1, "here")], [])
    await ann.request({**DEFAULTS, "room": room, "seq": 1, "note": "no, there"})
    sent = await bob.send(room, "x")
    assert (await ann.next_event(room, "message"))["seq"] == sent["seq"]
    await bob.expect_silence("bookmark")
    assert daemon.app.counters.events_committed["bookmark"] == 2
    await daemon.restart()
    again = await Clients(daemon.url).connect("ann")
    assert await marks_of(again) == [(1, "no, there")]
    await again.hang_up()


async def test_its_decision_sees_what_is_stored_and_what_came_before_it_in_the_batch(
    clients: Clients,
) -> None:
    """A refused request leaves nothing behind, though its record was added before it was refused."""
    room, (ann,) = await clients.in_group("ann")
    packets = [{**DEFAULTS, "room": room, "seq": seq} for seq in range(1, BOOKMARKS_MAX + 2)]
    replies = await ann.request_all(packets)
    assert [reply.get("code") for reply in replies] == [None] * BOOKMARKS_MAX + ["too_large"]
    assert [seq for seq, _ in await marks_of(ann)] == [*range(1, BOOKMARKS_MAX + 1)]
    await ann.expect_refusal("too_large", {**DEFAULTS, "room": room, "seq": 99})
    await ann.request({**DEFAULTS, "room": room, "seq": 2, "note": "again"})
    assert (2, "again") in await marks_of(ann)


async def test_its_requests_obey_the_rules_of_all(clients: Clients) -> None:
    room, (ann,) = await clients.in_group("ann")
    stranger = await clients.connect("eve")
    await stranger.expect_refusal("not_found", {**DEFAULTS, "room": room, "seq": 1})
    refused = await ann.expect_refusal("bad_request", {**DEFAULTS, "room": room, "seq": "one"})
    assert refused["field"] == "seq"


async def test_without_it_nobody_knows_its_requests_and_its_database_is_refused(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path / "plain")) as plain:
        ann = await Clients(plain.url).connect("ann")
        await ann.expect_refusal("unknown_type", {"type": "bookmarks.list"})
        await ann.hang_up()
    async with running_daemon(config_for(tmp_path / "with"), capabilities=[BOOKMARKS]):
        pass
    with pytest.raises(StoreError, match="10001_bookmarks"):
        async with running_daemon(config_for(tmp_path / "with")):
            pass


async def test_a_table_of_it_is_added_to_a_database_that_is_there(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path)):
        pass
    async with running_daemon(config_for(tmp_path), capabilities=[BOOKMARKS]) as running:
        ann = await Clients(running.url).connect("ann")
        assert await marks_of(ann) == []
        await ann.hang_up()


def test_two_capabilities_cannot_claim_the_same() -> None:
    with pytest.raises(ValueError, match="Ping"):
        combined([BOOKMARKS, Capability(commands={Ping: Command(None)})])


async def test_a_record_that_nothing_writes_is_not_taken_for_stored(tmp_path: Path) -> None:
    store = await sqlite(tmp_path)
    work = WriteSet(now=1, stamp=store.stamp + 1)
    work.add(Bookmark("ann", "g", 1, "x"))
    with pytest.raises(LookupError, match="Bookmark"):
        await store.commit(work)
    assert store.stamp == 0
    await store.close()


async def test_a_daemon_works_on_whatever_store_it_is_given(tmp_path: Path) -> None:
    given: list[TamperedStore] = []

    async def tampered(config: Storage, env: Env, chapter: Chapter) -> Any:
        given.append(TamperedStore(await SqliteStore.open(config, env, chapter)))
        return given[0]

    async with running_daemon(config_for(tmp_path), open_store=tampered) as running:
        clients = Clients(running.url)
        room, (ann,) = await clients.in_group("ann")
        await ann.send(room, "x")
        await clients.leave()
    assert given[0].calls["commit"] >= 2
