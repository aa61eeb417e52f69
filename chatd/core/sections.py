"""The sections of account rows: state that belongs to a user and to no room, kept by every device of theirs
(protocol.md "Account rows").

A section is registered here, and the table it is walked in by the store (storage/sqlite/sections.py). It is in force on
a connection that names its feature word. A cursor says which sections it covers: any other that is in force, after an
update of the app or of the server, is walked in full.
"""

from collections.abc import Collection, Iterator
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

SECTIONS: dict[str, Section] = {ACCOUNT: Section(0, "account")}
"""By name, in the order they are walked."""


def in_force(features: Collection[str]) -> int:
    """The sections, as bits, of a connection that named these feature words."""
    return sum([1 << section.bit for section in SECTIONS.values() if section.feature in features])


def registered(bits: int) -> int:
    """Those of `bits` that are sections here."""
    return bits & sum([1 << section.bit for section in SECTIONS.values()])


def named(bits: int) -> Iterator[tuple[str, int]]:
    """Name and bit of each section in `bits`, in the order they are walked."""
    for name, section in SECTIONS.items():
        if bits >> section.bit & 1:
            yield name, section.bit
