"""The storage that survives a restart: a small durable map, in memory or in one SQLite table.

Six tables of the map: `account` (user, device, epoch, cursor, ...), `account_rows` (rows by section and name),
`users` (cards of others), `rooms` (summary and position of each room), `outbox` (mutations without an
acknowledgement) and `uploads` (files on their way). One storage belongs to one account on one device.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import msgpack

from .core.records import Record, Tables, put

log = logging.getLogger(__name__)

T = TypeVar("T")

APPLICATION_ID = 0x63686174
"""`chat`, in the header of the file (SQLite, PRAGMA application_id)."""

FORMAT = 1
"""The format of the file (SQLite, PRAGMA user_version)."""

SCHEMA = 'CREATE TABLE records ("table" TEXT, "key" TEXT, value BLOB, PRIMARY KEY ("table", "key"))'

# An update leaves a row at its place, so that rows come back in the order of their first insertion.
WRITE = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class Storage(Protocol):
    """A durable map of tables. The records of one call are kept together; the order holds across `note` and `save`."""

    async def load(self) -> Tables:
        """Return everything stored, in the order of first insertion; called once, before anything else."""
        ...

    def note(self, records: Sequence[Record]) -> None:
        """Store soon: a crash may lose these records, but never a part of them, and never any that were saved.

        Records that cannot be written, as on a full disk, are logged and written with the next that can.
        """
        ...

    async def save(self, records: Sequence[Record]) -> None:
        """Store now: on return these records and everything noted before survive a power loss.

        Raises OSError when that cannot be promised.
        """
        ...

    async def close(self) -> None:
        """Finish writing and release the file."""
        ...


class MemoryStorage:
    """A storage that survives reconnects and nothing else; for tests, load generators and throw-away sessions."""

    def __init__(self) -> None:
        self._tables: Tables = {}

    async def load(self) -> Tables:
        return {name: dict(table) for name, table in self._tables.items()}

    def note(self, records: Sequence[Record]) -> None:
        for record in records:
            put(self._tables, record)

    async def save(self, records: Sequence[Record]) -> None:
        self.note(records)

    async def close(self) -> None:
        return None


class FileStorage:
    """The map in one SQLite file. Saves that wait at the same time share one commit.

    A thread of its own works on the file, one transaction at a time; meanwhile the next one is collected here. `load`
    raises BlockingIOError while another storage holds the file, and OSError when it is not a file of this kind.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._thread: ThreadPoolExecutor | None = None
        self._database: sqlite3.Connection
        self._waiting: dict[tuple[str, str], bytes | None] = {}
        self._savers: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def load(self) -> Tables:
        self._thread = ThreadPoolExecutor(1, "chatd-storage")
        try:
            self._database, tables = await self._in_thread(self._open)
        except BaseException:
            self._end_thread()
            raise
        return tables

    def note(self, records: Sequence[Record]) -> None:
        if self._thread is None:
            raise ValueError("the storage is not open")
        for table, key, value in records:
            self._waiting[table, key] = None if value is None else msgpack.packb(value, use_bin_type=True)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def save(self, records: Sequence[Record]) -> None:
        self.note(records)
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._savers.append(saved)
        await saved

    async def close(self) -> None:
        if self._thread is None:
            return
        if self._writing is not None:
            await asyncio.wait([self._writing])
        try:
            # This folds the write-ahead log into the file and syncs it.
            await self._in_thread(self._database.close)
        finally:
            self._end_thread()

    async def _write(self) -> None:
        """Write the records that wait, and those that come meanwhile; after a failure only those that a caller waits
        for."""
        while self._waiting or self._savers:
            rows, self._waiting = self._waiting, {}
            savers, self._savers = self._savers, []
            error = await self._in_thread(partial(self._commit, rows, durable=bool(savers)))
            for saver in savers:
                if not saver.done():
                    saver.set_exception(error) if error else saver.set_result(None)
            if error:
                log.error("%s cannot be written: %s", self._path, error)
                self._waiting = rows | self._waiting
                if not self._savers:
                    return

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _end_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False)

    # In the thread.

    def _open(self) -> tuple[sqlite3.Connection, Tables]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would let other users read it.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            self._take(database)
            tables: Tables = {}
            for table, key, value in database.execute("SELECT * FROM records ORDER BY rowid"):
                put(tables, Record(table, key, msgpack.unpackb(value, raw=False)))
        except sqlite3.Error as error:
            database.close()
            raise self._failure(error) from error
        except BaseException:
            database.close()
            raise
        return database, tables

    def _take(self, database: sqlite3.Connection) -> None:
        """Lock the file until the end, and create the table in a new one."""
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        kind = [
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        ]
        if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            database.execute(SCHEMA)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {FORMAT}")
        elif kind != [APPLICATION_ID, FORMAT]:
            raise self._foreign()
        database.execute("COMMIT")
        # One sync a commit instead of three.
        database.execute("PRAGMA journal_mode = WAL")

    def _commit(self, rows: dict[tuple[str, str], bytes | None], *, durable: bool) -> OSError | None:
        """Write rows in one transaction; with `durable`, these and all before are on the disk afterwards."""
        database = self._database
        try:
            # A commit in the log syncs it whole when this is FULL, and not at all when it is NORMAL.
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with database:
                database.execute("BEGIN")
                gone = [place for place, value in rows.items() if value is None]
                database.executemany('DELETE FROM records WHERE "table" = ? AND "key" = ?', gone)
                kept = [(*place, value) for place, value in rows.items() if value is not None]
                database.executemany(WRITE, kept)
            # There was no commit that would sync what came before.
            if durable and not rows:
                database.execute("PRAGMA wal_checkpoint")
        except sqlite3.Error as error:
            return self._failure(error)
        return None

    def _failure(self, error: sqlite3.Error) -> OSError:
        """Return an error of SQLite as one of the operating system."""
        # Without the extended code.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return BlockingIOError(f"{self._path} is open in another client")
        if code == sqlite3.SQLITE_NOTADB:
            return self._foreign()
        return OSError(f"{self._path}: {error}")

    def _foreign(self) -> OSError:
        return OSError(
            f"{self._path} is not a storage of this version of the client (SQLite, format {FORMAT}): "
            "move it away, and the client begins anew; messages in its outbox are sent by the version that wrote it"
        )
