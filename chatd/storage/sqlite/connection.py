"""A connection in its own thread, which runs one whole function at a time. No other file imports aiosqlite.

aiosqlite costs two changes of thread for each awaited statement; a function that runs all statements of a request
costs two altogether, and nothing else can run between its statements.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

import aiosqlite

from chatd.storage.sqlite.pragmas import READER, WRITER, apply

P = ParamSpec("P")
T = TypeVar("T")

# More than there are different statements in this package, so each is parsed once.
STATEMENTS_CACHED = 256


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that also runs functions with the sqlite3 connection, in its thread."""

    @property
    def is_open(self) -> bool:
        return self._running and self._connection is not None

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(connection, *args, **kwargs)` in the thread, in the order of calls.

        A cancelled caller does not stop the function. Raises the error of the function, and sqlite3.ProgrammingError
        when closed.
        """
        # aiosqlite has no public way to run a function; all its public ones are made of `_execute`.
        # tests/storage/test_connection.py fails when a release changes it.
        if not self.is_open:
            raise sqlite3.ProgrammingError("the connection is closed")
        result: T = await self._execute(  # type: ignore[no-untyped-call]
            function, self._connection, *args, **kwargs
        )
        return result


def open_file(path: Path, *, mode: str) -> sqlite3.Connection:
    """A plain connection to an existing file. `mode`: "ro", "rw" or "rwc" (create), as in SQLite's URIs."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        # Transactions are explicit.
        isolation_level=None,
        cached_statements=STATEMENTS_CACHED,
        # It is made and used in aiosqlite's thread, but may be closed by the garbage collection in another.
        check_same_thread=False,
    )


def writable(path: Path) -> sqlite3.Connection:
    """Open the one connection of a daemon that writes, with its settings."""
    return set_up(open_file(path, mode="rw"), WRITER, path)


def readable(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write, with its settings."""
    return set_up(open_file(path, mode="ro"), READER, path)


def without_log(path: Path) -> sqlite3.Connection:
    """Open a read-only connection that sees the file alone, without its write-ahead log."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, isolation_level=None)


def set_up(connection: sqlite3.Connection, settings: dict[str, int | str], path: Path) -> sqlite3.Connection:
    try:
        apply(connection, settings, path)
    except BaseException:
        connection.close()
        raise
    return connection


async def open_writer(path: Path) -> Connection:
    """Open the database for writing, in a thread of its own."""
    return await connect(lambda: writable(path))


async def open_reader(path: Path) -> Connection:
    """Open the database for reading, in a thread of its own."""
    return await connect(lambda: readable(path))


async def connect(connector: Callable[[], sqlite3.Connection]) -> Connection:
    """Open a connection in a thread of its own. Who is cancelled meanwhile waits for the thread, which answers to this
    loop, and leaves no connection behind.
    """
    opening = asyncio.ensure_future(connected(connector))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait([opening])
        if opening.exception() is None:
            await opening.result().close()
        raise


async def connected(connector: Callable[[], sqlite3.Connection]) -> Connection:
    connection = Connection(connector, iter_chunk_size=1)
    await connection
    return connection
