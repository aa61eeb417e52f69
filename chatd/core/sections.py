"""The sections of account rows: state that belongs to a user and to no room, kept by each of their devices
(protocol.md "Account rows").

A section is registered here, its table in storage/sqlite/sections.py. It is in force on a connection that names its
feature word. A cursor says which sections it covers; another one in force, after an update of the app or the server,
is sent in full.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(slots=True, frozen=True)
class StartedDay:
    """A record: this commit belongs to a day (Unix days), which dates old tombstones."""

    day: int


ACCOUNT = "account"

SECTIONS: dict[str, Section] = {ACCOUNT: Section(0, "account")}
"""By name, in the order they are walked."""


def in_force(features: Collection[str]) -> int:
    """Return the sections, as bits, of a connection that named these feature words."""
    return sum([1 << section.bit for section in SECTIONS.values() if section.feature in features])


def registered(bits: int) -> int:
    """Return those of `bits` that are registered sections."""
    return bits & sum([1 << section.bit for section in SECTIONS.values()])


def named(bits: int) -> Iterator[tuple[str, int]]:
    """Yield name and bit of each section in `bits`, in the order they are walked."""
    for name, section in SECTIONS.items():
        if bits >> section.bit & 1:
            yield name, section.bit
