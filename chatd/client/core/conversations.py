"""What groups, channels and the inbox of a client are made of: members, invites, joins, drafts, counts (protocol.md,
"Conversations"); pure.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from .packets import Body, Event, MemberEntry
from .summary import role_of

ARCHIVE = 1
"""The folder of archived rooms, which every account has (protocol.md, "Drafts, scheduled messages, folders")."""

DIGEST_BITS = 48
"""Bits of the digest of a list of rooms (protocol.md, "verify")."""

Range = tuple[int, int]
"""The numbers of a first and a last event."""


class Read:
    """An object of the protocol, read by the names of its keys; unknown keys are ignored."""

    __slots__ = ()

    @classmethod
    def from_packet(cls, packet: Mapping[str, Any]) -> Self:
        """Return the object of a packet; an absent key has its default."""
        known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in packet.items() if name in known})


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room; times in Unix milliseconds, and 1 for ever. `banned_until`: of the role `banned` alone."""

    user: str
    role: str
    joined_at: int = 0
    nickname: str = ""
    silenced_until: int = 0
    banned_until: int = 0


def member_from(entry: MemberEntry) -> Member:
    """Return the member of a packet."""
    return Member(
        entry["user"],
        role_of(entry),
        entry.get("joined_at", 0),
        entry.get("nickname", ""),
        entry.get("silenced_until", 0),
        entry.get("banned_until", 0),
    )


@dataclass(frozen=True, slots=True)
class Added:
    """Those who were not added as they do not let this user, or are unknown; those who are `offered` the room; and
    whether some are `requested`: they wait for an admin."""

    not_added: Sequence[str] = ()
    offered: Sequence[str] = ()
    requested: bool = False


@dataclass(frozen=True, slots=True)
class RoomCard(Read):
    """A room as a stranger sees it; `room` is empty where they could not enter by it.

    `approve`: an admin decides on who uses this invite, or accepts this offer.
    """

    room: str = ""
    kind: str = "group"
    title: str = ""
    avatar: str = ""
    about: str = ""
    tags: Sequence[str] = ()
    members: int = 0
    join: str = "closed"
    approve: bool = False


@dataclass(frozen=True, slots=True)
class FoundRooms:
    """A page of listed rooms; `more`: ask with it for the next, empty: there is none."""

    rooms: Sequence[RoomCard]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """A request to enter a room (`asked`), or an offer of it (`offered`); `time` in Unix milliseconds."""

    room: str
    user: str
    kind: str
    by: str = ""
    text: str = ""
    time: int = 0
    card: RoomCard | None = None


def join_from(row: Mapping[str, Any]) -> Join:
    """Return the request, or offer, of a packet."""
    card = RoomCard.from_packet(row["card"]) if "card" in row else None
    named = (row.get("by", ""), row.get("text", ""), row.get("time", 0))
    return Join(row["room"], row["user"], row["kind"], *named, card)


@dataclass(frozen=True, slots=True)
class Invite(Read):
    """A link into a room; times in Unix milliseconds, `uses_max` 0: no bound."""

    invite: str
    by: str
    created_at: int
    expires_at: int
    uses: int = 0
    uses_max: int = 0
    approve: bool = False
    label: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Draft(Read):
    """A text that is being written, and the key that its message will have; `time` in Unix milliseconds."""

    key: str
    body: Body
    time: int = 0


@dataclass(frozen=True, slots=True)
class Scheduled(Read):
    """A message that is sent at a time in Unix milliseconds, or was refused with the code `error`."""

    room: str
    at: int
    body: Body
    error: str = ""


@dataclass(frozen=True, slots=True)
class UnreadMessages:
    """The messages behind the unread number of a room, ascending, and those of them that mention the user."""

    seqs: Sequence[int]
    mentions: Sequence[int]


@dataclass(frozen=True, slots=True)
class CountingRoom(Read):
    """A room and its part of the badge; `why`: `unread`, `mention` or `mark`."""

    room: str
    counts: int
    why: str


@dataclass(frozen=True, slots=True)
class Hit(Read):
    """A message that was found. Over all rooms: the newest of its `room`, and how many there are; 10 is ten or more."""

    event: Event
    room: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits. `more` continues; so many events that the index has not seen were not searched: `behind`."""

    hits: Sequence[Hit]
    more: str = ""
    behind: int = 0


def ranges_of(seqs: Iterable[int]) -> list[Range]:
    """Return numbers as ranges, each from the first to the last of a run."""
    ranges: list[Range] = []
    for seq in sorted(set(seqs)):
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1] = ranges[-1][0], seq
        else:
            ranges.append((seq, seq))
    return ranges


def digest_of(rooms: Iterable[tuple[object, ...]]) -> int:
    """Return the digest of a list of rooms, each the words of its text in their order (protocol.md, "verify")."""
    hashes = (hashlib.sha256(" ".join(map(str, words)).encode("ascii")).digest() for words in rooms)
    return sum(int.from_bytes(one[:6]) for one in hashes) % (1 << DIGEST_BITS)
