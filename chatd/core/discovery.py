"""What groups and channels are found by in the directory (protocol.md "Discovery"). Synchronous and pure.

A room is in the directory while its owner lists it, the host app does not bar it, and people may enter it by
themselves. It stands there under its tags, and under the rest of its title from each word on, or from each character
of scripts without spaces, so that what somebody typed is the beginning of one of its names.
"""

from collections.abc import Set
from dataclasses import dataclass

from msgspec import structs

from chatd.core.governance import joining, kept_details, rule
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.words import RUNS, folded
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.messages import WriteOk

# Characters of a name: more than people type, and a bound for the rows of a long title.
NAME_MAX = 24
# Before a tag; no name of a title begins with it.
TAG = "#"


@dataclass(slots=True, frozen=True)
class Listing:
    """A record: the names of a room in the directory from now on; without any, it is not there."""

    room: int
    names: Set[str]


@dataclass(slots=True, frozen=True)
class Bar:
    """Keep a room out of the directory, whatever its owner says, or end that; for the host."""

    room: str
    barred: bool


@dataclass(slots=True, frozen=True)
class ListDue:
    """Store under which names a room is found that was listed before there was a directory; for maintenance."""

    room: str


def list_due(user: str, request: ListDue, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is not None:
        writes.add(Listing(room.number, names_of(room)))
    return Ok()


def bar(user: str, request: Bar, writes: WriteSet, reads: ReadSet) -> WriteOk:
    room, _ = authorize(reads.rooms.get(request.room), user, "update")
    if room.details.barred == request.barred:
        return WriteOk(duplicate=True)
    before = names_of(room)
    writes.touch(room).details = kept_details(structs.replace(room.details, barred=request.barred))
    list_anew(room, before, writes)
    return WriteOk(time=writes.now)


def is_listed(room: Room) -> bool:
    """Whether a room that is not deleted is in the directory."""
    return bool(rule(room, "listed")) and not room.details.barred and joining(room) != "closed"


def names_of(room: Room) -> Set[str]:
    """Return what a room is found by, nothing when it is not listed."""
    if not room.governed or room.deleted_by is not None or not is_listed(room):
        return frozenset()
    return names(room.title) | {tag_name(tag) for tag in room.details.tags}


def names(title: str) -> Set[str]:
    """Return the names under which a title is found.

    >>> sorted(names("Bike tours 北京"))
    ['bike tours 北京', 'tours 北京', '京', '北京']
    """
    line, starts = typed(title)
    return frozenset(line[start : start + NAME_MAX].rstrip() for start in starts)


def beginning(text: str) -> str:
    """Return the beginning of all names that `text` finds; empty when there is no word in it.

    >>> beginning("  TOURS, 北")
    'tours 北'
    """
    return typed(text)[0][:NAME_MAX].rstrip()


def tag_name(tag: str) -> str:
    """Return the name under which a tag is found."""
    return TAG + folded(tag).strip()


def typed(text: str) -> tuple[str, list[int]]:
    """Return the words of a text with a space between them, and where a name begins in that line."""
    words: list[str] = []
    starts: list[int] = []
    end = 0
    for dense, spaced in RUNS.findall(folded(text)):
        word = dense or spaced
        words.append(word)
        starts += range(end, end + len(word)) if dense else [end]
        end += len(word) + 1
    return " ".join(words), starts


def list_anew(room: Room, before: Set[str], writes: WriteSet) -> None:
    """Store under which names a room is found now, where they are others than `before`."""
    now = names_of(room)
    if now != before:
        writes.add(Listing(room.number, now))
