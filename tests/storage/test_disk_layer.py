"""The recording file layer (tests/kit/disk.py): it sees the calls of SQLite, fails those that a test names, and forgets
what a power cut forgets. Every other test of crashes and broken disks rests on these.
"""

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kit import vfs
from tests.kit.adapters import sqlite
from tests.kit.disk import Disk, Fault, lay, watched
from tests.kit.history_builder import HistoryBuilder
from tests.kit.power_cut_sweep import calm, harsh
from tests.kit.simulated_disk import Kind, Operation, SimulatedDisk, sectors

FULL = 2  # PRAGMA synchronous, as the product sets it
NORMAL = 1


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    directory = tmp_path / "watched"
    directory.mkdir()
    with watched(directory) as disk:
        yield disk


@contextmanager
def database(disk: Disk, synchronous: int = FULL) -> Iterator[sqlite3.Connection]:
    """A raw connection with one table of numbers."""
    with closing(sqlite3.connect(disk.directory / "db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal").fetchall()
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 20")
        connection.execute("CREATE TABLE IF NOT EXISTS t (number INTEGER PRIMARY KEY, text TEXT)")
        yield connection


def add(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 300))


def rows(directory: Path) -> list[int]:
    """The numbers a database holds; none when it has no table yet."""
    with closing(sqlite3.connect(directory / "db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 't'").fetchall():
            return []
        return [number for (number,) in connection.execute("SELECT number FROM t ORDER BY number")]


def states_with_losses(disk: Disk, scratch: Path, seed: int) -> tuple[int, int]:
    """Cut the power at every operation: how many states there were, and how many lack an acknowledged row."""
    chance, lost, count = random.Random(seed), 0, len(disk.journal) + 1
    for upto in range(count):
        place = scratch / str(upto)
        lay(disk.survivors(upto, chance.randrange), place)
        kept = rows(place)
        assert kept == list(range(1, len(kept) + 1))
        lost += len(kept) < len(disk.marks(upto))
    return count, lost


@pytest.mark.parametrize(("synchronous", "loses"), [(FULL, False), (NORMAL, True)])
def test_acknowledged_rows_get_lost_exactly_where_commits_are_not_synced(
    disk: Disk, tmp_path: Path, synchronous: int, loses: bool
) -> None:
    with database(disk, synchronous) as connection:
        for number in range(1, 31):
            add(connection, number)
            disk.mark(f"acked {number}")
    count, lost = states_with_losses(disk, tmp_path / "scratch", seed=1)
    assert count > 100
    assert (lost > 0) is loses


def test_a_commit_is_written_synced_and_then_acknowledged(disk: Disk) -> None:
    with database(disk) as connection:
        start = len(disk.journal)
        add(connection, 1)
        disk.mark("acked")
        (*writes, sync, mark) = disk.journal[start:]
    assert {(operation.kind, operation.file) for operation in writes} == {(Kind.WRITE, "db-wal")}
    assert (sync.kind, sync.file) == (Kind.SYNC, "db-wal")
    assert mark == Operation(Kind.MARK, "acked")
    assert sum(len(operation.content) for operation in writes) > 4096


def test_the_calmest_cut_leaves_the_files_as_they_are(disk: Disk) -> None:
    with database(disk) as connection:
        for number in range(1, 100):
            add(connection, number)
        files = disk.survivors(len(disk.journal), calm)
        assert sorted(files) == ["db", "db-wal"]
        assert {name: (disk.directory / name).read_bytes() for name in files} == files
    assert sorted(disk.survivors(len(disk.journal), calm)) == ["db"]


def test_what_lay_there_before_is_durable_and_not_in_the_journal(tmp_path: Path) -> None:
    with watched(tmp_path) as disk, database(disk) as connection:
        add(connection, 1)
    with watched(tmp_path) as disk:
        assert disk.journal == []
        lay(disk.survivors(0, harsh), tmp_path / "laid")
    assert rows(tmp_path / "laid") == [1]


def test_a_file_put_down_while_watching_is_durable(disk: Disk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with watched(other) as elsewhere, database(elsewhere) as connection:
        add(connection, 1)
    (disk.directory / "db").write_bytes((other / "db").read_bytes())
    with database(disk) as connection:
        add(connection, 2)
    lay(disk.survivors(1, harsh), tmp_path / "laid")
    assert rows(tmp_path / "laid") == [1]


def test_cuts_may_be_asked_for_in_any_order(disk: Disk) -> None:
    with database(disk) as connection:
        for number in range(1, 10):
            add(connection, number)
    rising = [disk.survivors(upto, calm) for upto in range(len(disk.journal))]
    falling = [disk.survivors(upto, calm) for upto in reversed(range(len(disk.journal)))]
    assert rising == falling[::-1]


def test_two_disks_know_their_own_files_and_nobody_elses(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    with watched(tmp_path / "one") as one, watched(tmp_path / "two") as two:
        with database(one) as connection:
            add(connection, 1)
        kept = len(one.journal)
        with closing(sqlite3.connect(tmp_path / "three" / "db")) as connection:
            connection.execute("CREATE TABLE t (number)")
        assert two.journal == []
        assert len(one.journal) >= kept > 0


def test_a_stopped_disk_leaves_sqlite_as_it_was(tmp_path: Path) -> None:
    before = vfs.library().sqlite3_vfs_find(None).contents.name
    with watched(tmp_path):
        assert vfs.library().sqlite3_vfs_find(None).contents.name == vfs.NAME
    assert vfs.library().sqlite3_vfs_find(None).contents.name == before
    assert os.replace.__module__ == os.fsync.__module__ == "posix"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.WRITE, sqlite3.SQLITE_FULL),
        (Kind.WRITE, sqlite3.SQLITE_IOERR_WRITE),
        (Kind.SYNC, sqlite3.SQLITE_IOERR_FSYNC),
    ],
)
def test_a_fault_is_heard_by_whoever_commits_and_nothing_is_stored(disk: Disk, kind: Kind, code: int) -> None:
    with database(disk) as connection:
        add(connection, 1)
        disk.fault = lambda index, operation: Fault(code) if operation.kind == kind else None
        with pytest.raises(sqlite3.OperationalError) as caught:
            add(connection, 2)
        assert caught.value.sqlite_errorcode == code
        disk.fault = None
        add(connection, 3)
        assert connection.execute("SELECT number FROM t").fetchall() == [(1,), (3,)]


