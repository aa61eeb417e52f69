"""The power fails while whole files are made or replaced: first start, migration, backup, restore.

At every write, sync and rename: what is there afterwards is the old or the new, never half of it.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from chatd.storage.sqlite import backup as backing_up
from chatd.storage.sqlite import directory as directories
from chatd.storage.sqlite import pragmas, schema, startup
from chatd.storage.sqlite.backup import backup, restore, verify
from chatd.storage.sqlite.connection import readable, writable
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.schema import Migration, applied, shipped, statements
from tests.kit.adapters import sqlite
from tests.kit.disk import Disk, watched
from tests.kit.history_builder import HistoryBuilder
from tests.kit.ledger import fingerprint
from tests.kit.power_cut_sweep import Check, Tally, chances, sweep
from tests.kit.simulated_disk import Kind
from tests.kit.soak import scaled

SURVIVALS = scaled(4, 200)  # of each cut
STRIDE = scaled(4, 1)  # from one cut between writes to the next
MESSAGES = 40

LATER = Migration(
    shipped()[-1].number + 1,
    "later.sql",
    "ALTER TABLE events ADD COLUMN length INTEGER;\n"
    "UPDATE events SET length = length(blob);\n"
    "CREATE INDEX events_length ON events (length);\n"
    "CREATE TABLE later (x INTEGER) STRICT;\n",
)

pytestmark = pytest.mark.timeout(scaled(1200, 7200))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("chatd.storage"), "disabled", True)


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The directory of a daemon that was killed: part of what it stored is in the log only."""

    async def makes() -> None:
        store = await sqlite(tmp_path / "live")
        builder = HistoryBuilder(store)
        room = await builder.group("ann")
        for _ in range(MESSAGES):
            await builder.post(room, "ann", "x" * 500)
        shutil.copytree(tmp_path / "live", tmp_path / "killed")
        await store.close()

    asyncio.run(makes())
    assert (tmp_path / "killed" / "chatd.sqlite-wal").stat().st_size > 0
    return tmp_path / "killed"


def chance(count: int) -> bytes:
    return bytes(range(count))


def swept(disk: Disk, check: Check, cuts: Sequence[int] | None = None) -> Tally:
    if cuts is None:
        around = {
            at + side
            for at, done in enumerate(disk.journal)
            if done.kind is not Kind.WRITE
            for side in (0, 1)
        }
        cuts = sorted({*range(0, len(disk.journal) + 1, STRIDE), *around})
    return sweep(disk, check, chances(1, SURVIVALS), cuts=cuts)


def has_nothing_to_say(tally: Tally) -> bool:
    assert tally.findings == []
    return tally.states > 50


def checked(look: Callable[[Path, int], str | None]) -> Check:
    """`look`, with whatever is refused or damaged as a finding."""

    def check(place: Path, upto: int) -> str | None:
        try:
            return look(place, upto)
        except (StoreError, sqlite3.Error) as error:
            return f"refused: {error}"

    return check


def content(path: Path) -> int:
    """Of a database that is whole, which is looked at."""
    with closing(readable(path)) as connection:
        startup.check(connection, "integrity_check", path)
        return fingerprint(connection)


def structure(path: Path) -> tuple[object, ...]:
    """Tables, indexes, applied migrations and how many events."""
    with closing(readable(path)) as connection:
        startup.check(connection, "quick_check", path)
        names = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
        return names, applied(connection), connection.execute("SELECT count(*) FROM events").fetchone()


def started(directory: Path) -> Path:
    """Do what a start does before it serves; return the database."""
    place = Directory(directory)
    startup.make_ready(place, chance)
    directories.rewrite(place.wal)
    with closing(writable(place.database)) as connection:
        startup.take_over(connection, place.database)
    return place.database


