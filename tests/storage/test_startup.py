"""Opening a store: the files made, the refusals and their words; a refusal changes nothing."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatd.config.model import Storage
from chatd.storage.sqlite import startup
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.directory import Directory, Lock
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.store import SqliteStore
from tests.kit.adapters import sqlite, storage_for
from tests.kit.disk import lay, watched
from tests.kit.env import ManualEnv
from tests.kit.history_builder import HistoryBuilder
from tests.kit.power_cut_sweep import calm
from tests.kit.simulated_disk import Kind, Operation

Break = Callable[[Path], None]


async def make(directory: Path, messages: int = 200) -> str:
    """A closed database with one room; its epoch."""
    store = await sqlite(directory)
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    await builder.post_many(room, "ann", messages, text="x" * 100)
    await store.close()
    return store.epoch


async def refused(directory: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await sqlite(directory)
    return caught.value


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix != ".lock"}


async def test_a_new_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    store = await sqlite(directory)
    await store.close()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "chatd.sqlite").stat().st_mode & 0o777 == 0o600


async def test_a_store_comes_back_with_its_epoch_stamp_and_rooms(directory: Path) -> None:
    epoch = await make(directory)
    store = await sqlite(directory)
    assert (store.epoch, store.stamp) == (epoch, 2)
    assert 4 <= len(epoch) <= 16
    assert len(await store.memberships("ann")) == 1
    assert await store.next_room_number() == 2
    await store.close()


async def test_a_new_database_and_its_backups_can_give_free_pages_back(
    directory: Path, tmp_path: Path
) -> None:
    await make(directory)
    backup(directory, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "other", os.urandom)
    for place in (directory, tmp_path / "other"):
        with closing(sqlite3.connect(place / "chatd.sqlite")) as connection:
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_two_databases_have_two_epochs(tmp_path: Path) -> None:
    one = await SqliteStore.open(storage_for(tmp_path / "a"), ManualEnv(seed=1))
    two = await SqliteStore.open(storage_for(tmp_path / "b"), ManualEnv(seed=2))
    assert one.epoch != two.epoch
    await one.close()
    await two.close()


async def test_a_clean_close_leaves_one_file(directory: Path) -> None:
    await make(directory)
    assert sorted(contents(directory)) == ["chatd.sqlite"]


async def test_closing_twice_is_harmless(directory: Path) -> None:
    store = await sqlite(directory)
    await store.close()
    await store.close()


async def test_the_parent_of_the_directory_must_be_there(tmp_path: Path) -> None:
    error = await refused(tmp_path / "none" / "data")
    assert error.kind == "missing"
    assert str(tmp_path / "none" / "data") in str(error)


async def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("hello")
    assert (await refused(tmp_path / "data")).kind in ("missing", "read_only")


async def test_a_directory_without_write_permission_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert (await refused(directory)).kind == "read_only"


async def test_a_second_store_is_refused_with_the_pid_of_the_first(directory: Path) -> None:
    store = await sqlite(directory)
    error = await refused(directory)
    assert error.kind == "in_use"
    assert str(os.getpid()) in str(error)
    await store.close()
    again = await sqlite(directory)
    await again.close()


async def test_a_lock_ends_with_its_process_however_it_ends(directory: Path) -> None:
    directory.mkdir()
    take = "Lock.take(Directory(sys.argv[1]))"
    script = f"import os, sys; from chatd.storage.sqlite.directory import *; {take}; os._exit(9)"
    assert subprocess.run([sys.executable, "-c", script, str(directory)], check=False).returncode == 9
    Lock.take(Directory(directory)).release()


async def test_a_refused_open_gives_the_lock_back(directory: Path) -> None:
    directory.mkdir()
    (directory / "chatd.sqlite").write_bytes(b"")
    await refused(directory)
    Lock.take(Directory(directory)).release()


def test_a_lock_file_that_cannot_be_written_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(StoreError):
            Lock.take(Directory(tmp_path))
    Lock.take(Directory(tmp_path)).release()


async def test_a_database_locked_by_another_program_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(directory)
    from chatd.storage.sqlite import pragmas

    monkeypatch.setitem(pragmas.WRITER, "busy_timeout", 1)
    monkeypatch.setitem(pragmas.READER, "busy_timeout", 1)
    with closing(sqlite3.connect(directory / "chatd.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (await refused(directory)).kind == "locked"


def foreign_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE contacts (name)")


def later_schema(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, '9999_later.sql', 'x')")


def other_schema(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE migrations SET checksum = 'x'")


def unclean(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = 0 WHERE key = 'clean'")


def garbled_page(path: Path) -> None:
    unclean(path)
    with path.open("r+b") as file:
        file.seek(-4096 * 3, os.SEEK_END)
        file.write(os.urandom(4096))


def cut_short(path: Path) -> None:
    unclean(path)
    os.truncate(path, path.stat().st_size - 4096 * 4)


def garbled_schema(path: Path) -> None:
    """A name in the schema that is no text: SQLite's own message about it is none either."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE rooms", b"CREATE TABL\xc5 rooms", 1))


