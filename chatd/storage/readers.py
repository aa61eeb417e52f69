"""The read-only connections: each request runs in one of them, in a snapshot of its own."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from chatd.storage.connection import Connection, open_reader
from chatd.storage.errors import translated

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """A few connections; the one with the fewest requests waiting gets the next."""

    def __init__(self, connections: list[Connection]) -> None:
        self._waiting = dict.fromkeys(connections, 0)

    @classmethod
    async def open(cls, path: Path, count: int) -> "Readers":
        """`count` connections to the database at `path`; what was opened is closed again when one fails."""
        readers = cls([])
        try:
            for _ in range(count):
                readers._waiting[await open_reader(path)] = 0
        except BaseException:
            await readers.close()
            raise
        return readers

    async def run(
        self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`read(connection, ...)` as of one commit: nothing changes while it runs. Raises Unavailable."""
        connection = min(self._waiting, key=self._waiting.__getitem__)
        self._waiting[connection] += 1
        try:
            with translated():
                return await connection.run(snapshot, read, *args, **kwargs)
        finally:
            self._waiting[connection] -= 1

    async def close(self) -> None:
        for connection in self._waiting:
            await connection.close()


def snapshot(
    connection: sqlite3.Connection,
    read: Callable[Concatenate[sqlite3.Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    connection.execute("BEGIN")
    try:
        return read(connection, *args, **kwargs)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
