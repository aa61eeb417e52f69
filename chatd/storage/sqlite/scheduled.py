"""When the daemon looks at scheduled messages, whose content is in their section (section_rows.py)."""

import sqlite3
from collections.abc import Mapping, Sequence

from chatd.core.scheduled import LookAt
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.records import WriteRecords

PUT = "INSERT INTO scheduled (user, key, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
DELETE = "DELETE FROM scheduled WHERE user = ? AND key = ?"
ROWS = """
FROM scheduled s JOIN section_rows r ON r.user = s.user AND r.section = 'scheduled' AND r.name = s.key
WHERE r.body IS NOT NULL
"""
DUE = f"SELECT s.user, s.key, r.body {ROWS} AND s.at <= ? ORDER BY s.at, s.user, s.key LIMIT ?"
NEXT = f"SELECT s.at {ROWS} ORDER BY s.at LIMIT 1"


class ScheduledRows:
    """The `ScheduledStore` on the readers of the store."""

    def __init__(self, read_pool: ReadPool) -> None:
        self._read_pool = read_pool

    async def due(self, now_ms: int, limit: int) -> list[tuple[str, str, bytes]]:
        return await self._read_pool.run(due, now_ms, limit)

    async def next_at(self) -> int | None:
        return await self._read_pool.run(next_at)


def due(connection: sqlite3.Connection, now_ms: int, limit: int) -> list[tuple[str, str, bytes]]:
    return connection.execute(DUE, (now_ms, limit)).fetchall()


def next_at(connection: sqlite3.Connection) -> int | None:
    row = connection.execute(NEXT).fetchone()
    return None if row is None else row[0]


def write_looks(connection: sqlite3.Connection, looks: Sequence[LookAt], stamp: int) -> None:
    for look in looks:
        if look.at:
            connection.execute(PUT, (look.user, look.key, look.at))
        else:
            connection.execute(DELETE, (look.user, look.key))


WRITES: Mapping[type, WriteRecords] = {LookAt: write_looks}
