"""The part of a chapter in the store: its tables, and the functions that write its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chatd.storage.sqlite import schema
from chatd.storage.sqlite.records import WRITES, WriteRecords
from chatd.storage.sqlite.schema import Migration


@dataclass(slots=True, frozen=True)
class Chapter:
    """The records and tables of a chapter. `writes`: a function for each type of record. `migrations`: in order."""

    writes: Mapping[type, WriteRecords] = field(default_factory=dict)
    migrations: Sequence[Migration] = ()


def built_in() -> Chapter:
    """Return the records and tables of this package."""
    return Chapter(WRITES, schema.shipped())
