"""Every state a database went through, commit by commit, and the promises made at each: a crash must leave one of
them."""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

from chatd.storage.sqlite import startup, writer
from chatd.storage.sqlite.commit import commit
from chatd.storage.sqlite.connection import readable
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.meta import read_meta
from chatd.storage.sqlite.write_set import Batch
from tests.kit.consistency import contradictions
from tests.kit.disk import Disk

TABLES = (
    *("rooms", "members", "events", "unlogged", "direct", "reactions", "users", "devices", "migrations"),
    *("contacts", "account_rows", "pages", "event_feed"),
    *("section_rows", "scheduled"),
)
# The stamp of what is promised before there is a database.
NOTHING = -1


def fingerprint(connection: sqlite3.Connection) -> int:
    """Return a hash of every row of every table, except values that change without a commit."""
    rows = [tuple(connection.execute(f"SELECT * FROM {table}")) for table in TABLES]
    return hash((tuple(rows), read_meta(connection)["epoch"]))


class Ledger:
    """The states and promises of a store that works on `disk`; they are read when its power was cut."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        # Fingerprint by commit number.
        self.states: dict[int, int] = {}
        # The operations before the first commit: those of the first start.
        self.first_start = 0
        # From that operation on, that commit is durable.
        self._promises: list[tuple[int, int]] = [(0, NOTHING)]
        self._consistent: set[int] = set()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Record every commit of the block, in the thread that makes it."""
        with patch.object(writer, "commit", self._commit):
            yield

    def note(self, directory: Path) -> None:
        """Record the state that a start found: a commit whose flush failed may have been made or not."""
        with closing(readable(Directory(directory).database)) as connection:
            self.states[int(read_meta(connection)["stamp"])] = fingerprint(connection)

    def _commit(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if not self.states:
            self.first_start = len(self.disk.journal)
            self.states[int(read_meta(connection)["stamp"])] = fingerprint(connection)
        commit(connection, batch)
        self.states[batch.stamp] = fingerprint(connection)

    def promise(self, stamp: int) -> None:
        """Record that a client was sent something that holds from commit `stamp` on."""
        if stamp > self._promises[-1][1]:
            self._promises.append((len(self.disk.journal), stamp))

    def promised(self, upto: int) -> int:
        """Return the last commit that was promised after so many operations."""
        return self._promises[bisect_right(self._promises, upto, key=lambda promise: promise[0]) - 1][1]

    def check(self, directory: Path, upto: int) -> str | None:
        """Return the defects of the database that a power cut left, opened as a daemon opens it."""
        place, promised = Directory(directory), self.promised(upto)
        if not place.database.exists():
            return "the database is gone" if promised > NOTHING else self._begins(place)
        try:
            startup.make_ready(place, bytes)
            with closing(readable(place.database)) as connection:
                startup.check(connection, "quick_check", place.database)
                return self._compare(connection, promised)
        except (StoreError, sqlite3.Error) as error:
            return f"refused: {error}"

    def _begins(self, place: Directory) -> str | None:
        """Return whether the next start makes the database, as there was none before."""
        try:
            startup.make_ready(place, bytes)
        except (StoreError, sqlite3.Error) as error:
            return f"refused: {error}"
        return None

    def _compare(self, connection: sqlite3.Connection, promised: int) -> str | None:
        stamp = int(read_meta(connection)["stamp"])
        if stamp < promised:
            return f"stands at commit {stamp}, but {promised} was acknowledged"
        if stamp in self.states and fingerprint(connection) != self.states[stamp]:
            return f"commit {stamp} is not what it was"
        if stamp not in self.states and stamp > 0:
            return f"commit {stamp} was never made"
        if stamp in self._consistent:
            return None
        self._consistent.add(stamp)
        return "; ".join(contradictions(connection)) or None
