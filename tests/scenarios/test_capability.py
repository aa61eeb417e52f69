"""A capability is added from outside the package, by the registration that the chat of the package uses."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.commands.context import Command
from chatd.config.model import Storage
from chatd.core.erasure_steps import Erase
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.connection import Ping
from chatd.server.capability import Capability, combined
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.checking import report
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.erasure import export
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.store import SqliteStore
from tests.kit import packet_schemas, shapes
from tests.kit.adapters import sqlite
from tests.kit.bookmarks import BOOKMARKS, BOOKMARKS_MAX, LATEST, MIGRATION, SECTION, Bookmark
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.faulty_store import TamperedStore
from tests.kit.notes import section_table

DEFAULTS = {"type": "bookmark.set", "note": "here"}


@pytest.fixture(autouse=True)
def known_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones refuse what protocol.md does not have: these are the rows it would get."""
    mark = shapes.record(
        {
            "user": shapes.text,
            "room": shapes.room,
            "seq": shapes.u53,
            "note": shapes.text,
        }
    )
    monkeypatch.setitem(packet_schemas.PUSHES, "bookmark", ({"bookmark": mark}, {}))
    monkeypatch.setitem(packet_schemas.REPLIES, "bookmark.set", ({}, {}))
    monkeypatch.setitem(packet_schemas.REPLIES, "bookmarks.list", ({"bookmarks": shapes.listed(mark)}, {}))


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


async def test_its_account_rows_synchronise_by_the_cursor(daemon: RunningDaemon, clients: Clients) -> None:
    """A full walk, a push, what changed since, and a cursor from before the app knew the feature word."""
    first, (ann,) = await clients.in_group("ann")
    second = await ann.create_group("another")
    old, before = await clients.reconnect(ann)
    await old.request({**DEFAULTS, "room": first, "seq": 1})
    phone, now = await clients.reconnect(old, features=[LATEST], **place(before))
    assert now["features"] == now["sync"]["full_sections"] == [LATEST]
    assert rows(now["sync"]) == {first: {"seq": 1}}
    tablet = await clients.connect("ann", hello={"features": [LATEST]})
    other = await clients.connect("ann")
    await tablet.request({**DEFAULTS, "room": second, "seq": 1})
    push = await phone.receive("account")
    assert rows(push) == {second: {"seq": 1}}
    await other.expect_silence("account")
    phone, later = await clients.reconnect(phone, features=[LATEST], **place(now))
    assert later["sync"]["sections"] == push["sections"]
    assert "full_sections" not in later["sync"]
    await daemon.restart()
    again = Clients(daemon.url)
    _, full = await again.reconnect(tablet, features=["account", LATEST], **place(before))
    assert full["sync"]["full_sections"] == ["account", LATEST]
    assert rows(full["sync"]) == {first: {"seq": 1}, second: {"seq": 1}}
    await again.leave()


def place(hello: Any) -> dict[str, Any]:
    """The keys of a hello that goes on where the round of this one ended."""
    return {"epoch": hello["epoch"], "cursor": hello["sync"]["cursor"]}


def rows(page: Any) -> dict[str, Any]:
    """The account rows of a page or a push: value by name."""
    return {row["name"]: row["value"] for row in page["sections"][LATEST]}


async def test_what_it_keeps_of_a_user_is_handed_out_and_taken_away(
    daemon: RunningDaemon, clients: Clients
) -> None:
    room, (ann, bob) = await clients.in_group("ann", "bob")
    for client in (ann, bob):
        await client.request({**DEFAULTS, "room": room, "seq": 1})
    kept = combined([BOOKMARKS]).sqlite.kept
    with closing(sqlite3.connect(daemon.database, isolation_level=None)) as connection:
        found = [row for row in export(connection, "ann", kept) if "bookmarks" in row[0]]
        assert found == [
            ("bookmarks", {"room": room, "seq": 1, "note": "here"}),
            ("latest_bookmarks", {"name": room, "body": {"seq": 1}}),
        ]
    await daemon.app.writer.submit_and_wait("", Erase("ann"))
    await daemon.app.persons.erasures.carry_out_due()
    with closing(sqlite3.connect(daemon.database, isolation_level=None)) as connection:
        left = connection.execute("SELECT user FROM bookmarks").fetchall()
        left += connection.execute("SELECT user FROM latest_bookmarks WHERE body IS NOT NULL").fetchall()
    assert left == [("bob",), ("bob",)]


async def test_a_database_of_it_is_backed_up_checked_and_restored_without_it(tmp_path: Path) -> None:
    """Of its tables the pages are checked; a trigger, which might run, is refused."""
    config = config_for(tmp_path / "with")
    async with running_daemon(config, capabilities=[BOOKMARKS]):
        pass
    backup(tmp_path / "with", tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "with", lambda count: bytes(count))
    found = report(Directory(config.storage.directory))
    assert (found.findings, found.unknown_parts) == ([], [MIGRATION.name])
    async with running_daemon(config, capabilities=[BOOKMARKS]):
        pass
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        connection.execute("CREATE TRIGGER x AFTER INSERT ON bookmarks BEGIN DELETE FROM events; END")
    with pytest.raises(StoreError, match="trigger 'x'"):
        restore(tmp_path / "copy", tmp_path / "new", lambda count: bytes(count))


def test_two_capabilities_cannot_claim_the_same() -> None:
    same_bit = section_table(SECTION, "others")
    with pytest.raises(ValueError, match=f"{SECTION.bit}"):
        combined([BOOKMARKS, Capability(sqlite=Chapter(sections={"others": same_bit}))])
    with pytest.raises(ValueError, match="others"):
        combined([Capability(sections={"others": SECTION})])
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
