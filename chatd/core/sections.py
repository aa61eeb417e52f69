"""The sections of account rows: state that belongs to a user and to no room, kept by each of their devices
(protocol.md "Account rows").

A capability brings its own (server/capability.py), with the table that the store walks (storage/sqlite/sections.py). A
section is in force on a connection that names its feature word. A cursor says which sections it covers: any other that
is in force, after an update of the app or of the server, is walked in full.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet

# Bits in a cursor.
SECTIONS_MAX = 16


class Section(NamedTuple):
    """One section. `bit`: its bit in cursors, never used for another section, because clients keep cursors."""

    bit: int
    feature: str


@dataclass(slots=True, frozen=True)
class ChangedRow:
    """A record: the whole new row of a section as MessagePack, None for a tombstone."""

    user: str
    section: str
    name: str
    value: bytes | None


def stored(user: str, section: str, name: str, reads: ReadSet) -> bytes | None:
    """Return the value of a row that was read for this batch, or changed by it; None where there is none."""
    row = reads.records_of(ChangedRow).get((user, section, name))
    return None if row is None else row.value


def store(row: ChangedRow, writes: WriteSet, reads: ReadSet) -> None:
    """Store a row, so that later decisions of the batch find it with `stored`."""
    reads.records_of(ChangedRow)[row.user, row.section, row.name] = row
    writes.add(row)


@dataclass(slots=True, frozen=True)
class StartedDay:
    """A record: this commit belongs to a day (Unix days), which dates old tombstones."""

    day: int


ACCOUNT = "account"
CONTACTS = "contacts"
JOINS, DRAFTS, SCHEDULED = "joins", "drafts", "scheduled"

Sections = Mapping[str, Section]
"""Those of a daemon, by name."""

SECTIONS: Sections = {ACCOUNT: Section(0, "account")}
"""Those of this package that are always in force."""

PEOPLE: Sections = {CONTACTS: Section(1, "people")}
"""Those of people, which an operator switches on."""

CONVERSATIONS: Sections = {
    JOINS: Section(2, "groups"),
    DRAFTS: Section(3, "drafts"),
    SCHEDULED: Section(4, "drafts"),
}
"""Those of groups and of unsent messages, always in force: one table has the rows of all three."""


def in_force(sections: Sections, features: Collection[str]) -> int:
    """Return the sections, as bits, of a connection that named these feature words."""
    return sum([1 << section.bit for section in sections.values() if section.feature in features])


def registered(sections: Sections, bits: int) -> int:
    """Return those of `bits` that are in `sections`."""
    return bits & sum([1 << section.bit for section in sections.values()])


def named(sections: Sections, bits: int) -> Iterator[str]:
    """Yield the name of each section in `bits`."""
    for name, section in sections.items():
        if bits >> section.bit & 1:
            yield name
