"""The list of rooms that proves itself, and what a user takes out of it (protocol.md "The inbox")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import U53, Room, Seq
from chatd.protocol.limits import DELETED_RANGES_MAX, READS_MAX

Range = tuple[Seq, Seq]
"""The numbers of the first and the last event."""

Why = Literal["unread", "mention", "mark"]


class Delete(Request, tag="delete", frozen=True, kw_only=True):
    """Take messages out of one's own view of a room; they are at or below the own read position."""

    room: Room
    ranges: Annotated[list[Range], Meta(min_length=1, max_length=DELETED_RANGES_MAX)]


class Clear(Request, tag="clear", frozen=True, kw_only=True):
    """Take everything up to `seq` out of one's own view of a room."""

    room: Room
    seq: Seq


class Unread(Request, tag="unread", frozen=True, kw_only=True):
    room: Room | UnsetType = UNSET
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class ReadTo(Struct, frozen=True):
    room: Room
    seq: U53


class Reads(Request, tag="reads", frozen=True, kw_only=True):
    rooms: Annotated[list[ReadTo], Meta(min_length=1, max_length=READS_MAX)]


class Verify(Request, tag="verify", frozen=True, kw_only=True):
    """`rooms`: the number of rooms in the list of the client; `digest`: of them, as protocol.md computes it."""

    rooms: U53
    digest: U53


class UnreadOk(Ok, tag="ok", kw_only=True):
    """The messages that an unread number counts, in ascending order, and those that mention the user.

    `ordinal`: of the last message that the numbers include.
    """

    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53
    seqs: list[U53]
    mentions: list[U53]
    more: str | UnsetType = UNSET


class CountingRoom(Struct, frozen=True):
    room: str
    counts: U53
    why: Why


class BadgeOk(Ok, tag="ok", kw_only=True):
    """The number on the icon of the app, and the rooms it is the sum of."""

    badge: U53
    rooms: list[CountingRoom]
    more: str | UnsetType = UNSET


class PositionRow(Struct, frozen=True):
    """The counters of the user in one room after a read; `ordinal`: of the last message they include."""

    room: str
    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53


class ReadsOk(Ok, tag="ok", kw_only=True):
    rooms: list[PositionRow]


class VerifyOk(Ok, tag="ok", kw_only=True):
    """`equal` False: the client asks for a full round of sync."""

    equal: bool
