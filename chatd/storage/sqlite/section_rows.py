"""The rows of the sections joins, drafts and scheduled: one table, walked by the index of each section."""

import sqlite3
from collections.abc import Callable, Collection

from chatd.core.drafts import draft_of
from chatd.core.sections import CONVERSATIONS, DRAFTS, ChangedRow
from chatd.storage.sqlite.read_set import keyed
from chatd.storage.sqlite.sections import Found, SectionTable, SectionTables, Walk

PUT = """
INSERT INTO section_rows (user, name, body, stamp, section) VALUES (?, ?, ?, ?, '{}')
ON CONFLICT (user, section, name) DO UPDATE SET body = excluded.body, stamp = excluded.stamp
"""
WALK = """
SELECT stamp, number, name, body FROM section_rows
WHERE section = ? AND user = ? AND (stamp, number) > (?, ?) AND (body IS NOT NULL OR stamp > ?)
ORDER BY stamp, number LIMIT ?
"""
# Those of all sections: once a day.
FORGET = "DELETE FROM section_rows WHERE body IS NULL AND stamp <= ?"

NUMBER = "SELECT number FROM rooms WHERE name = ? AND deleted_by IS NULL"

ROW = "SELECT body FROM section_rows WHERE user = ? AND section = ? AND name = ?"
ROWS = "SELECT name, body FROM section_rows WHERE user = ? AND section = ? AND body IS NOT NULL"


def walking(section: str) -> Callable[[sqlite3.Connection, Walk], list[Found]]:
    """Return the walk over the rows of a section."""
    return lambda connection, walk: connection.execute(WALK, (section, *walk)).fetchall()


def walk_drafts(connection: sqlite3.Connection, walk: Walk) -> list[Found]:
    """Return the rows of drafts; one whose message was sent, or whose room was deleted, shows as a tombstone."""
    found = walking(DRAFTS)(connection, walk)
    return [row if is_unsent(connection, walk.user, row) else (*row[:3], None) for row in found]


def is_unsent(connection: sqlite3.Connection, user: str, row: Found) -> bool:
    _, _, room, value = row
    if value is None:
        return True
    number = connection.execute(NUMBER, (room,)).fetchone()
    return number is not None and not keyed(connection, {(number[0], user, draft_of(value).key)})


WALKS = {DRAFTS: walk_drafts}
TABLES: SectionTables = {
    name: SectionTable(section, PUT.format(name), WALKS.get(name) or walking(name), FORGET)
    for name, section in CONVERSATIONS.items()
}


def section_rows(connection: sqlite3.Connection, rows: Collection[tuple[str, str, str]]) -> list[ChangedRow]:
    """Return the rows of these (user, section, name), also tombstones."""
    bodies = {row: connection.execute(ROW, row).fetchone() for row in rows}
    return [ChangedRow(*row, body[0]) for row, body in bodies.items() if body is not None]


def rows_of_section(connection: sqlite3.Connection, users: Collection[str], section: str) -> list[ChangedRow]:
    """Return the rows of these users in a section that are no tombstones."""
    return [
        ChangedRow(user, section, name, body)
        for user in users
        for name, body in connection.execute(ROWS, (user, section))
    ]
