"""The one connection that writes. It commits batches, and is opened again after an error of the disk.

A failed write is rolled back and may be repeated. After a failed flush nothing is committed any more: a later flush of
the same pages may succeed without writing them. A new process then starts from what is on the disk.
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from chatd.protocol.errors import Unavailable
from chatd.storage.sqlite import unallocated
from chatd.storage.sqlite.commit import commit
from chatd.storage.sqlite.connection import Connection, open_writer
from chatd.storage.sqlite.errors import (
    DAMAGE_CODES,
    DISK_FULL,
    FLUSH_FAILED,
    disk_full,
    is_failed_flush,
    lost,
    primary,
    translated,
    trouble,
)
from chatd.storage.sqlite.meta import read_meta
from chatd.storage.sqlite.shrinking import shrink
from chatd.storage.sqlite.write_set import Batch
from chatd.telemetry.troubles import Troubles

T = TypeVar("T")

Open = Callable[[Path], Awaitable[Connection]]

# Between two checks of free space: in a second less is written than is kept free by default.
SPACE_INTERVAL_S = 1.0

# After these the connection is not trusted: a new one reads the number of the last commit.
UNTRUSTED = DAMAGE_CODES | {sqlite3.SQLITE_IOERR}


def file_id(path: Path) -> tuple[int, int] | None:
    """Return the identity of the file with this name; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Writer:
    """The writing connection. `stamp`: the number of the last commit that is known to be durable."""

    def __init__(
        self, path: Path, connection: Connection, stamp: int, min_free_bytes: int, troubles: Troubles
    ) -> None:
        self._path = path
        self._connection = connection
        self._min_free_bytes = min_free_bytes
        self._troubles = troubles
        self._file = file_id(path)
        # When to check free space next, in the time of the loop.
        self._look_at = 0.0
        self._trusted = True
        # Of the database, for `overwrite_unallocated`.
        self._descriptor = -1
        # Why nothing is committed any more; empty while commits go on.
        self._lost = ""
        self.stamp = stamp

    async def commit(self, batch: Batch) -> None:
        """Write `batch`, to the end even when the caller is cancelled; errors as in `CommitStore.commit`."""
        try:
            await self._commit_or_raise(batch)
        except Unavailable as error:
            name, why = trouble(error, "commits")
            self._troubles.report(name, f"{why}; {self._space(self._free_bytes())}")
            raise
        if self._troubles.now:
            self._troubles.report_ok("disk")
            self._troubles.report_ok("commits")

    async def _commit_or_raise(self, batch: Batch) -> None:
        if self._lost:
            raise lost(self._lost)
        self._check_space()
        with translated:
            if not self._trusted:
                await self._reopen()
            await self._connection.run(self._commit, batch)

    def watch(self) -> None:
        """Report a full disk before a request is refused for it, and a database file that was exchanged."""
        if file_id(self._path) != self._file:
            why = "chatd.sqlite was removed or exchanged under the daemon: what it stores now ends with it"
            self._troubles.report("damage", f"{why}. Stop it, put the file back, or restore a backup")
        if (free := self._free_bytes()) < self._min_free_bytes:
            self._troubles.report("disk", f"{DISK_FULL}; {self._space(free)}")

    def _space(self, free: int) -> str:
        return f"{free} bytes are free, storage.min_free_bytes is {self._min_free_bytes}"

    def _free_bytes(self) -> int:
        """Return the free bytes of the disk; 0 when they are not known because the directory was removed."""
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize

    def _check_space(self) -> None:
        """Refuse commits while SQLite still has space to finish one. Checked once a second, and always while full."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        if self._free_bytes() < self._min_free_bytes:
            raise disk_full()
        self._look_at = now + SPACE_INTERVAL_S

    def _commit(self, connection: sqlite3.Connection, batch: Batch) -> None:
        """Commit and note the outcome, in the thread of the connection: it counts even when the caller is cancelled."""
        try:
            commit(connection, batch)
        except sqlite3.Error as error:
            self._lost = FLUSH_FAILED if is_failed_flush(error) else ""
            self._trusted = primary(error) not in UNTRUSTED and not connection.in_transaction
            raise
        self.stamp = batch.stamp

    async def _reopen(self) -> None:
        """Take a new connection and read the number of the last commit; raise StoreLost when it is not ours."""
        await self._connection.close()
        self._connection = await open_writer(self._path)
        stamp = int((await self._connection.run(read_meta))["stamp"])
        if stamp != self.stamp:
            self._lost = f"the database stands at commit {stamp}, not {self.stamp}"
            raise lost(self._lost)
        self._trusted = True

    async def truncate_log(self) -> bool:
        """Bring the log into the database and empty its file; return whether no read needed the log."""
        with translated:
            return await self._connection.run(without_waiting, truncate) if self._trusted else False

    async def free_pages(self, count: int) -> bool:
        """Give up to `count` unused pages back to the disk; return whether there may be more."""
        with translated:
            return await self._connection.run(shrink, count) if self._trusted and not self._lost else False

    async def overwrite_unallocated(self, first: int, count: int) -> int:
        """Overwrite unallocated space in pages, as unallocated.py says; `first` itself when it cannot be done now."""
        if self._descriptor < 0:
            # Kept open: to close any descriptor of the file would give up SQLite's locks on it.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        with translated:
            if not self._trusted:
                return first
            overwrite = partial(unallocated.overwrite, file=self._descriptor, first=first, count=count)
            return await self._connection.run(without_waiting, overwrite)

    async def close(self, mark: Callable[[sqlite3.Connection], None]) -> None:
        """Run `mark` when the connection can be trusted, then close it: the last to close checkpoints the log."""
        try:
            if self._trusted and self._connection.is_open:
                with translated:
                    await self._connection.run(mark)
        finally:
            await self._connection.close()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def without_waiting(connection: sqlite3.Connection, action: Callable[[sqlite3.Connection], T]) -> T:
    """Run `action` without a wait for a read that needs the log, since commits would wait, too."""
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    try:
        return action(connection)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}").fetchall()


def truncate(connection: sqlite3.Connection) -> bool:
    """Bring the log into the database and truncate it; return whether no read needed it."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return int(busy) == 0
