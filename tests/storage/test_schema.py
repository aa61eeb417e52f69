"""Migrations: each whole or not at all, once, in order, and never changed after the fact."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatd.protocol.codec import encode
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.schema import Migration, applied, pending, shipped, statements, up

FIRST = Migration(
    1, "0001_a.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCREATE INDEX ai ON a (x);\n"
)
SECOND = Migration(
    2, "0002_b.sql", "ALTER TABLE a ADD COLUMN y;\nUPDATE a SET y = x + 1;\nCREATE TABLE b (z);\n"
)
BOTH = [FIRST, SECOND]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.sqlite"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_file(path, mode="rwc")) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        yield connection


def state(connection: sqlite3.Connection) -> tuple[object, ...]:
    names = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    rows = connection.execute("SELECT * FROM a").fetchall() if any(n == "a" for n, _ in names) else None
    return names, rows, applied(connection)


def test_what_we_ship_is_numbered_without_a_gap() -> None:
    migrations = shipped()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    assert all(migration.name == f"{migration.number:04}_{migration.name[5:]}" for migration in migrations)


def test_the_first_migration_is_the_one_that_was_released(connection: sqlite3.Connection) -> None:
    up(connection, shipped(), Path("x"))
    assert pending(connection, shipped(), Path("x")) == []


def test_migrations_are_applied_once_in_order(connection: sqlite3.Connection) -> None:
    assert up(connection, BOTH, Path("x")) == ["0001_a.sql", "0002_b.sql"]
    assert up(connection, BOTH, Path("x")) == []
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, 2)]


def test_a_later_migration_is_added_to_an_older_database(connection: sqlite3.Connection) -> None:
    up(connection, [FIRST], Path("x"))
    assert [migration.name for migration in pending(connection, BOTH, Path("x"))] == ["0002_b.sql"]
    assert up(connection, BOTH, Path("x")) == ["0002_b.sql"]


def test_members_of_an_older_database_are_counted(connection: sqlite3.Connection) -> None:
    up(connection, shipped()[:1], Path("x"))
    connection.execute("PRAGMA foreign_keys = OFF")  # their rooms are no part of it
    connection.executemany(
        "INSERT INTO members VALUES (?, ?, 'member', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, ?, 1)",
        [("ann", 1, None), ("ann", 2, None), ("bob", 1, "left"), ("bob", 2, None)],
    )
    up(connection, shipped(), Path("x"))
    assert connection.execute("SELECT * FROM memberships").fetchall() == [("ann", 2), ("bob", 1)]


def test_a_database_of_a_later_version_is_refused(connection: sqlite3.Connection) -> None:
    up(connection, BOTH, Path("x"))
    with pytest.raises(StoreError, match="0002_b") as caught:
        up(connection, [FIRST], Path("x"))
    assert caught.value.kind == "newer"


def test_a_migration_changed_after_it_was_applied_is_refused(connection: sqlite3.Connection) -> None:
    up(connection, [FIRST], Path("x"))
    with pytest.raises(StoreError, match="0001_a") as caught:
        up(connection, [Migration(1, FIRST.name, FIRST.sql + " "), SECOND], Path("x"))
    assert caught.value.kind == "foreign"


def test_a_wrong_statement_leaves_the_database_as_it_was(connection: sqlite3.Connection) -> None:
    up(connection, [FIRST], Path("x"))
    before = state(connection)
    wrong = Migration(2, SECOND.name, SECOND.sql + "CREATE TABLE a (again);\n")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        up(connection, [FIRST, wrong], Path("x"))
    assert state(connection) == before
    assert not connection.in_transaction


def test_a_crash_at_any_statement_leaves_old_or_new(path: Path, tmp_path: Path) -> None:
    """Copies of the files at every statement are what a kill would leave; each opens as old or as new."""
    with closing(open_file(path, mode="rwc")) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA cache_size = 1").fetchall()  # spill, so that half of it reaches the file
        up(connection, [FIRST], path)
        old, crashes = state(connection), []

        def crash(statement: str) -> None:
            copy = tmp_path / f"crash{len(crashes)}"
            copy.mkdir()
            for file in (path, path.with_name(path.name + "-wal")):
                shutil.copy(file, copy / file.name)
            crashes.append(copy)

        connection.set_trace_callback(crash)
        up(connection, BOTH, path)
        crash("after")
        connection.set_trace_callback(None)
        new = state(connection)
    assert len(crashes) > 8
    seen = []
    for copy in crashes:
        with closing(open_file(copy / path.name, mode="rw")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            seen.append(state(connection))
            assert up(connection, BOTH, path) == ([] if seen[-1] == new else ["0002_b.sql"])
            assert state(connection) == new
    assert all(found in (old, new) for found in seen)
    assert (seen[0], seen[-1]) == (old, new)


def test_a_script_is_cut_where_statements_end() -> None:
    script = (
        "-- a; b\nCREATE TABLE a (x);\n\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n DELETE FROM a;\nEND;\n"
    )
    assert [statement.strip().splitlines()[-1] for statement in statements(script)] == [
        "CREATE TABLE a (x);",
        "END;",
    ]


def test_migrations_come_with_the_package() -> None:
    assert (Path(schema.__file__).parent / "migrations" / "0001_first.sql").is_file()


def test_rooms_from_before_learn_who_wrote_in_them(connection: sqlite3.Connection, path: Path) -> None:
    """0002: a direct room of ann, by who wrote there; a recalled message was written, and a group is none."""
    up(connection, shipped()[:1], path)
    rooms = {
        1: ("direct", ""),
        2: ("direct", "a"),
        3: ("direct", "b"),
        4: ("direct", "bba"),
        5: ("group", "ab"),
    }
    for number, (kind, authors) in rooms.items():
        connection.execute(
            "INSERT INTO rooms VALUES (?, ?, ?, 'a', 0, NULL, NULL, ?, 0, 0, 1, 0, 2, '', '', 0, x'', NULL, 0, 1)",
            (number, f"r{number}", kind, len(authors) + 2),
        )
        events = [("created", "a"), ("edit", "b"), *(("message", author) for author in authors)]
        for seq, (event, user) in enumerate(events, 1):
            connection.execute(
                "INSERT INTO events (position, kind, user, time, stamp, blob) VALUES (?, ?, ?, 0, 1, x'')",
                (number << 32 | seq, event, user),
            )
    up(connection, shipped(), path)
    found = dict(connection.execute("SELECT number, written FROM rooms"))
    assert found == {1: 0, 2: 1, 3: 2, 4: 3, 5: 0}


def test_preferences_from_before_become_rows_as_the_daemon_writes_them(
    connection: sqlite3.Connection,
) -> None:
    """0005: of those who had chosen something; the row has the stamp of the last commit before."""
    up(connection, shipped()[:4], Path("x"))
    connection.execute("INSERT INTO meta VALUES ('stamp', 7)")
    for user, receipts, presence in (("ann", 1, 1), ("bob", 0, 1), ("cat", 1, 0), ("dan", 0, 0)):
        columns = "user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, created_at"
        row = (user, "", "", 0, receipts, presence, 0, 0, 0, 0)
        connection.execute(f"INSERT INTO users ({columns}) VALUES ({', '.join('?' * 10)})", row)
    up(connection, shipped(), Path("x"))
    rows = connection.execute("SELECT user, name, body, stamp FROM account_rows ORDER BY user").fetchall()
    assert rows == [
        (user, "preferences", encode({"receipts": receipts, "presence": presence}), 7)
        for user, receipts, presence in (("bob", False, True), ("cat", True, False), ("dan", False, False))
    ]
    assert connection.execute("SELECT * FROM account_state").fetchall() == [
        ("bob", 7),
        ("cat", 7),
        ("dan", 7),
    ]
