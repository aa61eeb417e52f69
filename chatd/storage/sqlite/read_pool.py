"""The read-only connections: each read sees one commit, and reads that wait for a connection go together."""

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

REQUESTS_MAX = (
    16  # reads a dispatch: the two changes of thread cost as much as a read; more would delay the first
)
PATIENCE_S = 0.005  # of who waits behind a dispatch; a full one, of hellos, takes 2 ms


@dataclass(slots=True, eq=False)
class ReadRequest:
    """A read and who waits for it."""

    read: Read
    answer: asyncio.Future[Any]

    def complete(self, outcome: Any) -> None:
        """Give what was read, or what went wrong; who went away gets nothing."""
        if self.answer.done():
            return
        if isinstance(outcome, Failed):
            self.answer.set_exception(outcome.cause)
        else:
            self.answer.set_result(outcome)


@dataclass(slots=True, frozen=True)
class Failed:
    """What a read raised."""

    cause: Exception


class ReadPool:
    """A few connections. A read goes along with everything else that waits when a connection takes some; so under
    load dispatches grow by themselves.

    While one is under way another connection helps only after PATIENCE_S: its thread would take turns with the first,
    and in the end both would have done what one does, slower. So a long read delays nobody by more.
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._connections: list[Connection] = []
        self._free: list[Connection] = []
        self._waiting: deque[ReadRequest] = deque()
        self._overdue: asyncio.TimerHandle | None = None  # when who waits behind a dispatch has waited enough
        self._dispatches: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, path: Path, count: int, troubles: Troubles) -> "ReadPool":
        """`count` connections to the database at `path`; what was opened is closed again when one fails."""
        readers = cls(troubles)
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
        """`read(connection, ...)` as of one commit: nothing changes while it runs. Raises Unavailable."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(ReadRequest(lambda connection: read(connection, *args, **kwargs), answer))
        self._dispatch()
        try:
            with translated():
                result = await answer
        except Unavailable as error:
            self._troubles.report(*trouble(error, "reads"))
            raise
        if self._troubles.now:
            self._troubles.report_ok("reads")
        return result

    async def close(self) -> None:
        """Close the connections behind the reads they carry out; for what still waits the store is closed."""
        if self._overdue is not None:
            self._overdue.cancel()
        for connection in self._connections:
            await connection.close()

    def _add(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._free.append(connection)

    def _dispatch(self) -> None:
        """Let what waits be taken: at once when nobody reads, else by the dispatch under way, or soon by another."""
        if len(self._free) == len(self._connections):
            self._start_dispatch()
        elif self._overdue is None and self._free:
            self._overdue = asyncio.get_running_loop().call_later(PATIENCE_S, self._dispatch_late)

    def _dispatch_late(self) -> None:
        """Whoever waits behind a dispatch has been patient."""
        self._overdue = None
        if self._waiting and self._free:
            self._start_dispatch()
            self._dispatch()

    def _start_dispatch(self) -> None:
        """Let a connection take what waits, in the next turn of the loop: what this one brings goes along."""
        dispatch = asyncio.ensure_future(self._serve(self._free.pop()))
        self._dispatches.add(dispatch)
        dispatch.add_done_callback(self._dispatches.discard)

    async def _serve(self, connection: Connection) -> None:
        """Hop after dispatch until nothing waits."""
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
    """One dispatch: each of these reads gets its answer."""
    try:
        outcomes = await connection.run(snapshot, [request.read for request in requests])
    except Exception as error:
        outcomes = [Failed(error)] * len(requests)
    for request, outcome in zip(requests, outcomes, strict=True):
        request.complete(outcome)


def snapshot(connection: sqlite3.Connection, reads: Sequence[Read]) -> list[Any]:
    """What the reads give, all as of one commit; Failed in the place of one that raised."""
    try:
        return [outcome(connection, read) for read in reads]
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def outcome(connection: sqlite3.Connection, read: Read) -> Any:
    if not connection.in_transaction:  # an error of the disk has ended it
        connection.execute("BEGIN")
    try:
        return read(connection)
    except Exception as error:
        return Failed(error)
