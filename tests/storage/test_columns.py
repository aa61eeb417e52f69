"""A statement that stores a row touches its own columns only: one that a later migration adds is safe from it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.kit.inprocess import in_process
from tests.kit.random_workload import SECTIONS, RandomWorkload

STEPS = 60
GROWS = {"events", "unlogged", "reactions"}  # rows come and go; none is written again


def tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return [name for (name,) in rows]


def keys(connection: sqlite3.Connection, table: str) -> str:
    """The columns of the primary key."""
    rows = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,))
    return ", ".join(name for (name,) in rows)


def values(connection: sqlite3.Connection, table: str) -> dict[tuple[object, ...], str]:
    """The later column of each row, by primary key."""
    rows = connection.execute(f"SELECT later, {keys(connection, table)} FROM {table}")
    return {tuple(key): later for later, *key in rows}


@pytest.mark.parametrize("seed", range(3))
async def test_a_column_of_a_later_version_is_left_alone(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "chatd.sqlite"
    async with in_process(tmp_path, **SECTIONS) as server:
        workload = RandomWorkload(server, seed, told=lambda stamp: None)
        await workload.open()
        await workload.see_device()
        await workload.run(STEPS)
        with closing(sqlite3.connect(path)) as other, other:
            before = {}
            for table in tables(other):
                other.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT 'new'")
                other.execute(f"UPDATE {table} SET later = 'kept'")
                before[table] = values(other, table).keys()
        await workload.see_device()
        await workload.run(STEPS)
    with closing(sqlite3.connect(path)) as other:
        for table, known in before.items():
            now = values(other, table)
            lost = [key for key in known if now.get(key, "kept") != "kept"]
            assert lost == [], f"{table}: rows were written whole"
            assert table in GROWS or known <= now.keys(), f"{table}: rows are gone"
