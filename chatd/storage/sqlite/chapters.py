"""The part of a chapter in the store: its tables, and the functions that write its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from chatd.core.erasure_steps import ErasedRows
from chatd.core.sections import CONTACTS, ChangedRow, StartedDay
from chatd.storage.sqlite import (
    bots,
    contacts,
    discovery,
    erasure,
    erasures,
    event_feed,
    files,
    filters,
    graph,
    imports,
    joining,
    link_key,
    moderation,
    push,
    scheduled,
    schema,
    section_rows,
    sections,
    webhooks,
)
from chatd.storage.sqlite.erasure import Kept
from chatd.storage.sqlite.records import WRITES, WriteRecords
from chatd.storage.sqlite.schema import Migration
from chatd.storage.sqlite.sections import SectionTable


@dataclass(slots=True, frozen=True)
class Chapter:
    """The records and tables of a chapter. `writes`: a function for each type of record. `migrations`: in order.

    `sections`: by name, the tables of account rows. `kept`: for each table of the migrations, where it names a user.
    """

    writes: Mapping[type, WriteRecords] = field(default_factory=dict)
    migrations: Sequence[Migration] = ()
    sections: Mapping[str, SectionTable] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)

    def writers(self) -> dict[type, WriteRecords]:
        """`writes`, and the functions for account rows and erasures, which have one type of record for all tables."""
        rows = partial(sections.write_rows, self.sections)
        days = partial(sections.write_days, self.sections)
        erased = partial(erasure.write_erased, self.kept)
        return {**self.writes, ChangedRow: rows, StartedDay: days, ErasedRows: erased}


def built_in() -> Chapter:
    """Return the records and tables of this package."""
    chapters = (
        contacts,
        graph,
        event_feed,
        webhooks,
        bots,
        # Before the reports of the same commit, which hold files.
        files,
        moderation,
        erasures,
        filters,
        imports,
        push,
        scheduled,
        link_key,
        joining,
        discovery,
    )
    writes = {**WRITES, **{kind: write for one in chapters for kind, write in one.WRITES.items()}}
    tables = {**sections.TABLES, CONTACTS: contacts.TABLE, **section_rows.TABLES}
    return Chapter(writes, schema.shipped(), tables, erasure.TABLES)
