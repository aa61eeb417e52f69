"""A capability is what one part of the product adds to the daemon, all of it in one object.

The chat of this package is one, and others stand beside it: each brings its requests with the commands that carry them
out, decisions and what they need, records with how they are stored, and what is told of a commit. Nothing else has to
know of it. A push is any struct with a tag, given to the connections of `Context.live`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chatd.commands.context import Command, Context
from chatd.commands.table import COMMANDS
from chatd.core.decisions import DECISIONS, Decide
from chatd.core.sections import CONVERSATIONS, PEOPLE, SECTIONS, Sections
from chatd.core.write_set import WriteSet
from chatd.delivery.recent_commits import OF_USERS
from chatd.protocol.envelope import Request
from chatd.storage.sqlite.chapters import Chapter
from chatd.storage.sqlite.chapters import built_in as stored
from chatd.writer import moderation_needs
from chatd.writer.needs import NEEDS
from chatd.writer.sources import Need

K = TypeVar("K")
V = TypeVar("V")

Subscriber = Callable[[Context, WriteSet], None]


@dataclass(slots=True, frozen=True, kw_only=True)
class Capability:
    """The tables of one capability, by type of request unless said.

    `commands`: every request a client may send. `decisions`: the pure functions of what the writer decides, of such
    requests and of others. `needs`: what has to be read for them besides the room they name as `room`. `committed` and
    `published`: called at the two moments of a commit, behind those of the chat; what the capability keeps in memory
    changes in the first of them alone, so that a batch that fails has nothing to put back. `sections`: account
    rows, with their feature words; those that `sqlite` has a table of and that are not here are switched off.
    `of_users`: the records with a `user`, whose rows a hello or a sync reads. `sqlite`: tables, and records by type.
    """

    commands: Mapping[type[Request], Command] = field(default_factory=dict)
    decisions: Mapping[type, Decide] = field(default_factory=dict)
    needs: Mapping[type, tuple[Need, ...]] = field(default_factory=dict)
    committed: tuple[Subscriber, ...] = ()
    published: tuple[Subscriber, ...] = ()
    sections: Sections = field(default_factory=dict)
    of_users: tuple[type[Any], ...] = ()
    sqlite: Chapter = field(default_factory=Chapter)


def combined(capabilities: Iterable[Capability] = (), *, people: bool = False) -> Capability:
    """The chat of this package and `capabilities`, as one. `people`: whether people are switched on.

    ValueError when two claim the same, or when a section has no table.
    """
    every = (built_in(), *([Capability(sections=PEOPLE)] if people else []), *capabilities)
    migrations = merged({one.number: one for one in each.sqlite.migrations} for each in every)
    sections = merged(each.sections for each in every)
    tables = merged(each.sqlite.sections for each in every)
    if not_stored := sections.keys() - tables.keys():
        raise ValueError(f"nothing stores the sections {', '.join(not_stored)}")
    bits = merged({table.section.bit: name} for name, table in tables.items())
    walked = [bits[bit] for bit in sorted(bits)]
    return Capability(
        commands=merged(each.commands for each in every),
        decisions=merged(each.decisions for each in every),
        needs=merged(each.needs for each in every),
        committed=tuple(hook for each in every for hook in each.committed),
        published=tuple(hook for each in every for hook in each.published),
        sections={name: sections[name] for name in walked if name in sections},
        of_users=tuple(record for each in every for record in each.of_users),
        sqlite=Chapter(
            merged(each.sqlite.writes for each in every),
            [migrations[number] for number in sorted(migrations)],
            {name: tables[name] for name in walked},
            merged(each.sqlite.kept for each in every),
        ),
    )


def built_in() -> Capability:
    """The chat of this package."""
    return Capability(
        commands=COMMANDS,
        decisions=DECISIONS,
        needs={**NEEDS, **moderation_needs.NEEDS},
        sections={**SECTIONS, **CONVERSATIONS},
        of_users=OF_USERS,
        sqlite=stored(),
    )


def merged(tables: Iterable[Mapping[K, V]]) -> dict[K, V]:
    """One table of all.

    >>> merged([{1: "one"}, {2: "two"}])
    {1: 'one', 2: 'two'}
    """
    whole: dict[K, V] = {}
    for table in tables:
        if twice := whole.keys() & table.keys():
            raise ValueError(f"claimed by two capabilities: {', '.join(map(str, twice))}")
        whole |= table
    return whole
