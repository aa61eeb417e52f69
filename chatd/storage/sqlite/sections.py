"""The tables of the sections of account rows, and the walk over them that ends a round of sync.

A section is walked upwards by (stamp, number): a row that changes meanwhile gets a higher stamp and comes later, so
nothing has to be repeated. A full walk leaves out tombstones up to the stamp of its first commit, since the client
starts without rows; a younger one is sent, because its row may have been on an earlier page.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET, Raw

from chatd.core.sections import ACCOUNT, CONTACTS, PEOPLE, SECTIONS, ChangedRow, Section, StartedDay
from chatd.core.sync_query import SyncQuery
from chatd.protocol.friends import state_of
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.sync import AccountRow

# A key as in sync.py: (FIRST + bit, stamp, number) continues in a section, behind all rooms.
FIRST = 4
ROWS_AT_ONCE = 256
# More than a row takes besides its value and name.
ROW_BYTES = 40
CONTACTS_BIT = PEOPLE[CONTACTS].bit
UTF8_BYTES_MAX = 4  # of a character
# A client that was away longer gets all rows again.
TOMBSTONE_DAYS = 180

Key = tuple[int, int, int]
Found = tuple[int, int, str, bytes | None]
"""Stamp, number, name, value; None: a tombstone."""


class Walk(NamedTuple):
    """A query for rows of `user` behind (`stamp`, `number`), in that order; tombstones above stamp `tombstones`."""

    user: str
    stamp: int
    number: int
    tombstones: int
    limit: int


class SectionTable(NamedTuple):
    """The table of a section. `put`: SQL that writes (user, name, value, stamp); "" where records of the chapter write
    its rows. `forget`: SQL that deletes tombstones up to a stamp.
    """

    section: Section
    put: str
    walk: Callable[[sqlite3.Connection, Walk], list[Found]]
    forget: str


PUT = """
INSERT INTO account_rows (user, name, body, stamp) VALUES (?, ?, ?, ?)
ON CONFLICT (user, name) DO UPDATE SET body = excluded.body, stamp = excluded.stamp
"""
WALK = """
SELECT stamp, number, name, body FROM account_rows
WHERE user = ? AND (stamp, number) > (?, ?) AND (body IS NOT NULL OR stamp > ?)
ORDER BY stamp, number LIMIT ?
"""
ROW = "SELECT body FROM account_rows WHERE user = ? AND name = ?"
FORGET = "DELETE FROM account_rows WHERE body IS NULL AND stamp <= ?"

STATE = "SELECT stamp FROM account_state WHERE user = ?"
PUT_STATE = """
INSERT INTO account_state VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET stamp = excluded.stamp
"""

NOTE_DAY = "INSERT INTO days VALUES (?, ?) ON CONFLICT DO NOTHING"
FLOOR_OF = "SELECT max(stamp) FROM days WHERE day <= ?"
FORGET_DAYS = "DELETE FROM days WHERE day <= ? AND stamp < ?"
RAISE_FLOOR = "UPDATE meta SET value = ? WHERE key = 'floor' AND value < ?"


def walking(sql: str) -> Callable[[sqlite3.Connection, Walk], list[Found]]:
    """Return the walk by a statement with the five parameters of `Walk`."""
    return lambda connection, walk: connection.execute(sql, walk).fetchall()


SectionTables = Mapping[str, SectionTable]
"""By the name of the section, in the order they are walked: that of their bits."""

TABLES: SectionTables = {ACCOUNT: SectionTable(SECTIONS[ACCOUNT], PUT, walking(WALK), FORGET)}
"""Those of this package."""


def write_rows(
    tables: SectionTables, connection: sqlite3.Connection, rows: Sequence[ChangedRow], stamp: int
) -> None:
    """Write rows, those of one name in their order, and the stamp of their users."""
    for row in rows:
        if put := tables[row.section].put:
            connection.execute(put, (row.user, row.name, row.value, stamp))
    connection.executemany(PUT_STATE, {(row.user, stamp) for row in rows})


def account_rows(connection: sqlite3.Connection, rows: Collection[tuple[str, str]]) -> list[ChangedRow]:
    """Return the rows of the section `account` with these (user, name)."""
    bodies = {row: connection.execute(ROW, row).fetchone() for row in rows}
    return [
        ChangedRow(user, ACCOUNT, name, body[0]) for (user, name), body in bodies.items() if body is not None
    ]


def write_days(
    tables: SectionTables, connection: sqlite3.Connection, days: Sequence[StartedDay], stamp: int
) -> None:
    """Note the commit of a day, and forget the tombstones that are older than TOMBSTONE_DAYS."""
    for day in [started.day for started in days]:
        connection.execute(NOTE_DAY, (day, stamp))
        floor = connection.execute(FLOOR_OF, (day - TOMBSTONE_DAYS,)).fetchone()[0]
        if floor is not None:
            connection.execute(RAISE_FLOOR, (floor, floor))
            connection.execute(FORGET_DAYS, (day - TOMBSTONE_DAYS, floor))
            for table in tables.values():
                connection.execute(table.forget, (floor,))


def unchanged(connection: sqlite3.Connection, query: SyncQuery) -> bool:
    """Whether the client has all rows of the user already."""
    if query.since is None or query.full_sections:
        return False
    row = connection.execute(STATE, (query.user,)).fetchone()
    return row is None or row[0] <= query.since


class Sections:
    """The account rows of one page while it is filled. `first_stamp`: of the commit at which its round began."""

    def __init__(
        self, connection: sqlite3.Connection, query: SyncQuery, tables: SectionTables, first_stamp: int
    ) -> None:
        self._connection = connection
        self._query = query
        self._tables = tables
        self._first_stamp = first_stamp
        self.rows: dict[str, list[AccountRow]] = {}

    def add(self, after: Key | None, bytes_left: int, *, empty: bool) -> Key | None:
        """Add rows while they fit; return the key to continue with, None at the end of the round.

        `after` None: from the first section on. An `empty` page takes one row whatever its size.
        """
        if not self._query.sections or (after is None and unchanged(self._connection, self._query)):
            return None
        for name, table in self._tables.items():
            bit = table.section.bit
            if not self._query.sections >> bit & 1:
                continue
            if after is not None and FIRST + bit < after[0]:
                continue
            place = after if after is not None and FIRST + bit == after[0] else self._start(bit)
            rows: list[AccountRow] = []
            for stamp, number, row, value in self._behind(table, place):
                bytes_left -= len(value or b"") + UTF8_BYTES_MAX * len(row) + ROW_BYTES
                if bytes_left < 0 and not (empty and not self.rows):
                    return place
                if not rows:
                    self.rows[name] = rows
                rows.append(AccountRow(row, stamp, UNSET if value is None else Raw(value)))
                place = (FIRST + bit, stamp, number)
        return None

    @property
    def with_plates(self) -> bool:
        """Whether this page shows the plates of contacts: the section is walked in full."""
        return bool(self._query.sections >> CONTACTS_BIT & 1) and self._is_full(CONTACTS_BIT)

    @property
    def mutual(self) -> list[str]:
        """The users of whom this page has a contact that both have: friends, and those of requests."""
        rows = self.rows.get(CONTACTS, ())
        return [row.name for row in rows if row.value is not UNSET and state_of(row.value).state != "none"]

    def _start(self, bit: int) -> Key:
        since = 0 if self._is_full(bit) else self._query.since or 0
        return (FIRST + bit, since, U53_MAX if since else 0)

    def _is_full(self, bit: int) -> bool:
        return self._query.since is None or bool(self._query.full_sections >> bit & 1)

    def _behind(self, table: SectionTable, place: Key) -> Iterator[Found]:
        bit, stamp, number = place[0] - FIRST, place[1], place[2]
        tombstones = self._first_stamp if self._is_full(bit) else 0
        while True:
            walk = Walk(self._query.user, stamp, number, tombstones, ROWS_AT_ONCE)
            found = table.walk(self._connection, walk)
            yield from found
            if len(found) < ROWS_AT_ONCE:
                return
            stamp, number, _, _ = found[-1]
