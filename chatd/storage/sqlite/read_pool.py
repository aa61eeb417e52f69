"""The pool of read-only connections: each read sees one commit, and waiting reads are dispatched together."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from chatd.protocol.errors import Unavailable
from chatd.storage.sqlite.connection import Connection, open_reader
from chatd.storage.sqlite.errors import translated, trouble
from chatd.telemetry.troubles import Troubles

P = ParamSpec("P")
T = TypeVar("T")

Read = Callable[[sqlite3.Connection], Any]

# Reads of one dispatch, whose two changes of thread cost as much as a read; more would delay the first.
REQUESTS_MAX = 16
# How long a read waits behind a dispatch; a full one, of hellos, takes 2 ms.
PATIENCE_S = 0.005


@dataclass(slots=True, eq=False)
class ReadRequest:
    """A read and the future of its result."""

    read: Read
    answer: asyncio.Future[Any]

    def complete(self, outcome: Any) -> None:
        """Set the result or the error, unless the caller was cancelled."""
        if self.answer.done():
            return
        if isinstance(outcome, Failed):
            self.answer.set_exception(outcome.cause)
        else:
            self.answer.set_result(outcome)


@dataclass(slots=True, frozen=True)
class Failed:
    """The error of a read."""

    cause: Exception


class ReadPool:
    """A few connections. A connection takes all reads that wait, up to REQUESTS_MAX, so dispatches grow under load.

    While one is under way, another connection is used only after PATIENCE_S, which is how long a long read can delay
    the others. Used at once, its thread would only compete with the first for the interpreter.
    """

    def __init__(self, path: Path, troubles: Troubles) -> None:
        self._path = path
        self._troubles = troubles
        self._connections: list[Connection] = []
        self._free: list[Connection] = []
        self._waiting: deque[ReadRequest] = deque()
        # Starts another dispatch when reads have waited for PATIENCE_S behind one.
        self._overdue: asyncio.TimerHandle | None = None
        self._dispatches: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, path: Path, count: int, troubles: Troubles) -> "ReadPool":
        """Open `count` connections to the database at `path`; when one fails, close those that are open."""
        readers = cls(path, troubles)
        try:
            for _ in range(count):
                readers._add(await open_reader(path))
        except BaseException:
            await readers.close()
            raise
        return readers

    async def run(
        self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `read(connection, ...)` as of one commit. Raises Unavailable."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(ReadRequest(lambda connection: read(connection, *args, **kwargs), answer))
        self._dispatch()
        try:
            with translated:
                result = await answer
        except Unavailable as error:
            self._troubles.report(*trouble(error, "reads"))
            raise
        if self._troubles.now:
            self._troubles.report_ok("reads")
        return result

    async def run_alone(
        self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `read(connection, ...)` like `run`, on a connection of its own: for a read that takes seconds."""
        pool = await ReadPool.open(self._path, 1, self._troubles)
        try:
            return await pool.run(read, *args, **kwargs)
        finally:
            await pool.close()

    async def close(self) -> None:
        """Close the connections after their current dispatch; reads that still wait fail."""
        if self._overdue is not None:
            self._overdue.cancel()
        for connection in self._connections:
            await connection.close()

    def _add(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._free.append(connection)

    def _dispatch(self) -> None:
        """Have the waiting reads taken: now when no connection is busy, else by a busy one or after PATIENCE_S."""
        if len(self._free) == len(self._connections):
            self._start_dispatch()
        elif self._overdue is None and self._free:
            self._overdue = asyncio.get_running_loop().call_later(PATIENCE_S, self._dispatch_late)

    def _dispatch_late(self) -> None:
        """Start another dispatch for reads that have waited for PATIENCE_S."""
        self._overdue = None
        if self._waiting and self._free:
            self._start_dispatch()
            self._dispatch()

    def _start_dispatch(self) -> None:
        """Let a connection take the waiting reads in the next turn of the loop, with those that come in this one."""
        dispatch = asyncio.ensure_future(self._serve(self._free.pop()))
        self._dispatches.add(dispatch)
        dispatch.add_done_callback(self._dispatches.discard)

    async def _serve(self, connection: Connection) -> None:
        """Run dispatches until no read waits."""
        try:
            while requests := self._taken():
                await run_requests(connection, requests)
        finally:
            self._free.append(connection)

    def _taken(self) -> list[ReadRequest]:
        taken: list[ReadRequest] = []
        while self._waiting and len(taken) < REQUESTS_MAX:
            request = self._waiting.popleft()
            if not request.answer.done():
                taken.append(request)
        return taken


async def run_requests(connection: Connection, requests: Sequence[ReadRequest]) -> None:
    """Run one dispatch and complete each of its reads."""
    try:
        outcomes = await connection.run(snapshot, [request.read for request in requests])
    except Exception as error:
        outcomes = [Failed(error)] * len(requests)
    for request, outcome in zip(requests, outcomes, strict=True):
        request.complete(outcome)


def snapshot(connection: sqlite3.Connection, reads: Sequence[Read]) -> list[Any]:
    """Return the results of the reads, all as of one commit; Failed for one that raised."""
    try:
        return [outcome(connection, read) for read in reads]
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def outcome(connection: sqlite3.Connection, read: Read) -> Any:
    # The first read begins the transaction; so does one after an error of the disk, which ends it.
    if not connection.in_transaction:
        connection.execute("BEGIN")
    try:
        return read(connection)
    except Exception as error:
        return Failed(error)