def no_tables(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE meta")


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: os.truncate(path, 50), "damaged"),
        (lambda path: path.write_bytes(b"not a database at all" * 500), "foreign"),
        (foreign_database, "foreign"),
        (later_schema, "newer"),
        (other_schema, "foreign"),
        (garbled_page, "damaged"),
        (cut_short, "damaged"),
        (no_tables, "foreign"),
        (garbled_schema, "damaged"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_was(
    directory: Path, harm: Break, kind: str
) -> None:
    await make(directory)
    harm(directory / "chatd.sqlite")
    before = contents(directory)
    error = await refused(directory)
    assert error.kind == kind
    assert error.what
    assert error.fix
    assert str(directory) in str(error)
    assert contents(directory)["chatd.sqlite"] == before["chatd.sqlite"]


@pytest.mark.parametrize("beside", ["chatd.sqlite-wal", "chatd.sqlite.restore", "chatd.sqlite.replaced"])
async def test_what_stands_alone_without_its_database_is_refused(directory: Path, beside: str) -> None:
    directory.mkdir()
    (directory / beside).write_bytes(b"x")
    error = await refused(directory)
    assert error.kind == "damaged"
    assert beside in error.what
    assert sorted(contents(directory)) == [beside]


async def test_a_first_start_that_crashed_is_begun_again(directory: Path) -> None:
    directory.mkdir()
    (directory / "chatd.sqlite.new").write_bytes(b"half")
    store = await sqlite(directory)
    await store.close()
    assert sorted(contents(directory)) == ["chatd.sqlite"]


async def test_a_crash_while_the_first_start_switches_to_the_log_is_undone_by_the_next(
    directory: Path, tmp_path: Path
) -> None:
    directory.mkdir()
    with watched(directory) as disk:
        await make(directory, messages=3)
    switching = Operation(Kind.DELETE, "chatd.sqlite-journal")
    files = disk.survivors(disk.journal.index(switching), calm)
    assert "chatd.sqlite-journal" in files
    lay(files, tmp_path / "left")
    await make(tmp_path / "left")


async def killed(directory: Path, copy: Path) -> None:
    """The files that a kill leaves: those of a store that has them open."""
    store = await sqlite(directory)
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    await builder.post_many(room, "ann", 50)
    shutil.copytree(directory, copy)
    await store.close()


async def test_everything_committed_is_there_after_a_kill(directory: Path, tmp_path: Path) -> None:
    await killed(directory, tmp_path / "copy")
    store = await sqlite(tmp_path / "copy")
    assert store.stamp == 2
    assert len((await store.log(1, 1, 99, 99, 10**6)).events) == 51
    await store.close()


async def test_a_database_that_counts_as_large_is_checked_whole_after_an_unclean_stop_only(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str] = []
    monkeypatch.setattr(startup, "check", lambda connection, how, path: checks.append(how))
    monkeypatch.setattr(startup, "WHOLE_PAGES_MAX", 10)
    await killed(directory, tmp_path / "copy")
    await make(directory)
    await make(directory)
    assert checks == []
    await make(tmp_path / "copy")
    assert checks == ["quick_check"]
    await make(tmp_path / "copy")
    assert checks == ["quick_check"]


async def test_the_log_of_a_refused_database_is_not_folded_in(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    await make(directory, messages=3000)
    await killed(directory, copy)
    with (copy / "chatd.sqlite").open("r+b") as file:
        file.seek(4096 * 20)
        file.write(os.urandom(4096 * 20))
    before = contents(copy)
    assert (await refused(copy)).kind == "damaged"
    for name in ("chatd.sqlite", "chatd.sqlite-wal"):
        assert contents(copy)[name] == before[name]


async def test_a_disk_that_fills_up_at_the_first_start_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(startup, "put_in_place", full)
    assert (await refused(directory)).kind == "full"


async def test_an_old_sqlite_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))
    assert (await refused(directory)).kind == "unsupported"


async def test_a_reader_that_cannot_be_opened_closes_the_others(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatd.storage.sqlite import read_pool

    opened, real = [], read_pool.open_reader

    async def second_fails(path: Path):  # type: ignore[no-untyped-def]
        if opened:
            raise sqlite3.OperationalError("no more files")
        opened.append(await real(path))
        return opened[0]

    monkeypatch.setattr(read_pool, "open_reader", second_fails)
    with pytest.raises(StoreError):
        await SqliteStore.open(Storage(directory=str(directory), readers=2), ManualEnv())
    assert not opened[0].is_open
