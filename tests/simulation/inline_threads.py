"""A connection to SQLite without a thread: the same functions over the same SQL, run when the loop decides."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

OnChange = Callable[[sqlite3.Connection], None]


class InlineConnection:
    """A replacement of storage.connection.Connection. `before` is called before each function, and may raise what
    SQLite would; `changed` is called after each that wrote something."""

    def __init__(self, connection: sqlite3.Connection, before: Callable[[], None], changed: OnChange) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._before = before
        self._changed = changed
        self._changes = connection.total_changes

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `function(connection, ...)`, in order of the calls; cancelling a caller does not stop it."""
        if self._connection is None:
            raise sqlite3.ProgrammingError("the connection is closed")
        work = partial(self._run, partial(function, self._connection, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self, work)  # type: ignore[arg-type]

    def _run(self, function: Callable[[], Any]) -> Any:
        self._before()
        try:
            return function()
        finally:
            connection = self._connection
            if connection is not None and connection.total_changes != self._changes:
                self._changes = connection.total_changes
                self._changed(connection)

    async def close(self) -> None:
        """Close after the earlier calls; idempotent."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self, self._close)  # type: ignore[arg-type]

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Threads:
    """The replacement of storage.connection.connect for one process, and the connections it left open."""

    def __init__(self, before: Callable[[], None], changed: OnChange) -> None:
        self._before = before
        self._changed = changed
        self._opened: list[sqlite3.Connection] = []

    async def connect(self, connector: Callable[[], sqlite3.Connection]) -> InlineConnection:
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(self, connector)  # type: ignore[arg-type]
        self._opened.append(connection)
        return InlineConnection(connection, self._before, self._changed)

    def close_all(self) -> None:
        """Close what a dead process left open; its disk takes nothing more."""
        for connection in self._opened:
            connection.close()
