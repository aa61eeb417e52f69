"""The event feed: entries for the host app of what each commit did. Synchronous and pure.

An entry refers to an event by room and seq and is stored in the transaction of its commit, so it can neither be missing
nor be there alone. It holds no text: an event is read when the entry is delivered, in its current state, so that the
feed gives away nothing that was recalled or erased meanwhile.

Events, memberships and friendships are found in the write set. For everything else a decision adds a `StoredEntry` of
its own as a record.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, structs

from chatd.core.contacts import Contact, State
from chatd.core.read_set import ReadSet, pair
from chatd.core.room_steps import ChannelDeleted, MemberJoined, MemberLeft
from chatd.core.write_set import NewEvent, RoomStep, WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.messages import MESSAGE

# The first words of all types.
WORDS = frozenset({"event", "member", "room", "account", "presence", "read", "friend", "report", "feed"})
# Of an entry: 64 KiB at most.
USERS_MAX = 1000
# Of an entry whose `seq` is set, before the kind of its event.
EVENT = "event."


class StoredEntry(Struct, array_like=True, frozen=True):
    """A record: one entry as it is stored. `room`: its number, 0 for none. `by`: the id of an API key.

    `seq`: of the event that it is about, whose kind is `type` then, else 0. `marks`: names of the flags that are set.
    `keys`: all other keys, as the host gets them.
    """

    type: str
    room: int = 0
    seq: int = 0
    by: str = ""
    marks: Sequence[str] = ()
    keys: dict[str, Any] = {}

    @property
    def shown_type(self) -> str:
        """The type that the host sees."""
        return EVENT + self.type if self.seq else self.type


def changed_account(user: str, change: str) -> StoredEntry:
    """Return the entry of a change of an account, for the decision that makes it."""
    return StoredEntry("account", keys={"user": user, "change": change})


@dataclass(slots=True, frozen=True)
class BeginFeed:
    """Begin the feed, or go on with it, at the start of a daemon."""


@dataclass(slots=True, frozen=True)
class EndFeed:
    """Forget that there is a feed, which is switched off: its next entries do not follow on these."""


@dataclass(slots=True, frozen=True)
class FeedSwitched:
    """A record: the feed is on from this commit on, or off."""

    on: bool


@dataclass(slots=True, frozen=True)
class ForgetEntries:
    """Forget the entries of commits up to `stamp`, as many as one commit may delete."""

    stamp: int


@dataclass(slots=True, frozen=True)
class ForgottenEntries:
    """A record: the oldest entries, of commits up to `stamp`, are deleted."""

    stamp: int


@dataclass(slots=True, frozen=True)
class NotePresence:
    """Tell who came online and who went offline."""

    online: Sequence[str]
    offline: Sequence[str]


def begin_feed(user: str, request: BeginFeed, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(FeedSwitched(on=True), StoredEntry("presence.reset"))
    return Ok()


def end_feed(user: str, request: EndFeed, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(FeedSwitched(on=False))
    return Ok()


def forget_entries(user: str, request: ForgetEntries, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ForgottenEntries(request.stamp))
    return Ok()


def note_presence(user: str, request: NotePresence, writes: WriteSet, reads: ReadSet) -> Ok:
    keys = {"online": list(request.online), "offline": list(request.offline)}
    writes.add(StoredEntry("presence", keys={name: users for name, users in keys.items() if users}))
    return Ok()


class Cause:
    """A request of the host that is about to be decided. `key`: the id of the API key that sent it."""

    def __init__(self, key: str, writes: WriteSet) -> None:
        self._key = key
        self._steps = {number: len(steps) for number, steps in writes.steps.items()}
        self._records = writes.marks()

    def note(self, writes: WriteSet) -> None:
        """Note the key as the cause of all that came with the decision."""
        lists: list[tuple[Sequence[Any], int]] = [
            *((steps, self._steps.get(number, 0)) for number, steps in writes.steps.items()),
            *((records, self._records.get(kind, 0)) for kind, records in writes.records.items()),
        ]
        if writes.caused is None:
            writes.caused = {}
        writes.caused.update((id(one), self._key) for some, known in lists for one in some[known:])


def note_entries(writes: WriteSet, *, reads: bool) -> None:
    """Have the entries of a decided batch stored with it. `reads`: also those of read positions."""
    writes.feed = entries_of(writes, reads=reads)


def entries_of(writes: WriteSet, *, reads: bool = False) -> list[StoredEntry]:
    """Return the entries of one commit: room by room in the order of their steps, then all others."""
    entries: list[StoredEntry] = []
    caused = writes.caused or {}
    for number, steps in writes.steps.items():
        judged: tuple[str, ...] = ()
        for step in steps:
            # An imported message is no news.
            if type(step) is NewEvent and not (step.past and step.event.kind == MESSAGE):
                if step.origin is not None:
                    marks = judged = step.origin.marks
                else:
                    # The copies of a forward, behind the first, are judged with it.
                    marks = judged if is_copy(step) else ()
                by = caused.get(id(step), "")
                entries.append(StoredEntry(step.event.kind, number, step.event.seq, by, marks))
        if writes.moves:
            entries += moves(number, steps, caused)
    if reads:
        entries += [
            StoredEntry("read", one.room.number, keys={"user": one.member.user, "seq": one.member.read})
            for one in writes.read_positions
            if one.moved
        ]
    if writes.records:
        entries += friendships(writes, caused)
        entries += own_entries(writes, caused)
    return entries


def is_copy(step: NewEvent) -> bool:
    """Whether this is one of the copies of a forward behind the first (core/forwarding.py, `keys_of`)."""
    return step.key is not None and ":" in step.key


def moves(number: int, steps: Iterable[RoomStep], caused: Mapping[int, str]) -> Iterator[StoredEntry]:
    """Yield the entries of members who came or went without an event that says so, as in large rooms."""
    told = {change for step in steps if isinstance(step, NewEvent) for change in logged(step)}
    found = [
        (caused.get(id(step), ""), "joined" if isinstance(step, MemberJoined) else step.reason, step.user)
        for step in steps
        if isinstance(step, MemberJoined | MemberLeft | ChannelDeleted)
    ]
    untold = [one for one in found if one[1:] not in told]
    for (by, change), some in groupby(untold, lambda one: one[:2]):
        if change == "deleted":
            yield StoredEntry("room", number, by=by, keys={"change": "deleted"})
            continue
        users = [user for *_, user in some]
        for first in range(0, len(users), USERS_MAX):
            some_users = users[first : first + USERS_MAX]
            yield StoredEntry("member", number, by=by, keys={"users": some_users, "change": change})


def logged(new: NewEvent) -> Iterator[tuple[str, str]]:
    """Yield the changes of members that an event tells, each with its user behind it."""
    users = new.event.users
    if users is not UNSET:
        change = "joined" if new.event.kind == "created" else new.event.kind
        yield from ((change, user) for user in users if isinstance(user, str))


def friendships(writes: WriteSet, caused: Mapping[int, str]) -> Iterator[StoredEntry]:
    """Yield the entries of what users became to each other, and of requests that their receiver is shown."""
    asked: dict[tuple[str, str], Contact] = {}
    for contact in writes.records_of(Contact):
        asked[contact.owner, contact.user] = contact
    for contact in asked.values():
        if contact.state is State.RECEIVED and contact.since == writes.now:
            by = caused.get(id(contact), "")
            yield friend_entry(contact.user, contact.owner, "requested", by)
    for (owner, user), (before, after) in (writes.ties or {}).items():
        by = caused.get(id(after), "")
        # A friendship belongs to both: it is told once.
        if before.is_friend != after.is_friend and ((owner, user) == pair(owner, user)):
            yield friend_entry(owner, user, "friends" if after.is_friend else "ended", by)
        if before.following != after.following:
            yield friend_entry(owner, user, "followed" if after.following else "unfollowed", by)
        if before.blocked != after.blocked:
            yield friend_entry(owner, user, "blocked" if after.blocked else "unblocked", by)


def friend_entry(user: str, other: str, change: str, by: str) -> StoredEntry:
    return StoredEntry("friend", by=by, keys={"user": user, "other": other, "change": change})


def own_entries(writes: WriteSet, caused: Mapping[int, str]) -> Iterator[StoredEntry]:
    """Yield the entries that decisions added."""
    for entry in writes.records_of(StoredEntry):
        by = caused.get(id(entry), "")
        yield structs.replace(entry, by=by) if by else entry


class Position(NamedTuple):
    """A place in the feed: behind entry `n` of commit `stamp`, counted from 0."""

    stamp: int
    n: int


# In place of a cursor: the end of the feed.
LATEST = "latest"
CURSOR = re.compile(r"([A-Za-z0-9_-]{1,16})-([0-9]{1,16})-([0-9]{1,16})\Z")


def cursor_of(epoch: str, position: Position) -> str:
    """Return the cursor of a position, which is also the id of the entry before it.

    >>> cursor_of("k7Qd", Position(3412, 0))
    'k7Qd-3412-0'
    """
    return f"{epoch}-{position.stamp}-{position.n}"


def position_of(cursor: str) -> tuple[str, Position]:
    """Return the epoch and the position of a cursor. Raises Refused("bad_cursor").

    >>> position_of("a-b-3412-7")
    ('a-b', Position(stamp=3412, n=7))
    """
    found = CURSOR.match(cursor)
    if found is None or max(int(found[2]), int(found[3])) > U53_MAX:
        raise Refused("bad_cursor", "not a cursor of this feed", field="after")
    return found[1], Position(int(found[2]), int(found[3]))


def require_known(types: Iterable[str]) -> None:
    """Raise Refused("bad_request") for a type that there is not, which would match nothing for ever."""
    for one in types:
        if one.partition(".")[0] not in WORDS:
            words = ", ".join(sorted(WORDS))
            raise Refused(
                "bad_request", f"`types` are {words}, or longer, such as event.message", field="types"
            )


def is_wanted(shown_type: str, types: frozenset[str]) -> bool:
    """Whether `types` name a type, itself or by the word before its dot; without any all are wanted.

    >>> is_wanted("event.message", frozenset({"event"})), is_wanted("event.edit", frozenset({"event.message"}))
    (True, False)
    """
    return not types or shown_type in types or shown_type.partition(".")[0] in types