def test_a_first_start_that_lost_power_is_begun_again_or_finished(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with watched(tmp_path / "data") as disk:
        new = structure(started(tmp_path / "data"))
    # Until the new file has its name every start begins anew, whatever is in it: some of those cuts show it.
    named = next(at for at, done in enumerate(disk.journal) if done.kind is Kind.RENAME)
    assert named > 300
    cuts = [*range(0, named, scaled(24, 1)), *range(named, len(disk.journal) + 1)]
    half_made = checked(lambda place, upto: None if structure(started(place)) == new else "half made")
    assert has_nothing_to_say(swept(disk, half_made, cuts))


def migrated(killed: Path, monkeypatch: pytest.MonkeyPatch) -> Tally:
    """Sweep over a start that brings the schema up to date; the cache is so small that half of it is spilled."""
    old = structure(killed / "chatd.sqlite")
    monkeypatch.setattr(schema, "shipped", lambda: [*shipped(), LATER])
    monkeypatch.setitem(pragmas.WRITER, "cache_size", 4)
    with watched(killed) as disk:
        new = structure(started(killed))
    seen = set()

    def look(place: Path, upto: int) -> str | None:
        found = structure(place / "chatd.sqlite")
        if found not in (old, new):
            return f"half migrated: {found[1]}"
        seen.add(found == new)
        return None if structure(started(place)) == new else "not finished by the next start"

    tally = swept(disk, checked(look))
    assert seen == {False, True}
    return tally


def test_a_migration_that_lost_power_was_made_or_not(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_nothing_to_say(migrated(killed, monkeypatch))


def test_a_migration_outside_a_transaction_is_found_out(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply(connection: sqlite3.Connection, migration: Migration) -> None:
        for statement in statements(migration.sql):
            connection.execute(statement)
        row = (migration.number, migration.name, migration.checksum)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", row)

    monkeypatch.setattr(schema, "apply", apply)
    assert any("half migrated" in finding for finding in migrated(killed, monkeypatch).findings)


def backed_up(killed: Path) -> Tally:
    """Sweep over a backup into the directory of its source, so that one power cut meets both."""
    whole = content(killed / "chatd.sqlite")
    with watched(killed) as disk:
        backup(killed, killed / "copy")
        done = len(disk.journal)

    def look(place: Path, upto: int) -> str | None:
        if content(place / "chatd.sqlite") != whole:
            return "the source was harmed"
        if not (place / "copy").exists():
            return "the backup is gone" if upto == done else None
        verify(place / "copy")
        return None if content(place / "copy") == whole else "the backup is not what its source was"

    return swept(disk, checked(look))


def test_a_backup_that_lost_power_harms_nothing_and_leaves_nothing_that_looks_whole(killed: Path) -> None:
    assert has_nothing_to_say(backed_up(killed))


def test_a_plain_copy_without_its_log_is_found_out(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy_out(source: Path, destination: Path) -> int:
        shutil.copy(source, destination)
        return 0

    monkeypatch.setattr(backing_up, "copy_out", copy_out)
    assert any("not what its source was" in finding for finding in backed_up(killed).findings)


def test_a_backup_renamed_before_it_is_synced_is_found_out(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backing_up, "open_file", unsynced)
    monkeypatch.setattr(directories, "sync_file", lambda path: None)
    assert backed_up(killed).findings


def unsynced(path: Path, *, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def restored(killed: Path, source: Path) -> Tally:
    """Sweep over a restore into a directory with another history, part of it in its log."""
    old = content(killed / "chatd.sqlite")
    with watched(killed) as disk:
        restore(source, killed, chance)
        done = len(disk.journal)
    new = content(killed / "chatd.sqlite")
    seen = set()

    def look(place: Path, upto: int) -> str | None:
        try:
            found = content(started(place))
        except StoreError as refusal:
            if "Run `chatd restore` again" not in refusal.fix:
                raise
            restore(source, place, chance)
            return None if content(started(place)) == new else "a second restore did not help"
        seen.add(found)
        if found not in (old, new):
            return "neither the old nor the new database"
        return "the restore is undone" if found == old and upto == done else None

    tally = swept(disk, checked(look))
    assert seen == {old, new}
    return tally


@pytest.fixture
def other_backup(tmp_path: Path) -> Path:
    """A backup of another database."""

    async def makes() -> None:
        store = await sqlite(tmp_path / "other")
        await HistoryBuilder(store).group("bob")
        await store.close()

    asyncio.run(makes())
    backup(tmp_path / "other", tmp_path / "backup")
    return tmp_path / "backup"


def test_a_restore_that_lost_power_leaves_the_old_or_the_new_or_says_what_to_do(
    killed: Path, other_backup: Path
) -> None:
    assert has_nothing_to_say(restored(killed, other_backup))


def test_a_restore_that_forgets_the_old_log_is_found_out(
    killed: Path, other_backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backing_up, "set_aside", lambda place: None)
    assert restored(killed, other_backup).findings


def test_what_is_compared_sees_one_changed_word(killed: Path) -> None:
    """The sweeps above would be blind if two databases looked alike."""
    path = killed / "chatd.sqlite"
    before = content(path)
    with closing(writable(path)) as connection:
        connection.execute("UPDATE rooms SET title = 'other'")
    assert content(path) != before
