"""The reads behind downloads: nothing is found but what the asker may have at this commit."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import UNSET

from chatd.core.extras import DELETED, put_extra
from chatd.core.users import Account, DeviceSeen, Restriction
from chatd.protocol.errors import Unavailable
from chatd.protocol.media import FilePlace, Size
from chatd.storage.interface import Store
from chatd.storage.media import Asker, Standing
from chatd.storage.sqlite import media_reads
from chatd.storage.sqlite.connection import readable, writable
from chatd.storage.sqlite.media_reads import SqliteMediaReads, placed
from tests.kit.adapters import no_troubles, sqlite
from tests.kit.history_builder import HistoryBuilder
from tests.kit.media_rows import MediaRows, digest, file_id

NOBODY = Standing()
BOB = Asker("bob", "phone")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await sqlite(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def builder(store: Store) -> HistoryBuilder:
    return HistoryBuilder(store)


@pytest.fixture
def rows(store: Store, tmp_path: Path) -> MediaRows:
    return MediaRows(tmp_path / "chatd.sqlite")


@pytest.fixture
async def reads(store: Store, tmp_path: Path) -> AsyncIterator[SqliteMediaReads]:
    opened = await SqliteMediaReads.open(tmp_path / "chatd.sqlite", no_troubles())
    yield opened
    await opened.close()


def place(room: str, seq: int, file: str, size: Size | None = None) -> FilePlace:
    return FilePlace(room, seq, file, UNSET if size is None else size)


async def test_a_member_finds_the_file_of_a_message(
    builder: HistoryBuilder, rows: MediaRows, reads: SqliteMediaReads
) -> None:
    room = await builder.group("alice", "bob")
    await builder.post(room, "alice")
    file = rows.file("alice", "plan", ("full", "s"), size=7)
    rows.attach(room, 2, file)
    standing, found = await reads.placed(BOB, place(room.name, 2, file))
    assert found == (file, "text/plain", 7, digest(file), "file", "plan.txt")
    assert standing == NOBODY
    small = (await reads.placed(BOB, place(room.name, 2, file, "s"))).object
    assert small is not None
    assert small.object == f"{file}-s"
    assert (await reads.placed(BOB, place(room.name, 2, file, "m"))).object is None


async def test_who_deleted_the_message_for_themselves_finds_it_no_more(
    store: Store, builder: HistoryBuilder, rows: MediaRows, reads: SqliteMediaReads
) -> None:
    room = await builder.group("alice", "bob")
    file = rows.file("alice", "plan", ("full",), size=7)
    for seq in (2, 3):
        await builder.post(room, "alice")
        rows.attach(room, seq, file)
    writes = builder.writes()
    put_extra(writes.touch_member(room, "bob"), DELETED, [(2, 2)])
    await builder.commit(writes)
    deleted, other = place(room.name, 2, file), place(room.name, 3, file)
    for asker, seen in ((BOB, [other]), (Asker("alice", "phone"), [deleted, other])):
        found = [one for one in (deleted, other) if (await reads.placed(asker, one)).object is not None]
        assert found == await store.visible_files(asker.user, [deleted, other]) == seen


async def test_nobody_else_finds_it_and_nobody_elsewhere(
    builder: HistoryBuilder, rows: MediaRows, reads: SqliteMediaReads
) -> None:
    room = await builder.group("alice", "bob", "carol")
    other = await builder.group("alice", "bob")
    for _ in range(3):
        await builder.post(room, "alice")
    await builder.post(other, "alice")
    await builder.join(room, "dora")
    await builder.leave(room, "carol")
    file = rows.file("alice", "plan")
    rows.attach(room, 3, file)

    async def found(user: str, seq: int, name: str = room.name, asked: str = file) -> bool:
        return (await reads.placed(Asker(user, "phone"), place(name, seq, asked))).object is not None

    assert await found("bob", 3)
    assert not await found("bob", 2)
    assert not await found("bob", 3 + (1 << 32))
    assert not await found("bob", 3, other.name)
    assert not await found("bob", 3, "gnone")
    assert not await found("bob", 3, asked=file_id("other"))
    assert not await found("carol", 3)
    assert not await found("dora", 3)
    assert not await found("eve", 3)
    assert not await found("", 3)
    rows.detach(room, 3, file)
    assert not await found("bob", 3)
    rows.attach(room, 3, file)
    await builder.delete(room)
    assert not await found("bob", 3)


async def test_a_refusal_costs_the_same_wherever_it_points(
    builder: HistoryBuilder, rows: MediaRows, tmp_path: Path
) -> None:
    room = await builder.group("alice", "bob")
    await builder.post(room, "alice")
    file = rows.file("alice", "plan")
    rows.attach(room, 2, file)

    with closing(readable(tmp_path / "chatd.sqlite")) as connection:

        def steps(user: str, asked: FilePlace) -> int:
            """Return the instructions that SQLite carried out, the second time."""
            counted = 0

            def count() -> int:
                nonlocal counted
                counted += 1
                return 0

            placed(connection, Asker(user), asked)
            connection.set_progress_handler(count, 1)
            assert placed(connection, Asker(user), asked).object is None
            connection.set_progress_handler(None, 1)
            return counted

        found = {
            steps("eve", place(room.name, 2, file)),
            steps("eve", place(room.name, 2, file_id("other"))),
            steps("eve", place("gnone", 2, file)),
            steps("bob", place(room.name, 1, file)),
            steps("bob", place(room.name, 2, file_id("other"))),
        }
    # Of some 150; a probe that is not made saves more.
    assert max(found) - min(found) <= 3


async def test_the_standing_is_that_of_account_and_device_at_this_commit(
    builder: HistoryBuilder, reads: SqliteMediaReads
) -> None:
    account = Account("bob", generation=30, revoked_before=20)
    device = DeviceSeen("bob", "phone", last_seen=1, revoked_before=10)

    async def standing_with(asker: Asker, **changes: object) -> Standing:
        writes = builder.writes()
        writes.add(replace(account, **changes), device)  # type: ignore[arg-type]
        await builder.commit(writes)
        upload = await reads.upload(asker, file_id("none"))
        own = await reads.own(asker, file_id("none"), "full")
        assert (upload.file, own.object) == (None, None)
        assert upload.standing == own.standing
        return own.standing

    assert await standing_with(BOB) == Standing(False, 0, 20, 30, 10)
    assert await standing_with(Asker("bob")) == Standing(False, 0, 20, 30, 0)
    assert await standing_with(BOB, disabled=True) == Standing(True, 0, 20, 30, 10)
    banned = await standing_with(BOB, restriction=Restriction("ban", 1, "spam"))
    assert banned == Standing(False, 1, 20, 30, 10)
    assert (await standing_with(BOB, restriction=Restriction("mute", 1, ""))).banned_until == 0


async def test_an_own_file_is_found_by_its_owner_and_by_the_host(
    rows: MediaRows, reads: SqliteMediaReads
) -> None:
    file = rows.file("bob", "mine", ("full", "m"))
    host_file = rows.file("", "host")
    assert (await reads.own(BOB, file, "m")).object is not None
    assert (await reads.own(BOB, file, "s")).object is None
    assert (await reads.own(Asker("eve"), file, "full")).object is None
    assert (await reads.own(BOB, host_file, "full")).object is None
    assert (await reads.own(None, file, "full")).object is not None


@pytest.mark.parametrize(
    ("holder", "shown"),
    [
        ("avatar:u:bob", True),
        ("avatar:r:7", True),
        ("cover:u:bob", True),
        ("sticker:wave", True),
        ("wallpaper:u:bob:g1", False),
        ("report:4", False),
        ("", False),
    ],
)
async def test_a_file_is_public_while_a_card_a_room_or_a_sticker_shows_it(
    rows: MediaRows, reads: SqliteMediaReads, holder: str, shown: bool
) -> None:
    file = rows.file("bob", "face", ("full", "s"))
    if holder:
        rows.hold(holder, file)
    assert (await reads.public(file, "s") is not None) == shown
    assert await reads.public(file, "m") is None


async def test_an_upload_is_told_in_every_state(rows: MediaRows, reads: SqliteMediaReads) -> None:
    for state, code in (("uploading", ""), ("refused", "unreadable")):
        file = rows.unfinished("bob", state, code)
        found = (await reads.upload(BOB, file)).file
        assert found is not None
        assert (found.file, found.owner, found.state, found.length) == (file, "bob", state, 100)
        assert (found.code, found.source) == (code, b"")
        assert (await reads.own(BOB, file, "full")).object is None
    ready = (await reads.upload(BOB, rows.file("bob", "done"))).file
    assert ready is not None
    assert ready.facts.name == "done.txt"


async def test_own_files_come_in_pages_the_newest_first(store: Store, rows: MediaRows) -> None:
    for number in range(5):
        rows.file("bob", f"f{number}", size=number, time=number // 2)
    rows.unfinished("bob", "later")
    rows.file("eve", "f9", time=9)
    rows.hold("avatar:u:bob", file_id("f0"))
    rows.use("bob", 10)
    pages, more = [], ""
    while True:
        page = await store.own_files("bob", more, 2, 1000)
        assert page.used == 10
        pages.append([(one.file[:2], one.size, one.name, one.attached) for one in page.files])
        if not page.next:
            break
        more = page.next
    assert pages == [
        [("f4", 4, "f4.txt", False), ("f3", 3, "f3.txt", False)],
        [("f2", 2, "f2.txt", False), ("f1", 1, "f1.txt", False)],
        [("f0", 0, "f0.txt", True)],
    ]
    small = await store.own_files("bob", "", 5, 400)
    assert [one.file[:2] for one in small.files] == ["f4", "f3"]
    (one,) = (await store.own_files("bob", small.next, 5, 1)).files
    assert one.file[:2] == "f2"
    assert (await store.own_files("nobody", "", 2, 1000)) == ([], 0, "")


async def test_what_a_user_may_not_see_is_left_out(
    store: Store, builder: HistoryBuilder, rows: MediaRows
) -> None:
    room = await builder.group("alice", "bob")
    await builder.post(room, "alice")
    file = rows.file("alice", "plan")
    rows.attach(room, 2, file)
    right = place(room.name, 2, file)
    places = [right, place(room.name, 1, file), place("gnone", 2, file)]
    assert await store.visible_files("bob", places) == [right]
    assert await store.visible_files("eve", places) == []


async def test_a_read_leaves_nothing_that_the_log_waits_for(
    builder: HistoryBuilder, reads: SqliteMediaReads, tmp_path: Path
) -> None:
    room = await builder.group("alice", "bob")
    await reads.placed(BOB, place(room.name, 1, file_id("none")))
    await reads.unknown_objects(["a"])
    with closing(writable(tmp_path / "chatd.sqlite")) as connection:
        (blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not blocked


async def test_objects_without_a_row_are_named(rows: MediaRows, reads: SqliteMediaReads) -> None:
    file = rows.file("alice", "plan")
    assert await reads.unknown_objects(["b", file, "a"]) == ["b", "a"]


async def test_a_lock_of_another_program_is_said(
    reads: SqliteMediaReads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    monkeypatch.setattr(media_reads, "public", locked)
    with pytest.raises(Unavailable):
        await reads.public("a", "full")
    assert list(reads._troubles.now) == ["reads"]
