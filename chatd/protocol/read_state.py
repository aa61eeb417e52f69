"""Read positions and receipts (protocol.md "Read state, receipts, typing, presence")."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import U53, Room, Seq


class RoomPosition(Struct, omit_defaults=True):
    """The head of a room: `seq` of its last event, `ordinal` of its last message.

    `preview`: of a channel, its newest post or `settings` since the last head.
    """

    room: str
    seq: U53
    ordinal: U53
    preview: Raw | UnsetType = UNSET


class Receipt(Struct, omit_defaults=True):
    """The watermarks of a member. Events below `first_visible` are not shown to them: neither read nor unread."""

    user: str
    read: U53 | UnsetType = UNSET
    delivered: U53 | UnsetType = UNSET
    first_visible: U53 = 1


class Reader(Struct):
    user: str
    read: U53


class Read(Request, tag="read", frozen=True, kw_only=True):
    room: Room
    seq: U53


class DeliveredRoom(Struct, frozen=True):
    room: Room
    seq: U53


class Delivered(Request, tag="delivered", frozen=True, kw_only=True):
    rooms: Annotated[list[DeliveredRoom], Meta(max_length=200)]


class Readers(Request, tag="readers", frozen=True, kw_only=True):
    """`unread`: those who have not read it, in place of those who have."""

    room: Room
    seq: Seq
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET
    unread: bool = False


class ReadOk(Ok, tag="ok", kw_only=True):
    """The counters of the user; `ordinal`: of the last message they include."""

    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReadersOk(Ok, tag="ok", kw_only=True):
    count: U53
    readers: list[Reader]
    more: str | UnsetType = UNSET


class PositionPush(Push, tag="position", omit_defaults=False):
    """The counters of the user; `ordinal`: of the last message they include."""

    room: str
    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReceiptsPush(Push, tag="receipts"):
    room: str
    receipts: list[Receipt]
