"""The index of one daemon: a file that holds nothing which is true nowhere else, and may be deleted at any time.

A message is a row of an FTS5 table, numbered like its event (room << 32 | seq): so a room is a range of rows, and the
newest come first without sorting. The table keeps no text, and no places of words in it; what it finds is looked at
where it is stored.

FTS5 removes a row by a note that it is gone; its words leave the file when the parts that hold them are merged. What
was taken away is merged within a day: `merge` does a little of that at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from chatd.core.searches import Span
from chatd.search.files import files_of

# Another number is another form of the file, which is made anew.
VERSION = 1
# Pages that are merged at once: some ten milliseconds.
MERGED_PAGES = 200
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (room INTEGER PRIMARY KEY, seq INTEGER NOT NULL, purged INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (
    tokens, tokenize = "ascii tokenchars '-_.:@|+'", detail = none, content = '', contentless_delete = 1
);
"""
# It may lose the last commits when the power fails, and is never damaged: they are read again. Freed pages are
# overwritten, since they hold words.
PRAGMAS = (
    "PRAGMA journal_mode = wal",
    "PRAGMA synchronous = normal",
    "PRAGMA secure_delete = 1",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA temp_store = 2",
)
FIND = """
SELECT rowid & 0xffffffff FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?
"""
KEYS = ("version", "epoch", "singles")

Position = tuple[int, int]
"""Of a room: the last event that was seen, and the last one that was purged."""


class IndexLost(Exception):
    """The file is damaged, gone, or of another history: it has to be made anew."""


class Index:
    """A connection to the file. One that writes, and any number that read, each in one thread at a time."""

    def __init__(self, path: Path, epoch: str, *, singles: bool) -> None:
        """Open the file, which is made when it is not there. Raises IndexLost when it is of no use."""
        self.path = path
        self._identity: Mapping[str, Any] = dict(zip(KEYS, (VERSION, epoch, int(singles)), strict=True))
        self.singles = singles
        try:
            self._connection = apsw.Connection(str(path))
            self._prepare()
        except apsw.Error as error:
            raise IndexLost(str(error)) from error
        self._file = path.stat().st_ino

    def _prepare(self) -> None:
        for pragma in PRAGMAS:
            self._all(pragma)
        with self._connection:
            if not self._all("SELECT 1 FROM sqlite_schema WHERE name = 'words'"):
                self._connection.execute(SCHEMA)
                self._connection.executemany("INSERT INTO meta VALUES (?, ?)", self._identity.items())
        found = dict(self._all("SELECT key, value FROM meta"))
        if any(found.get(key) != value for key, value in self._identity.items()):
            raise IndexLost("it is of another history, or of another form")

    def __enter__(self) -> None:
        """Begin a change, which is stored whole or not at all."""
        self._connection.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, trace)

    def close(self) -> None:
        self._connection.close()

    @property
    def is_there(self) -> bool:
        """Whether the file is still the one that was opened."""
        try:
            return self.path.stat().st_ino == self._file
        except OSError:
            return False

    @property
    def bytes(self) -> int:
        """The size on the disk."""
        return sum(file.stat().st_size for file in files_of(self.path) if file.exists())

    # --- reading

    def find(self, alternatives: Sequence[Sequence[str]], span: Span, limit: int) -> list[int]:
        """Return up to `limit` messages of a span that have one of each of the alternatives, the newest first."""
        low, high = (span.room << 32 | min(max(seq, 0), 0xFFFFFFFF) for seq in (span.low, span.high))
        return [seq for (seq,) in self._all(FIND, (expression(alternatives), low, high, limit))]

    def positions(self, rooms: Sequence[int]) -> dict[int, Position]:
        """Return how far the index has seen these rooms; rooms of which it knows nothing are left out."""
        marks = ", ".join("?" * len(rooms))
        rows = self._all(f"SELECT room, seq, purged FROM indexed WHERE room IN ({marks})", rooms)  # noqa: S608
        return {room: (seq, purged) for room, seq, purged in rows}

    def rooms(self) -> int:
        """Return the number of rooms of which something was seen."""
        return int(self._all("SELECT count(*) FROM indexed")[0][0])

    # --- writing, within a change

    def put(self, room: int, messages: Iterable[tuple[int, Iterable[str]]]) -> None:
        """Keep these tokens of messages, by seq, in place of what was kept of them."""
        rows = [(room << 32 | seq, " ".join(tokens)) for seq, tokens in messages]
        self._connection.executemany("INSERT OR REPLACE INTO words (rowid, tokens) VALUES (?, ?)", rows)

    def remove(self, room: int, seqs: Iterable[int]) -> None:
        """Keep nothing of these messages any more."""
        rows = [(room << 32 | seq,) for seq in seqs]
        self._connection.executemany("DELETE FROM words WHERE rowid = ?", rows)

    def remove_span(self, span: Span) -> None:
        """Keep nothing of a span any more."""
        bounds = (span.room << 32 | span.low, span.room << 32 | min(span.high, 0xFFFFFFFF))
        self._connection.execute("DELETE FROM words WHERE rowid BETWEEN ? AND ?", bounds)

    def move(self, room: int, position: Position) -> None:
        """Note how far a room was seen."""
        self._connection.execute("INSERT OR REPLACE INTO indexed VALUES (?, ?, ?)", (room, *position))

    def forget(self, room: int) -> None:
        """Keep nothing of a room, nor that it was seen."""
        self.remove_span(Span(room, 0, 0xFFFFFFFF))
        self._connection.execute("DELETE FROM indexed WHERE room = ?", (room,))

    # --- what was taken away

    @property
    def removed_ms(self) -> int:
        """The time (Unix ms) of the first removal whose words may still be in the file; 0 without any."""
        rows = self._all("SELECT value FROM meta WHERE key = 'removed'")
        return int(rows[0][0]) if rows else 0

    @removed_ms.setter
    def removed_ms(self, time: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('removed', ?)", (time,))

    def merge(self, *, first: bool) -> bool:
        """Merge a little of the file; return whether there is more. `first`: begin with all parts there are now."""
        before = self._connection.total_changes()
        pages = -MERGED_PAGES if first else MERGED_PAGES
        self._connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
        # From FTS5's manual: less than two changes mean that there was nothing to merge.
        return self._connection.total_changes() - before >= 2

    def shed(self) -> None:
        """Empty the write-ahead log, which holds what was overwritten."""
        self._all("PRAGMA wal_checkpoint(truncate)")

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()


def expression(alternatives: Sequence[Sequence[str]]) -> str:
    """Return a query in the language of FTS5.

    >>> expression([["hel"], ["m:ann", "m:"]])
    '("hel") AND ("m:ann" OR "m:")'
    """
    quoted = [" OR ".join(f'"{token}"' for token in tokens) for tokens in alternatives]
    return " AND ".join(f"({tokens})" for tokens in quoted)
