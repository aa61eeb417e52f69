"""The pushes a client reads, as types; pure. See packets.py."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from .packets import AccountRow, Event, PositionReply, PresenceEntry, ReceiptEntry, RoomHead, RoomSummary


class EventPush(TypedDict):
    """`event`."""

    room: str
    events: list[Event]


class HeadPush(TypedDict):
    """`head`."""

    rooms: list[RoomHead]


class RoomPush(TypedDict):
    """`room`."""

    summary: RoomSummary


class GonePush(TypedDict):
    """`gone`."""

    room: str
    reason: NotRequired[str]


class PositionPush(PositionReply):
    """`position`."""

    room: str


class ReceiptsPush(TypedDict):
    """`receipts`."""

    room: str
    receipts: list[ReceiptEntry]


class TypingPush(TypedDict):
    """`typing`."""

    room: str
    user: str
    what: NotRequired[str]


class PresencePush(TypedDict):
    """`presence`."""

    users: list[PresenceEntry]


class AccountPush(TypedDict, total=False):
    """`account`."""

    sections: Mapping[str, list[AccountRow]]
    more: bool


class CursorPush(TypedDict):
    """`ping`, which may carry a newer cursor."""

    cursor: NotRequired[str]


class ByePush(CursorPush, total=False):
    """`bye`; `retry_after` in milliseconds."""

    close: int
    reason: str
    retry_after: int
    to: str
