"""Read and delivered marks, and who is shown them (protocol.md "Read state, receipts, typing, presence")."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import (
    U53,
    Room,
    Seq,
)


class RoomPosition(Struct):
    """A room and the number of its last event and last message."""

    room: str
    seq: U53
    ordinal: U53


class Receipt(Struct, omit_defaults=True):
    """How far a member got, and from which event on they see the room: what lies below was neither read nor missed."""

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
    room: Room
    seq: Seq
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class ReadOk(Ok, tag="ok", kw_only=True):
    """Own counters; `ordinal`: of the last message they count."""

    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReadersOk(Ok, tag="ok", kw_only=True):
    count: U53
    readers: list[Reader]
    more: str | UnsetType = UNSET


class PositionPush(Push, tag="position", omit_defaults=False):
    """Own counters; `ordinal`: of the last message they count."""

    room: str
    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReceiptsPush(Push, tag="receipts"):
    room: str
    receipts: list[Receipt]
