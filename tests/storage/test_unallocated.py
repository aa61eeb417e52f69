"""What SQLite leaves of a row in space that no row uses is overwritten, and nothing else is touched."""

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.pragmas import NEW_FILE, WRITER, apply
from chatd.storage.sqlite.unallocated import overwrite, unallocated
from tests.kit.soak import scaled

PLANTED = b"Zq7planted"
ROOMS = 60


def database(path: Path, seed: int, page_bytes: int = 4096, **other: int) -> sqlite3.Connection:
    """Logs of many rooms in one table, written at random places: pages split, and rows move between them."""
    path.touch()
    connection = open_file(path, mode="rw")
    connection.execute(f"PRAGMA page_size = {page_bytes}")
    apply(connection, {**NEW_FILE, **other}, path)
    connection.execute(
        "CREATE TABLE log (position INTEGER PRIMARY KEY, name TEXT, blob BLOB NOT NULL) STRICT"
    )
    connection.execute("CREATE UNIQUE INDEX names ON log (position >> 32, name)")
    apply(connection, WRITER, path)
    draw, seqs = random.Random(seed), [0] * ROOMS
    for _ in range(30):
        connection.execute("BEGIN")
        for _ in range(60):
            room = draw.randrange(ROOMS)
            seqs[room] += 1
            text = draw.choice((PLANTED, b"other")) + b"x" * draw.choice((3, 40, 200, 900, 3000, 9000))
            row = (room << 32 | seqs[room], f"{draw.random()} {text[:10].decode()}", text)
            connection.execute("INSERT INTO log VALUES (?, ?, ?)", row)
        connection.execute("COMMIT")
    return connection


def emptied(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE log SET blob = x'80', name = 'n' || position WHERE instr(blob, 'Zq7planted')")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@pytest.fixture(params=[(4096, {}), (4096, {"auto_vacuum": 0}), (512, {}), (65536, {})])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, list[sqlite3.Connection]]]:
    size, other = request.param
    made = []
    for seed in range(scaled(1, 20)):
        made.append(database(tmp_path / str(seed), seed, size, **other))
    yield tmp_path, made
    for connection in made:
        connection.close()


def overwritten(connection: sqlite3.Connection, path: Path, count: int = 100) -> None:
    descriptor, page = os.open(path, os.O_RDWR), 1
    while page:
        page = overwrite(connection, descriptor, page, count)


def test_no_text_is_left_and_every_row_stays(files: tuple[Path, list[sqlite3.Connection]]) -> None:
    directory, connections = files
    remains = 0
    for seed, connection in enumerate(connections):
        path = directory / str(seed)
        emptied(connection)
        rows = connection.execute("SELECT * FROM log ORDER BY 1").fetchall()
        remains += path.read_bytes().count(PLANTED)
        overwritten(connection, path)
        assert PLANTED not in path.read_bytes()
        # What the connection had read before is not written back.
        connection.execute("UPDATE log SET name = name || 'x'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert PLANTED not in path.read_bytes()
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert [(row[0], row[2]) for row in other.execute("SELECT * FROM log ORDER BY 1")] == [
                (row[0], row[2]) for row in rows
            ]
    assert remains, "SQLite left nothing: the walk is not needed any more"


def test_a_read_that_needs_the_log_puts_it_off(tmp_path: Path) -> None:
    path = tmp_path / "0"
    with closing(database(path, 1)) as connection, closing(sqlite3.connect(path)) as reader:
        connection.execute("PRAGMA busy_timeout = 0").fetchall()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log").fetchone()
        emptied(connection)
        descriptor = os.open(path, os.O_RDWR)
        assert overwrite(connection, descriptor, 7, 100) == 7
        reader.execute("COMMIT")
        assert overwrite(connection, descriptor, 7, 100) == 107


@pytest.mark.parametrize("page", [
    bytes(512),  # of another kind
    b"\x0d\x00\x00\x00\x02\x00\x00\x00" + bytes(504),  # its rows begin behind its end
    b"\x0d\x00\x00\x00\x01\x01\x00\x00\x00\x20" + bytes(502),  # a row lies in it
    b"\x0d\x00\x20\x00\x00\x01\x00\x00" + bytes(504),  # a free block lies in it
])  # fmt: skip
def test_a_page_that_is_not_understood_is_left_alone(page: bytes) -> None:
    assert unallocated(page) == (0, 0)
