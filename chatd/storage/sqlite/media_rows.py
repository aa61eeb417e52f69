"""Stored files as rows, for what goes over all of them: the collector, the check against the disk, backups."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

DUE = "SELECT file, state FROM files WHERE due_at > 0 AND due_at <= ? ORDER BY due_at LIMIT ?"
FREE = "SELECT object FROM objects WHERE refs = 0 AND free_at <= ? ORDER BY free_at LIMIT ?"
STORED = "SELECT object, size, digest FROM objects WHERE refs > 0 ORDER BY object"
OBJECT = "SELECT size, digest, refs FROM objects WHERE object = ?"
FILE = "SELECT state FROM files WHERE file = ?"
MISCOUNTED = """
SELECT object, refs, (SELECT count(*) FROM renditions AS r WHERE r.object = o.object) AS counted
FROM objects AS o WHERE refs <> counted
UNION ALL
SELECT object, 0, count(*) FROM renditions AS r
WHERE NOT EXISTS (SELECT 1 FROM objects AS o WHERE o.object = r.object) GROUP BY object
LIMIT ?
"""
TOTALS = """
SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM files WHERE state = 'uploading'),
       (SELECT coalesce(sum(size), 0) FROM objects), (SELECT coalesce(sum(size), 0) FROM objects WHERE refs = 0)
"""
KINDS = "SELECT kind, count(*), sum(reserved) FROM files GROUP BY kind ORDER BY kind"
LARGEST = """
SELECT substr(account, 3), bytes, files FROM media_usage WHERE account LIKE ? ORDER BY bytes DESC, account LIMIT ?
"""


class StoredRow(NamedTuple):
    """An object that something refers to. `digest`: SHA-256."""

    object: str
    size: int
    digest: bytes


class Miscounted(NamedTuple):
    """An object with `refs` in its row, to which `counted` renditions refer."""

    object: str
    refs: int
    counted: int


class Totals(NamedTuple):
    """`files`: rows; `uploading`: those of them that are not whole. `bytes`: of all objects; `free`: of unused ones."""

    files: int
    uploading: int
    bytes: int
    free: int


class KindTotal(NamedTuple):
    """The files of a kind; `bytes`: what their owners are charged."""

    kind: str
    files: int
    bytes: int


class Largest(NamedTuple):
    """A user by id, or a room by number, with what is charged to them."""

    name: str
    bytes: int
    files: int


def due_files(connection: sqlite3.Connection, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Return files that the collector is to look at, each with its state, the longest due first."""
    return connection.execute(DUE, (now_ms, limit)).fetchall()


def free_objects(connection: sqlite3.Connection, now_ms: int, limit: int) -> tuple[str, ...]:
    """Return objects that may be deleted from the disk, those that nobody uses for longest first."""
    return tuple(name for (name,) in connection.execute(FREE, (now_ms, limit)))


def stored_objects(connection: sqlite3.Connection) -> Iterator[StoredRow]:
    """Yield all objects that something refers to, in order of their names."""
    yield from map(StoredRow._make, connection.execute(STORED))


def is_stored(connection: sqlite3.Connection, object: str) -> bool:
    """Whether something refers to this object."""
    row = connection.execute(OBJECT, (object,)).fetchone()
    return row is not None and row[2] > 0


def is_known(connection: sqlite3.Connection, object: str, file: str) -> bool:
    """Whether there is a row for this object, or for the file whose it is and which may be on its way."""
    has_object = connection.execute(OBJECT, (object,)).fetchone() is not None
    return has_object or connection.execute(FILE, (file,)).fetchone() is not None


def miscounted(connection: sqlite3.Connection, limit: int) -> Sequence[Miscounted]:
    """Return objects whose rows do not say how many renditions refer to them; none in a database that is right."""
    return [Miscounted._make(row) for row in connection.execute(MISCOUNTED, (limit,))]


def totals(connection: sqlite3.Connection) -> tuple[Totals, list[KindTotal]]:
    """Return what there is of files, in all and by kind."""
    return Totals._make(connection.execute(TOTALS).fetchone()), [
        KindTotal._make(row) for row in connection.execute(KINDS)
    ]


def largest(connection: sqlite3.Connection, of: str, limit: int) -> list[Largest]:
    """Return those who have most, the first the most. `of`: `u` users, `r` rooms."""
    return [Largest._make(row) for row in connection.execute(LARGEST, (f"{of}:%", limit))]
