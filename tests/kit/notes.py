"""A throw-away section of account rows, added from outside: `notes`, in a table of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatd.core.read_set import ReadSet
from chatd.core.sections import ChangedRow, Section
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.envelope import Ok
from chatd.server.capability import Capability
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.erasure import Kept
from chatd.storage.sqlite.schema import OUTSIDE, Migration
from chatd.storage.sqlite.sections import SectionTable, walking

NAME = "notes"
SECTION = Section(9, NAME)


def created(table: str) -> str:
    """The SQL that makes a table of account rows."""
    return f"""
CREATE TABLE {table} (
    number INTEGER PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, body BLOB, stamp INTEGER NOT NULL,
    UNIQUE (user, name)
);
"""


def section_table(section: Section, table: str) -> SectionTable:
    """The section that is kept in a table `created` here."""
    return SectionTable(
        section,
        put=f"""
        INSERT INTO {table} (user, name, body, stamp) VALUES (?, ?, ?, ?)
        ON CONFLICT (user, name) DO UPDATE SET body = excluded.body, stamp = excluded.stamp
        """,
        walk=walking(f"""
        SELECT stamp, number, name, body FROM {table}
        WHERE user = ? AND (stamp, number) > (?, ?) AND (body IS NOT NULL OR stamp > ?)
        ORDER BY stamp, number LIMIT ?
        """),
        forget=f"DELETE FROM {table} WHERE body IS NULL AND stamp <= ?",
    )


def kept_rows(table: str) -> Kept:
    """How the rows of a table `created` here are handed out and taken away."""
    return Kept(
        ("user",),
        f"SELECT name, body FROM {table} WHERE user = :user",
        (f"UPDATE {table} SET body = NULL WHERE user = :user",),
        left=f"SELECT count(*) FROM {table} WHERE user = :user AND body IS NOT NULL",
        how="emptied",
    )


@dataclass(slots=True, frozen=True)
class PutNotes:
    """A request to set these notes; None removes one."""

    notes: Mapping[str, Any]


def put_notes(user: str, request: PutNotes, writes: WriteSet, reads: ReadSet) -> Ok:
    for name, value in request.notes.items():
        writes.add(ChangedRow(user, NAME, name, None if value is None else encode(value)))
    return Ok()


NOTES = Capability(
    decisions={PutNotes: put_notes},
    sections={NAME: SECTION},
    sqlite=Chapter(
        migrations=[Migration(OUTSIDE + 9, "10009_notes.sql", created(NAME))],
        sections={NAME: section_table(SECTION, NAME)},
        kept={NAME: kept_rows(NAME)},
    ),
)
# The same with its section switched off; what is stored stays.
OFF = replace(NOTES, sections={})
