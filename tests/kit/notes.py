"""A throw-away section of account rows, registered from outside: `notes`, in a table of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from chatd.core.decisions import DECISIONS
from chatd.core.read_set import ReadSet
from chatd.core.sections import SECTIONS, ChangedRow, Section
from chatd.core.write_set import WriteSet
from chatd.protocol import limits
from chatd.protocol.codec import encode
from chatd.protocol.envelope import Ok
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.sections import TABLES, SectionTable, walking

NOTES = "notes"
SECTION = Section(9, NOTES)

CREATE = """
CREATE TABLE notes (
    number INTEGER PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, body BLOB, stamp INTEGER NOT NULL,
    UNIQUE (user, name)
);
"""
PUT = """
INSERT INTO notes (user, name, body, stamp) VALUES (?, ?, ?, ?)
ON CONFLICT (user, name) DO UPDATE SET body = excluded.body, stamp = excluded.stamp
"""
WALK = """
SELECT stamp, number, name, body FROM notes
WHERE user = ? AND (stamp, number) > (?, ?) AND (body IS NOT NULL OR stamp > ?) ORDER BY stamp, number LIMIT ?
"""
FORGET = "DELETE FROM notes WHERE body IS NULL AND stamp <= ?"

SHIPPED = schema.shipped()


@dataclass(slots=True, frozen=True)
class PutNotes:
    """A request to set these notes; None removes one."""

    notes: Mapping[str, Any]


def put_notes(user: str, request: PutNotes, writes: WriteSet, reads: ReadSet) -> Ok:
    for name, value in request.notes.items():
        writes.add(ChangedRow(user, NOTES, name, None if value is None else encode(value)))
    return Ok()


@contextmanager
def registered() -> Iterator[None]:
    """Register the section around the block; new databases have its table."""
    number = len(SHIPPED) + 1
    migrations = [*SHIPPED, schema.Migration(number, f"{number:04}_notes.sql", CREATE)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SECTIONS, NOTES, SECTION)
        patch.setitem(TABLES, NOTES, SectionTable(PUT, walking(WALK), FORGET))
        patch.setitem(DECISIONS, PutNotes, put_notes)
        patch.setattr(limits, "FEATURES", (*limits.FEATURES, NOTES))
        patch.setattr(schema, "shipped", lambda: migrations)
        yield
