"""What a chapter brings to the store: its tables, and how its records are written to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chatd.storage.sqlite import schema
from chatd.storage.sqlite.records import WRITES, WriteRecords
from chatd.storage.sqlite.schema import Migration


@dataclass(slots=True, frozen=True)
class Chapter:
    """`writes`: the function for each type of record. `migrations`: in order of their numbers."""

    writes: Mapping[type, WriteRecords] = field(default_factory=dict)
    migrations: Sequence[Migration] = ()


def built_in() -> Chapter:
    """The records and tables of this package."""
    return Chapter(WRITES, schema.shipped())
