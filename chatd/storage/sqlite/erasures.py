"""The rows of erasures, exports and purges, and what is kept of a person (storage/erasing.py has the contract)."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import convert

from chatd.core.erasures import Erasure, Place
from chatd.core.exports import DroppedExport, Export
from chatd.protocol.codec import decode_tree, encode
from chatd.storage.erasing import CountableRow, Eraser, ErasureStore, ListedErasure, RetentionPage
from chatd.storage.person_files import FilesOfPersons
from chatd.storage.sqlite import erasure, retention
from chatd.storage.sqlite.erasure import CONTACTS, Kept
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import Row
from chatd.storage.sqlite.writer import Writer

# 1 MiB: a few milliseconds for the one writer, most of them for flushes.
PAGES_AT_ONCE = 256

# The columns are the fields of Erasure, in their order.
PUT = "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
OF = "SELECT * FROM erasures WHERE user IN (SELECT value FROM json_each(?))"
SINCE = "SELECT * FROM erasures WHERE (asked, user) > (?, ?) ORDER BY asked, user LIMIT ?"
DUE = "SELECT * FROM erasures WHERE due > 0 AND (done = 0 OR due <= ?) ORDER BY due LIMIT ?"

PUT_EXPORT = "INSERT OR REPLACE INTO exports (user, asked, done, file, bytes) VALUES (?, ?, ?, ?, ?)"
DROP_EXPORT = "DELETE FROM exports WHERE user = ?"
EXPORTS = "SELECT user, asked, done, file, bytes FROM exports WHERE user IN (SELECT value FROM json_each(?))"
EXPORTS_DUE = "SELECT user, asked, done, file, bytes FROM exports WHERE done < ?"

REACTIONS = "SELECT seq, emoji FROM reactions WHERE user = ? AND room = ? ORDER BY seq LIMIT ?"
FILES = "SELECT file FROM files WHERE owner = :user LIMIT :limit"
ACCOUNT_ROWS = """
SELECT 'account', name FROM account_rows WHERE user = :user AND body IS NOT NULL
UNION ALL SELECT section, name FROM section_rows WHERE user = :user AND body IS NOT NULL
"""
JOINS = """
SELECT r.name, j.user FROM joins j JOIN rooms r ON r.number = j.room WHERE j.user = :user
UNION SELECT r.name, j.user FROM joins j JOIN rooms r ON r.number = j.room WHERE j.by = :user AND j.by <> ''
LIMIT :limit
"""
PURGEABLE = """
SELECT r.name FROM deleted_rooms d JOIN rooms r ON r.number = d.room
WHERE d.deleted_at < ? ORDER BY d.deleted_at LIMIT ?
"""
# A day is noted within an hour, while the clock is trusted. Only where none was is there a trace in the newest event of
# the newest room: its time may be that of a clock that jumped, and a restart would make it true.
LAST_DAY = "SELECT coalesce(max(day), 0) * 86400000 FROM days"
LAST_EVENT = "SELECT time FROM events ORDER BY position DESC LIMIT 1"


class ErasureRows(ErasureStore):
    """The part of the store on SQLite. `kept`: all tables."""

    def __init__(self, readers: ReadPool, writer: Writer, kept: Mapping[str, Kept]) -> None:
        self._read_pool = readers
        self._writer = writer
        self._kept = kept

    @property
    def erasers(self) -> Sequence[Eraser]:
        return [Eraser(table, kept.how, bool(kept.erase)) for table, kept in self._kept.items() if kept.left]

    @property
    def exported(self) -> Sequence[str]:
        return [table for table, kept in self._kept.items() if kept.export]

    async def of(self, users: Collection[str]) -> list[Erasure]:
        return await self._read_pool.run(erasures, OF, (json.dumps([*users]),))

    async def since(self, asked: int, after: str, limit: int) -> list[Erasure]:
        return await self._read_pool.run(erasures, SINCE, (asked, after, limit))

    async def due(self, now: int, limit: int) -> list[Erasure]:
        return await self._read_pool.run(erasures, DUE, (now, limit))

    async def left(self, wanted: Erasure, place: str = "") -> Mapping[str, int]:
        tables = {place: self._kept[place]} if place else self._kept
        return await self._read_pool.run_alone(erasure.count_left, wanted.user, switches_of(wanted), tables)

    async def kept(self, wanted: Erasure, reports_ms: int) -> Sequence[tuple[str, int, int]]:
        asked = {"user": wanted.user, "reports_ms": reports_ms, **switches_of(wanted)}
        return await self._read_pool.run(kept_for_a_while, asked, self._kept)

    async def rooms(self, user: str, after: int, limit: int) -> list[tuple[int, str]]:
        return await self._read_pool.run(erasure.rooms, user, after, limit)

    async def events(self, room: int, user: str) -> Sequence[int]:
        return await self._read_pool.run(erasure.events, room, user)

    async def reactions(self, room: int, user: str, limit: int) -> list[tuple[int, str]]:
        return await self._read_pool.run(all_of, REACTIONS, (user, room, limit))

    async def contacts(self, user: str, limit: int) -> list[str]:
        found = await self._read_pool.run(all_of, f"{CONTACTS} LIMIT :limit", {"user": user, "limit": limit})
        return [other for (other,) in found]

    async def joins(self, user: str, limit: int) -> list[tuple[str, str]]:
        return await self._read_pool.run(all_of, JOINS, {"user": user, "limit": limit})

    async def person_files(self, wanted: Erasure, limit: int) -> tuple[list[str], list[str]] | None:
        asked = {"user": wanted.user, "limit": limit, **switches_of(wanted)}
        return await self._read_pool.run(person_files, asked)

    async def account_rows(self, user: str) -> list[tuple[str, str]]:
        return await self._read_pool.run(all_of, ACCOUNT_ROWS, {"user": user})

    async def truncate_log(self) -> bool:
        return await self._writer.truncate_log()

    async def overwrite_unallocated(self, page: int) -> int:
        return await self._writer.overwrite_unallocated(page, PAGES_AT_ONCE)

    async def rows_of(self, user: str, table: str) -> list[dict[str, Any]]:
        return await self._read_pool.run(erasure.exported, self._kept[table], user)

    async def event_rows(self, room: int, seqs: Sequence[int]) -> list[dict[str, Any]]:
        return await self._read_pool.run(erasure.exported, self._kept["events"], "", room, seqs)

    async def exports_of(self, users: Collection[str]) -> list[Export]:
        return await self._read_pool.run(exports, EXPORTS, (json.dumps([*users]),))

    async def exports_due(self, before: int) -> list[Export]:
        return await self._read_pool.run(exports, EXPORTS_DUE, (before,))

    async def purgeable(self, before: int, limit: int) -> list[str]:
        return [name for (name,) in await self._read_pool.run(all_of, PURGEABLE, (before, limit))]

    async def old_messages(self, now_ms: int, server_s: int, after: int, limit: int) -> RetentionPage:
        return await self._read_pool.run(retention.old_messages, now_ms, server_s, after, limit)

    async def countable(self, room: int, low: int, high: int) -> list[CountableRow]:
        return await self._read_pool.run(retention.countable, room, low, high)

    async def free_pages(self, count: int) -> bool:
        return await self._writer.free_pages(count)

    async def last_commit_ms(self) -> int:
        return await self._read_pool.run(last_commit_ms)


def of_persons(
    directory: Path, readers: ReadPool, writer: Writer, kept: Mapping[str, Kept]
) -> tuple[ErasureRows, FilesOfPersons]:
    """Return the parts of a store that hold what is kept of persons: its rows, and the files beside it."""
    return ErasureRows(readers, writer, kept), FilesOfPersons(directory)


def switches_of(wanted: Erasure) -> dict[str, int]:
    """Return the switches of the statements for what an erasure was asked to do."""
    return {"recall": int(wanted.messages == "recall"), "drop_reports": int(wanted.reports == "drop")}


def all_of(connection: sqlite3.Connection, sql: str, asked: Any) -> list[Row]:
    return connection.execute(sql, asked).fetchall()


def person_files(
    connection: sqlite3.Connection, asked: Mapping[str, Any]
) -> tuple[list[str], list[str]] | None:
    files = [file for (file,) in connection.execute(FILES, asked)]
    holders = [holder for (holder,) in connection.execute(f"{erasure.HOLDERS} LIMIT :limit", asked)]
    return (files, holders) if files or holders else None


def erasures(connection: sqlite3.Connection, sql: str, asked: Row) -> list[Erasure]:
    return [erasure_of(row) for row in connection.execute(sql, asked)]


def erasure_of(row: Row) -> Erasure:
    receipt = convert(decode_tree(row[-1]), tuple[Place, ...])
    return replace(Erasure(*row[:9]), receipt=receipt)


def exports(connection: sqlite3.Connection, sql: str, asked: Row) -> list[Export]:
    return [Export(*row) for row in connection.execute(sql, asked)]


def kept_for_a_while(
    connection: sqlite3.Connection, asked: Mapping[str, Any], tables: Mapping[str, Kept]
) -> list[tuple[str, int, int]]:
    found = [
        (table, *connection.execute(kept.until, asked).fetchone())
        for table, kept in tables.items()
        if kept.until
    ]
    return [(table, rows, until) for table, rows, until in found if rows]


def last_commit_ms(connection: sqlite3.Connection) -> int:
    for sql in (LAST_DAY, LAST_EVENT):
        row = connection.execute(sql).fetchone()
        if row is not None and row[0]:
            return int(row[0])
    return 0


def listed_in(connection: sqlite3.Connection) -> list[ListedErasure]:
    """Return the erasures that a database knows, also one that is older than they are."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'erasures'").fetchone() is None:
        return []
    rows = connection.execute("SELECT user, asked, messages, reports FROM erasures ORDER BY asked, user")
    return [ListedErasure(*row) for row in rows]


def write_erasures(connection: sqlite3.Connection, changed: Sequence[Erasure], stamp: int) -> None:
    rows = [
        (
            one.user,
            one.asked,
            one.messages,
            one.reports,
            one.done,
            one.due,
            one.checked,
            one.found,
            one.reopened,
            encode(tuple(one.receipt)),
        )
        for one in changed
    ]
    connection.executemany(PUT, rows)


def write_exports(connection: sqlite3.Connection, changed: Sequence[Export], stamp: int) -> None:
    rows = [(one.user, one.asked, one.done, one.file, one.bytes) for one in changed]
    connection.executemany(PUT_EXPORT, rows)


def drop_exports(connection: sqlite3.Connection, dropped: Sequence[DroppedExport], stamp: int) -> None:
    connection.executemany(DROP_EXPORT, [(one.user,) for one in dropped])


WRITES: Mapping[type, WriteRecords] = {
    Erasure: write_erasures,
    DroppedExport: drop_exports,
    Export: write_exports,
}
