"""The sections of account rows: state that belongs to a user and to no room, kept by every device of theirs
(protocol.md "Account rows").

A capability brings its own (server/capability.py), with the table that the store walks (storage/sqlite/sections.py). A
section is in force on a connection that names its feature word. A cursor says which sections it covers: any other that
is in force, after an update of the app or of the server, is walked in full.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SECTIONS_MAX = 16  # bits beside the stamp of a cursor


class Section(NamedTuple):
    """One section. `bit`: its place in cursors, which phones keep: never that of another one."""

    bit: int
    feature: str


@dataclass(slots=True, frozen=True)
class ChangedRow:
    """A record: the whole new row of a section as MessagePack, None where it is gone."""

    user: str
    section: str
    name: str
    value: bytes | None


@dataclass(slots=True, frozen=True)
class StartedDay:
    """A record: this commit is one of a day (Unix days), by which old tombstones are known."""

    day: int


ACCOUNT = "account"

Sections = Mapping[str, Section]
"""Those of a daemon, by name."""

SECTIONS: Sections = {ACCOUNT: Section(0, "account")}
"""Those of this package."""


def in_force(sections: Sections, features: Collection[str]) -> int:
    """The sections, as bits, of a connection that named these feature words."""
    return sum([1 << section.bit for section in sections.values() if section.feature in features])


def registered(sections: Sections, bits: int) -> int:
    """Those of `bits` that are sections here."""
    return bits & sum([1 << section.bit for section in sections.values()])


def named(sections: Sections, bits: int) -> Iterator[str]:
    """The name of each section in `bits`."""
    for name, section in sections.items():
        if bits >> section.bit & 1:
            yield name
