"""The read-only connections: each read sees one commit, and reads that wait for a connection share its next hop."""

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

TOGETHER_MAX = 16  # reads a hop: the two changes of thread cost as much as a read; more would delay the first
PATIENCE_S = 0.005  # of who waits behind a hop; a full one, of hellos, takes 2 ms


@dataclass(slots=True, eq=False)
class Asked:
    """A read and who waits for it."""

    read: Read
    answer: asyncio.Future[Any]

    def settle(self, outcome: Any) -> None:
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


class Readers:
    """A few connections. A read goes along with everything else that waits when a connection takes some; so under
    load hops grow by themselves.

    While one is under way another connection helps only after PATIENCE_S: its thread would take turns with the first,
    and in the end both would have done what one does, slower. So a long read delays nobody by more.
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._connections: list[Connection] = []
        self._free: list[Connection] = []
        self._waiting: deque[Asked] = deque()
        self._overdue: asyncio.TimerHandle | None = None  # when who waits behind a hop has waited enough
        self._hops: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, path: Path, count: int, troubles: Troubles) -> "Readers":
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
        self._waiting.append(Asked(lambda connection: read(connection, *args, **kwargs), answer))
        self._dispatch()
        try:
            with translated():
                result = await answer
        except Unavailable as error:
            self._troubles.meet(*trouble(error, "reads"))
            raise
        if self._troubles.now:
            self._troubles.ease("reads")
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
        """Let what waits be taken: at once when nobody reads, else by the hop under way, or by another one soon."""
        if len(self._free) == len(self._connections):
            self._begin_hop()
        elif self._overdue is None and self._free:
            self._overdue = asyncio.get_running_loop().call_later(PATIENCE_S, self._dispatch_late)

    def _dispatch_late(self) -> None:
        """Whoever waits behind a hop has been patient."""
        self._overdue = None
        if self._waiting and self._free:
            self._begin_hop()
            self._dispatch()

    def _begin_hop(self) -> None:
        """Let a connection take what waits, in the next turn of the loop: what this one brings goes along."""
        hop = asyncio.ensure_future(self._serve(self._free.pop()))
        self._hops.add(hop)
        hop.add_done_callback(self._hops.discard)

    async def _serve(self, connection: Connection) -> None:
        """Hop after hop until nothing waits."""
        try:
            while together := self._taken():
                await carry_out(connection, together)
        finally:
            self._free.append(connection)

    def _taken(self) -> list[Asked]:
        taken: list[Asked] = []
        while self._waiting and len(taken) < TOGETHER_MAX:
            asked = self._waiting.popleft()
            if not asked.answer.done():
                taken.append(asked)
        return taken


async def carry_out(connection: Connection, together: Sequence[Asked]) -> None:
    """One hop: each of these reads gets its answer."""
    try:
        outcomes = await connection.run(snapshot, [asked.read for asked in together])
    except Exception as error:
        outcomes = [Failed(error)] * len(together)
    for asked, outcome in zip(together, outcomes, strict=True):
        asked.settle(outcome)


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
