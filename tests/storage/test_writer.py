"""The writing connection when the disk is full or fails: nothing is half written, then work goes on."""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatd.config.model import Storage
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Unavailable
from chatd.storage.interface import StoreLost
from chatd.storage.sqlite import writer as writing
from chatd.storage.sqlite.commit import commit
from chatd.storage.sqlite.connection import open_writer
from chatd.storage.sqlite.meta import put_meta
from chatd.storage.sqlite.store import SqliteStore
from chatd.storage.sqlite.write_set import Batch, batch_of
from chatd.storage.sqlite.writer import Writer
from tests.kit.adapters import no_troubles, sqlite
from tests.kit.env import ManualEnv
from tests.kit.history_builder import HistoryBuilder
from tests.kit.mounts import mounted

MANY = 10_000_000


@pytest.fixture
async def room(directory: Path) -> Room:
    store = await sqlite(directory)
    room = await HistoryBuilder(store).group("ann")
    await store.close()
    return room


@pytest.fixture
async def writer(directory: Path, room: Room) -> AsyncIterator[Writer]:
    path = directory / "chatd.sqlite"
    writer = Writer(path, await open_writer(path), stamp=1, min_free_bytes=0, troubles=no_troubles())
    yield writer
    await writer.close(lambda connection: None)


def batch(writer: Writer, room: Room, text: str = "hello") -> Batch:
    """One message as the next commit; the room in memory stays as it was when it is not stored."""
    writes = WriteSet(now=1, stamp=writer.stamp + 1)
    HistoryBuilder(None).say(writes, room, "ann", text, key=f"key-{room.seq:05}")  # type: ignore[arg-type]
    return batch_of(writes)


