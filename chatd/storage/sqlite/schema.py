"""The schema as numbered SQL files, each applied once, whole or not at all.

A table of checksums tells which were applied, so a released file is never changed.
"""

import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.pragmas import APPLICATION_ID

APPLIED = """
CREATE TABLE IF NOT EXISTS migrations (
    number   INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT
"""

# The first number of migrations that are not of this package.
OUTSIDE = 10_000

# Objects of no migration: the table of migrations, and the statistics of `ANALYZE`. Tables execute nothing.
BESIDE = {("table", "migrations"), ("table", "sqlite_stat1"), ("table", "sqlite_stat4")}


@dataclass(slots=True, frozen=True)
class Migration:
    """One numbered file. `name` is its file name, `sql` its text.

    Numbers below OUTSIDE are those of this package. A chapter from outside takes others, which nobody else has, and
    makes tables and indexes: a trigger or a view is refused by the commands that do not know its chapter.
    """

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return blake2b(self.sql.encode(), digest_size=16).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this version, in order."""
    folder = files("chatd.storage.sqlite") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, (folder / name).read_text("utf-8")) for name in names]


def applied(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Return name and checksum of the applied migrations, by number."""
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone()
    if known is None:
        return {}
    rows = connection.execute("SELECT number, name, checksum FROM migrations").fetchall()
    return {number: (name, checksum) for number, name, checksum in rows}


def unknown_parts(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> list[str]:
    """Return the names of applied migrations of capabilities that are not among `migrations`."""
    ours = {migration.number for migration in migrations}
    return [
        name for number, (name, _) in applied(connection).items() if number >= OUTSIDE and number not in ours
    ]


def pending(
    connection: sqlite3.Connection, migrations: Sequence[Migration], where: Path, *, unknown: bool = False
) -> list[Migration]:
    """Return the migrations that are still to be applied.

    `unknown`: tables of capabilities that are not among `migrations` may be there, and are not judged.
    Raises StoreError: "newer" when the file was written by a later version, or with more parts; "foreign" when an
    applied migration differs from ours of the same number, or the schema is not the one that they make.
    """
    parts = unknown_parts(connection, migrations) if unknown else []
    done = {number: one for number, one in applied(connection).items() if one[0] not in parts}
    ours = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in done.items():
        if number not in ours and number >= OUTSIDE:
            raise StoreError(
                "newer",
                where,
                f"the database holds tables of a part that this daemon does not have ({name})",
                "Start it with that part, or restore a backup from before",
            )
        if number not in ours:
            raise StoreError(
                "newer",
                where,
                f"the database was written by a later version of chatd ({name})",
                "Install that version; going back needs a backup from before",
            )
        if ours[number].checksum != checksum:
            raise StoreError(
                "foreign",
                where,
                f"the database was made with another {name} than this version has",
                "Install the version that made it, or an unmodified chatd",
            )
    ours_applied = [migration for migration in migrations if migration.number in done]
    compare(connection, ours_applied, where, unknown=bool(parts))
    return [migration for migration in migrations if migration.number not in done]


def compare(
    connection: sqlite3.Connection, done: Sequence[Migration], where: Path, *, unknown: bool = False
) -> None:
    """Refuse a schema that differs from that of the migrations `done`: a trigger would run inside our commits.

    `unknown`: other tables may be there, with their indexes; but no trigger or view that is not ours.
    """
    expected, found = objects_of(tuple(done)), objects(connection)
    if unknown:
        tables = {one[3] for one in expected} | {name for _, name in BESIDE}
        found = {one for one in found if one[0] not in ("table", "index") or one[3] in tables}
    for kind, name, *_ in sorted(found ^ expected):
        raise StoreError(
            "foreign",
            where,
            f"the {kind} {name!r} in it is not as chatd makes it",
            "Nothing was changed. Use a backup made by `chatd backup`, or undo what was done to the file",
        )


# A start asks up to three times.
@lru_cache(maxsize=4)
def objects_of(migrations: tuple[Migration, ...]) -> Set[tuple[str, str, str, str]]:
    """Return what these migrations make of an empty database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        for migration in migrations:
            for statement in statements(migration.sql):
                memory.execute(statement)
        return objects(memory)


def objects(connection: sqlite3.Connection) -> set[tuple[str, str, str, str]]:
    """Return type, name, definition and table of everything that migrations make."""
    wanted = "SELECT type, name, sql, tbl_name FROM sqlite_schema WHERE sql IS NOT NULL"
    return {row for row in connection.execute(wanted) if row[:2] not in BESIDE}


def up(connection: sqlite3.Connection, migrations: Sequence[Migration], where: Path) -> list[str]:
    """Apply the pending migrations, each in one transaction; return their names."""
    todo = pending(connection, migrations, where)
    for migration in todo:
        apply(connection, migration)
    return [migration.name for migration in todo]


def apply(connection: sqlite3.Connection, migration: Migration) -> None:
    """Run one migration and note it, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(APPLIED)
        for statement in statements(migration.sql):
            connection.execute(statement)
        row = (migration.number, migration.name, migration.checksum)
        connection.execute("INSERT INTO migrations (number, name, checksum) VALUES (?, ?, ?)", row)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script one by one: `executescript` would commit the open transaction first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
