"""Backup while a store is written, restore into place: what was there at the start is there afterwards."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chatd.protocol.codec import decode_event
from chatd.storage.sqlite import backup as backing_up
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.startup import inspect
from chatd.storage.sqlite.store import SqliteStore
from tests.kit.adapters import sqlite
from tests.kit.history_builder import HistoryBuilder

MANY = 100_000_000


def chance(count: int) -> bytes:
    return os.urandom(count)


async def some(directory: Path, messages: int = 30) -> SqliteStore:
    """An open store with one room of Ann's."""
    store = await sqlite(directory)
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    await builder.post_many(room, "ann", messages)
    return store


async def seqs(store: SqliteStore) -> list[int]:
    page = await store.log(1, 1, 10**6, 10**6, MANY)
    return [decode_event(blob).seq for blob in page.events]


async def test_a_backup_of_a_served_database_is_one_complete_file(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    copies = tmp_path / "copies"
    copies.mkdir()
    assert backup(directory, copies / "b") == store.stamp
    assert [path.name for path in copies.iterdir()] == ["b"]
    assert (copies / "b").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(f"file:{copies / 'b'}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (31,)
    await store.close()


async def test_a_backup_under_writes_has_everything_from_before_its_start(
    directory: Path, tmp_path: Path
) -> None:
    store = await some(directory, messages=5000)
    builder = HistoryBuilder(store)
    builder.keys = 10_000  # those below are taken
    room = (await store.load_rooms([(await store.memberships("ann"))[0].name])).popitem()[1]
    for number in range(5):
        before = room.seq
        copying = asyncio.create_task(asyncio.to_thread(backup, directory, tmp_path / f"b{number}"))
        while not copying.done():
            await builder.post_many(room, "ann", 20)
        await copying
        place = tmp_path / f"restored{number}"
        restore(tmp_path / f"b{number}", place, chance)
        restored = await sqlite(place)
        found = await seqs(restored)
        assert found == list(range(1, len(found) + 1))
        assert before <= len(found) <= room.seq
        await restored.close()
    assert await seqs(store) == list(range(1, room.seq + 1))
    await store.close()
    again = await sqlite(directory)
    assert len(await seqs(again)) == room.seq
    await again.close()


async def test_a_backup_from_another_process_disturbs_nothing(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    script = "import sys; from chatd.storage.sqlite.backup import backup; print(backup(*sys.argv[1:]))"
    command = [sys.executable, "-c", script, str(directory), str(tmp_path / "b")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == store.stamp
    assert (directory / "chatd.sqlite-wal").stat().st_size > 0  # the log is the writer's to fold
    builder = HistoryBuilder(store)
    await builder.group("bob")
    assert len(await seqs(store)) == 31
    await store.close()


async def test_a_stopped_database_can_be_backed_up(directory: Path, tmp_path: Path) -> None:
    await (await some(directory)).close()
    assert backup(directory, tmp_path / "b") == 2


async def test_a_backup_reads_the_log_a_kill_left(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    shutil.copytree(directory, tmp_path / "killed")
    await store.close()
    assert backup(tmp_path / "killed", tmp_path / "b") == 2
    assert (tmp_path / "killed" / "chatd.sqlite-wal").stat().st_size > 0


async def test_backups_never_overwrite(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    (tmp_path / "b").write_text("precious")
    for destination in (tmp_path / "b", directory / "chatd.sqlite"):
        with pytest.raises(StoreError, match="exists"):
            backup(directory, destination)
    assert (tmp_path / "b").read_text() == "precious"
    await store.close()


async def test_a_backup_that_fails_leaves_nothing(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await some(directory)).close()
    copies = tmp_path / "copies"
    with pytest.raises(StoreError) as caught:
        backup(directory, copies / "b")
    assert caught.value.kind in ("missing", "read_only")
    copies.mkdir()
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def finish_copy(*_: object) -> int:
        raise full

    monkeypatch.setattr(backing_up, "finish_copy", finish_copy)
    with pytest.raises(StoreError) as caught:
        backup(directory, copies / "b")
    assert caught.value.kind == "full"
    assert list(copies.iterdir()) == []


async def test_there_is_nothing_to_back_up_in_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        backup(tmp_path, tmp_path / "b")
    assert caught.value.kind == "missing"


async def test_restoring_begins_a_new_epoch_at_the_commit_of_the_backup(
    directory: Path, tmp_path: Path
) -> None:
    store = await some(directory)
    stamp = backup(directory, tmp_path / "b")
    room = (await store.memberships("ann"))[0].name
    await HistoryBuilder(store).group("bob")
    await store.close()
    epoch = restore(tmp_path / "b", directory, chance)
    restored = await sqlite(directory)
    assert (restored.epoch, restored.stamp) == (epoch, stamp)
    assert epoch != store.epoch
    assert 4 <= len(epoch) <= 16
    assert [membership.name for membership in await restored.memberships("ann")] == [room]
    assert await restored.memberships("bob") == []
    await restored.close()
    assert backup(directory, tmp_path / "again") == stamp


async def test_what_a_restore_replaced_is_kept(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    backup(directory, tmp_path / "b")
    await store.close()
    before = (directory / "chatd.sqlite").read_bytes()
    restore(tmp_path / "b", directory, chance)
    assert (directory / "chatd.sqlite.replaced").read_bytes() == before
    restore(tmp_path / "b", directory, chance)
    assert sorted(path.name for path in directory.iterdir()) == [
        "chatd.lock", "chatd.sqlite", "chatd.sqlite.replaced",
    ]  # fmt: skip


async def test_a_restore_is_refused_while_a_daemon_runs(directory: Path, tmp_path: Path) -> None:
    store = await some(directory)
    backup(directory, tmp_path / "b")
    with pytest.raises(StoreError, match=str(os.getpid())) as caught:
        restore(tmp_path / "b", directory, chance)
    assert caught.value.kind == "in_use"
    assert len(await seqs(store)) == 31
    await store.close()


async def test_the_log_of_a_killed_database_never_meets_the_restored_one(
    directory: Path, tmp_path: Path
) -> None:
    store = await some(directory)
    backup(directory, tmp_path / "b")
    await HistoryBuilder(store).group("bob")
    shutil.copytree(directory, tmp_path / "killed")
    await store.close()
    restore(tmp_path / "b", tmp_path / "killed", chance)
    assert not (tmp_path / "killed" / "chatd.sqlite-wal").exists()
    restored = await sqlite(tmp_path / "killed")
    assert restored.stamp == 2
    assert await restored.memberships("bob") == []
    await restored.close()


def cut_short(path: Path) -> None:
    os.truncate(path, 4096 * 3)


def garbled(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(4096 * 8))


def foreign(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(4080))


def later(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO migrations VALUES (9999, '9999_later.sql', 'x')")


HOSTILE = {
    "trigger": "CREATE TRIGGER x AFTER UPDATE ON meta BEGIN DELETE FROM events; END",
    "view": "CREATE VIEW x AS SELECT * FROM events",
    "table": "CREATE TABLE x (y)",
    "index": "CREATE INDEX x ON events (time)",
    "column": "ALTER TABLE users ADD COLUMN x TEXT DEFAULT 'y'",
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_backup_whose_schema_is_not_ours_is_not_restored_nor_started(
    directory: Path, tmp_path: Path, what: str
) -> None:
    """A trigger would run inside our commits, the first time when the restore writes the new epoch."""
    await (await some(directory)).close()
    backup(directory, tmp_path / "b")
    for path in (tmp_path / "b", directory / "chatd.sqlite"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(HOSTILE[what])
    before = (directory / "chatd.sqlite").read_bytes()
    with pytest.raises(StoreError, match="is not as chatd makes it") as caught:
        restore(tmp_path / "b", directory, chance)
    assert caught.value.kind == "foreign"
    with pytest.raises(StoreError, match="is not as chatd makes it"):
        inspect(directory / "chatd.sqlite")
    assert (directory / "chatd.sqlite").read_bytes() == before


async def test_what_analyze_leaves_in_a_database_is_no_change_of_its_schema(directory: Path) -> None:
    await (await some(directory)).close()
    with closing(sqlite3.connect(directory / "chatd.sqlite")) as connection, connection:
        connection.execute("ANALYZE")
    inspect(directory / "chatd.sqlite")


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (Path.unlink, "missing"),
        (cut_short, "damaged"),
        (garbled, "damaged"),
        (foreign, "foreign"),
        (later, "newer"),
    ],
)
async def test_a_backup_that_cannot_be_trusted_is_not_restored(
    directory: Path, tmp_path: Path, harm: object, kind: str
) -> None:
    store = await some(directory)
    backup(directory, tmp_path / "b")
    await store.close()
    before = (directory / "chatd.sqlite").read_bytes()
    harm(tmp_path / "b")  # type: ignore[operator]
    with pytest.raises(StoreError) as caught:
        restore(tmp_path / "b", directory, chance)
    assert caught.value.kind == kind
    assert (directory / "chatd.sqlite").read_bytes() == before
    again = await sqlite(directory)
    assert len(await seqs(again)) == 31
    await again.close()


@pytest.mark.parametrize("killed", [False, True])
async def test_a_restore_that_crashes_leaves_old_new_or_a_refusal(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    store = await some(directory)
    backup(directory, tmp_path / "b")
    await HistoryBuilder(store).group("bob")
    if not killed:
        await store.close()
    shutil.copytree(directory, tmp_path / "old")
    if killed:
        await store.close()
    real, outcomes = os.replace, []
    for crash_at in range(6):
        place = tmp_path / f"crash{crash_at}"
        shutil.copytree(tmp_path / "old", place)
        calls = 0

        def crash(source: Path, destination: Path, at: int = crash_at) -> None:
            nonlocal calls
            if calls == at:
                raise KeyboardInterrupt
            calls += 1
            real(source, destination)

        with monkeypatch.context() as crashing:
            crashing.setattr(os, "replace", crash)
            try:
                restore(tmp_path / "b", place, chance)
            except KeyboardInterrupt:
                outcomes.append("crashed " + await state_of(place))
                restore_again(tmp_path / "b", place, crashing)
        assert await state_of(place) == "new"
    assert "crashed old" in outcomes
    assert "crashed refused" in outcomes
    assert set(outcomes) <= {"crashed old", "crashed new", "crashed refused"}


def restore_again(source: Path, place: Path, crashing: pytest.MonkeyPatch) -> None:
    crashing.undo()
    restore(source, place, chance)


async def state_of(place: Path) -> str:
    try:
        store = await sqlite(place)
    except StoreError as error:
        return "refused" if error.kind == "damaged" else error.kind
    found = "old" if await store.memberships("bob") else "new"
    await store.close()
    return found
