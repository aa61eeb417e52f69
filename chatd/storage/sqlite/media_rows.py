"""Stored files as rows, for what goes over all of them: the collector, the check against the disk, backups."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatd.storage.media import FileUsage, KindUsage, NamedUsage
from chatd.storage.sqlite.read_pool import ReadPool

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
# What was refused or dropped takes nothing; its row stays for a while.
TOTALS = """
SELECT (SELECT count(*) FROM files WHERE state IN ('uploading', 'ready')),
       (SELECT count(*) FROM files WHERE state = 'uploading'),
       (SELECT coalesce(sum(size), 0) FROM objects), (SELECT coalesce(sum(size), 0) FROM objects WHERE refs = 0)
"""
KINDS = """
SELECT kind, count(*), sum(reserved) FROM files WHERE state IN ('uploading', 'ready') GROUP BY kind ORDER BY kind
"""
STICKERS = """
SELECT substr(holder, 9), file FROM held WHERE holder > 'sticker:' || ? AND holder < 'sticker;' ORDER BY holder LIMIT ?
"""
USERS = """
SELECT substr(account, 3), bytes, files FROM media_usage
WHERE account >= 'u:' AND account < 'u;' ORDER BY bytes DESC, account LIMIT ?
"""
ROOMS = """
SELECT r.name, u.bytes, u.files FROM media_usage AS u JOIN rooms AS r ON r.number = CAST(substr(account, 3) AS INTEGER)
WHERE account >= 'r:' AND account < 'r;' ORDER BY u.bytes DESC, account LIMIT ?
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


def stickers(connection: sqlite3.Connection, after: str, limit: int) -> list[tuple[str, str]]:
    """Return stickers, each a name and its file, in order of their names."""
    return connection.execute(STICKERS, (after, limit)).fetchall()


def file_usage(connection: sqlite3.Connection, limit: int) -> FileUsage:
    """Return what files take, in all, by kind, and of the users and rooms that have most."""
    files, uploading, size, free = connection.execute(TOTALS).fetchone()
    kinds = [KindUsage._make(row) for row in connection.execute(KINDS)]
    return FileUsage(
        files,
        uploading,
        size,
        free,
        kinds,
        largest(connection, USERS, limit),
        largest(connection, ROOMS, limit),
    )


def largest(connection: sqlite3.Connection, statement: str, limit: int) -> list[NamedUsage]:
    return [NamedUsage._make(row) for row in connection.execute(statement, (limit,))]


class FileRounds:
    """The base of `SqliteStore` with what goes over all files."""

    _read_pool: ReadPool

    async def due_files(self, now_ms: int, limit: int) -> list[tuple[str, str]]:
        return await self._read_pool.run(due_files, now_ms, limit)

    async def free_objects(self, now_ms: int, limit: int) -> tuple[str, ...]:
        return await self._read_pool.run(free_objects, now_ms, limit)

    async def stickers(self, after: str = "", limit: int = -1) -> list[tuple[str, str]]:
        return await self._read_pool.run(stickers, after, limit)

    async def file_usage(self, limit: int) -> FileUsage:
        return await self._read_pool.run(file_usage, limit)