def failing(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


def count(path: Path) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        (number,) = connection.execute("SELECT count(*) FROM events").fetchone()
    finally:
        connection.close()
    return int(number)


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CORRUPT]
)
async def test_a_connection_under_which_the_disk_failed_is_replaced(
    writer: Writer, room: Room, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    opened: list[Path] = []

    async def counted(path: Path):  # type: ignore[no-untyped-def]
        opened.append(path)
        return await open_writer(path)

    def fails(connection: sqlite3.Connection, rows: Batch) -> None:
        raise failing(code)

    monkeypatch.setattr(writing, "open_writer", counted)
    monkeypatch.setattr(writing, "commit", fails)
    rows = batch(writer, room)
    with pytest.raises(Unavailable, match="internal") as caught:
        await writer.commit(rows)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert (writer.stamp, opened) == (1, [])
    monkeypatch.setattr(writing, "commit", commit)
    await writer.commit(rows)
    await writer.commit(batch(writer, room))
    assert (writer.stamp, len(opened)) == (3, 1)


async def test_a_database_that_moved_on_by_itself_takes_no_more_commits(
    writer: Writer, room: Room, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored_but_failed(connection: sqlite3.Connection, rows: Batch) -> None:
        put_meta(connection, "stamp", 2)
        raise failing(sqlite3.SQLITE_IOERR_WRITE)

    monkeypatch.setattr(writing, "commit", stored_but_failed)
    with pytest.raises(Unavailable):
        await writer.commit(batch(writer, room))
    monkeypatch.setattr(writing, "commit", commit)
    for _ in range(2):
        with pytest.raises(StoreLost, match="stands at commit 2, not 1"):
            await writer.commit(batch(writer, room))
    assert count(directory / "chatd.sqlite") == 1


async def test_after_a_failed_flush_nothing_is_tried_again(
    writer: Writer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: sqlite3.Connection, rows: Batch) -> None:
        raise failing(sqlite3.SQLITE_IOERR_FSYNC)

    monkeypatch.setattr(writing, "commit", fails)
    with pytest.raises(StoreLost, match="failed to flush"):
        await writer.commit(batch(writer, room))
    monkeypatch.setattr(writing, "commit", commit)
    with pytest.raises(StoreLost, match="failed to flush"):
        await writer.commit(batch(writer, room))
    assert writer.stamp == 1


async def test_a_disk_that_cannot_be_opened_again_is_tried_at_the_next_commit(
    writer: Writer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(path: Path) -> None:
        raise failing(sqlite3.SQLITE_CANTOPEN)

    def fails(connection: sqlite3.Connection, rows: Batch) -> None:
        raise failing(sqlite3.SQLITE_IOERR)

    rows = batch(writer, room)
    with monkeypatch.context() as broken:
        broken.setattr(writing, "open_writer", gone)
        broken.setattr(writing, "commit", fails)
        for _ in range(3):
            with pytest.raises(Unavailable, match="internal"):
                await writer.commit(rows)
    await writer.commit(rows)
    assert writer.stamp == 2


@pytest.mark.parametrize("step", range(4))
async def test_an_error_at_any_statement_undoes_the_whole_batch(
    writer: Writer, room: Room, directory: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    rows = batch(writer, room)
    broken = ["rooms", "members", "events", "messages"][step]
    good = list(getattr(rows, broken))
    setattr(rows, broken, [*good, ("one value too few",)])
    with pytest.raises(Unavailable, match="internal"):
        await writer.commit(rows)
    assert (count(directory / "chatd.sqlite"), writer.stamp) == (1, 1)
    setattr(rows, broken, good)
    await writer.commit(rows)
    assert (count(directory / "chatd.sqlite"), writer.stamp) == (2, 2)


async def test_a_full_database_answers_overloaded_and_goes_on_when_there_is_room(
    writer: Writer, room: Room, directory: Path
) -> None:
    def limit(connection: sqlite3.Connection, pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    await writer._connection.run(limit, 1)  # no lower than it is now
    rows = batch(writer, room, text="x" * 100_000)
    with pytest.raises(Unavailable, match="overloaded"):
        await writer.commit(rows)
    assert (count(directory / "chatd.sqlite"), writer.stamp) == (1, 1)
    await writer._connection.run(limit, 1_000_000)
    await writer.commit(rows)
    assert (count(directory / "chatd.sqlite"), writer.stamp) == (2, 2)


async def test_writes_stop_before_the_disk_is_full(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SPACE_INTERVAL_S", 0.0)
    config = Storage(directory=str(directory), min_free_bytes=1 << 20)
    store = await SqliteStore.open(config, ManualEnv())
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    real = os.statvfs(directory)

    def almost_full(path: Path) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 1000, 255, 255, *real[5:]))

    with monkeypatch.context() as full:
        full.setattr(os, "statvfs", almost_full)
        with pytest.raises(Unavailable, match="overloaded"):
            await store.commit(builder.writes())
    assert len((await store.log(room.number, 1, 9, 9, MANY)).events) == 1
    await builder.post(room, "ann")
    await store.close()


async def test_space_is_looked_for_now_and_then_and_each_time_while_there_is_none(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await SqliteStore.open(Storage(directory=str(directory), min_free_bytes=1), ManualEnv())
    builder, looks, real = HistoryBuilder(store), list[int](), os.statvfs(directory)
    free = 0

    def look(path: Path) -> os.statvfs_result:
        looks.append(free)
        return os.statvfs_result((4096, 4096, 1000, 255, free, *real[5:]))

    monkeypatch.setattr(os, "statvfs", look)
    for _ in range(2):
        with pytest.raises(Unavailable, match="overloaded"):
            await store.commit(builder.writes())
    free = 255
    await builder.group("ann")
    await builder.group("bob")
    assert looks == [0, 0, 0, 0, 255]  # of two refusals each says what is free
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with mounted(tmp_path / "disk", "size=2m") as place:
        yield place


async def test_on_a_full_disk_nothing_acknowledged_is_lost_and_work_goes_on_with_space(
    small_disk: Path,
) -> None:
    store = await sqlite(small_disk / "data")
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (1 << 20))
    stored, refusals = [1], []
    while len(refusals) < 3:
        writes = builder.writes()
        event = builder.say(writes, room, "ann", "x" * 20_000)
        try:
            await store.commit(writes)
            stored.append(event.seq)
        except Unavailable as error:
            writes.rollback()
            refusals.append(error.code)
    assert set(refusals) == {"overloaded"}
    assert len((await store.log(room.number, 1, 999, 999, MANY)).events) == len(stored)
    ballast.unlink()
    stored.append((await builder.post(room, "ann", "space again")).seq)
    await store.close()
    again = await sqlite(small_disk / "data")
    assert len((await again.log(room.number, 1, 999, 999, MANY)).events) == len(stored) == room.seq
    await again.close()


async def test_a_closed_store_answers_unavailable(directory: Path) -> None:
    store = await sqlite(directory)
    writes = HistoryBuilder(store).writes()
    await store.close()
    with pytest.raises(Unavailable, match="internal"):
        await store.memberships("ann")
    with pytest.raises(Unavailable, match="internal"):
        await store.commit(writes)