def test_a_short_write_leaves_its_first_bytes(disk: Disk) -> None:
    with database(disk) as connection:
        disk.fault = lambda index, operation: (
            Fault(sqlite3.SQLITE_IOERR_WRITE, written=100) if len(operation.content) > 100 else None
        )
        start = len(disk.journal)
        with pytest.raises(sqlite3.OperationalError):
            add(connection, 1)
        disk.fault = None
        assert len(disk.journal[start + 1].content) == 100
        files = disk.survivors(len(disk.journal), calm)
        assert (disk.directory / "db-wal").read_bytes() == files["db-wal"]


def test_reads_fail_when_they_are_watched(tmp_path: Path) -> None:
    with watched(tmp_path, reads=True) as disk, database(disk) as connection:
        add(connection, 1)
        disk.fault = lambda index, operation: (
            Fault(sqlite3.SQLITE_IOERR_READ) if operation.kind == Kind.READ else None
        )
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            sqlite3.connect(tmp_path / "db").execute("SELECT * FROM t")
        disk.fault = None
    assert not [operation for operation in disk.journal if operation.kind == Kind.READ]


def test_what_a_failed_sync_lost_no_later_sync_brings_back(disk: Disk) -> None:
    with database(disk) as connection:
        disk.fault = lambda index, operation: (
            Fault(sqlite3.SQLITE_IOERR_FSYNC) if operation.kind == Kind.SYNC else None
        )
        with pytest.raises(sqlite3.OperationalError):
            add(connection, 1)
        disk.fault = None
        with (disk.directory / "db-wal").open("rb") as log:
            os.fsync(log.fileno())
    (synced,) = [
        index
        for index, operation in enumerate(disk.journal)
        if operation.kind == Kind.SYNC and disk.journal[index - 1].kind == Kind.FAILED_SYNC
    ]
    size = len(disk.survivors(synced + 1, calm)["db-wal"])
    assert len(disk.survivors(synced, lambda options: 1 % options)["db-wal"]) < size
    assert len(disk.survivors(synced + 1, lambda options: 1 % options)["db-wal"]) < size


def test_nothing_reaches_a_disk_without_power(disk: Disk) -> None:
    with database(disk) as connection:
        add(connection, 1)
        kept = list(disk.journal)
        disk.cut()
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            add(connection, 2)
    assert disk.journal == kept


def test_a_hook_that_fails_fails_the_test(tmp_path: Path) -> None:
    def hook(index: int, operation: Operation) -> None:
        raise ZeroDivisionError(operation.kind)

    disk = Disk(tmp_path).start()
    with database(disk) as connection:
        disk.fault = hook
        with pytest.raises(sqlite3.OperationalError):
            add(connection, 1)
        disk.fault = None
    disk.stop()
    with pytest.raises(ZeroDivisionError):
        disk.check()


def test_a_rename_is_whole_and_durable_once_its_directory_was_synced(disk: Disk) -> None:
    with database(disk) as connection:
        add(connection, 1)
    start = len(disk.journal)
    os.replace(disk.directory / "db", disk.directory / "moved")
    directory = os.open(disk.directory, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    assert [operation.kind for operation in disk.journal[start:]] == [Kind.RENAME, Kind.SYNC_DIRECTORY]
    assert sorted(disk.survivors(start + 1, calm)) == ["moved"]
    assert "db" in disk.survivors(start + 1, harsh)
    assert sorted(disk.survivors(start + 2, lambda options: 0)) == ["moved"]


def test_a_file_that_was_never_synced_may_not_be_there_at_all(tmp_path: Path) -> None:
    disk = SimulatedDisk({})
    disk.feed(Operation(Kind.CREATE, "a"), calm)
    disk.feed(Operation(Kind.WRITE, "a", 0, b"1"), calm)
    assert disk.survive(harsh) == {}
    disk.feed(Operation(Kind.SYNC, "a"), calm)
    assert disk.survive(harsh) == {"a": b"1"}


def test_a_write_tears_at_the_sectors_of_the_disk_only() -> None:
    parts = sectors(Operation(Kind.WRITE, "a", 500, bytes(range(256)) * 4))
    assert [(part.offset, len(part.content)) for part in parts] == [(500, 12), (512, 512), (1024, 500)]
    assert b"".join(part.content for part in parts) == bytes(range(256)) * 4


async def test_the_real_store_is_seen_from_its_threads(disk: Disk, tmp_path: Path) -> None:
    store = await sqlite(disk.directory)
    builder = HistoryBuilder(store)
    room = await builder.group("ann")
    await builder.post_many(room, "ann", 5)
    files = disk.survivors(len(disk.journal), harsh)
    await store.close()
    lay(files, tmp_path / "laid")
    again = await sqlite(tmp_path / "laid")
    assert again.stamp == 2
    assert len((await again.log(1, 1, 99, 99, 10**6)).events) == 6
