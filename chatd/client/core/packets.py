"""The packets a client reads, as types: objects and replies (pushes: pushes.py), by the chapters of protocol.md; pure.

They describe what a peer sends that keeps to the protocol: unknown keys are ignored, absent ones have their default.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, Required, TypedDict

Packet = dict[str, Any]
"""A packet as it is sent, or as it was decoded."""

Decoded = Any
"""A packet that was decoded; the annotation where it is taken names which of the types below it is."""

# Objects.

Body = Mapping[str, Any]
"""The content of a message: `text`, `attachments`, `mentions`, ..., and the app's own `data`."""


class ReactionCount(TypedDict):
    """The number of users who reacted with one emoji."""

    emoji: str
    count: int


class RoleEntry(TypedDict):
    """A user and the role they got."""

    user: str
    role: str


class Event(TypedDict("_Between", {"from": int, "to": int}, total=False), total=False):
    """One entry in the log of a room (protocol.md, "Event")."""

    seq: Required[int]
    kind: Required[str]
    user: str
    time: int
    ordinal: int
    key: str
    composed_at: int
    target: int
    body: Body
    changed: int
    edited: int
    recalled: bool
    pinned: bool
    reactions: list[ReactionCount]
    mine: list[str]
    emoji: str
    set: bool
    users: list[str] | list[RoleEntry]
    title: str
    avatar: str
    public: bool
    data: object
    policy: Mapping[str, object]
    about: str
    tags: list[str]
    nickname: str
    until: int
    comments: str
    channel: str
    post: int
    fallback: str


class RoomSummary(TypedDict, total=False):
    """A room as the list of rooms shows it (protocol.md, "RoomSummary"); see summary.py."""

    room: Required[str]
    seq: Required[int]
    ordinal: int
    time: int
    read: int
    unread: int
    unread_mentions: int
    title: str
    avatar: str
    data: object
    public: bool
    peer: str
    peer_read: int
    peer_delivered: int
    members: int
    role: str
    muted_until: int
    pinned: bool
    hidden: bool
    request: bool
    asked: int
    wallpaper: str
    notify: str
    played: list[int]
    peer_played: list[int]
    kind: str
    policy: Mapping[str, object]
    about: str
    tags: list[str]
    announcement: int
    nickname: str
    silenced_until: int
    joins: int
    comments: str
    channel: str
    unread_mark: bool
    folder: int
    deleted: list[list[int]]
    kept: int
    first_visible: int
    log_floor: int
    preview: Event
    events: list[Event]


class AccountRow(TypedDict):
    """A row of a section (protocol.md, "Account rows"); without `value` it is deleted."""

    name: str
    stamp: int
    value: NotRequired[object]


class SyncPage(TypedDict, total=False):
    """One page of a sync (protocol.md, "SyncPage"); also the reply to `sync`."""

    rooms: Required[list[RoomSummary]]
    cursor: str
    gone: list[str]
    more: str
    full: bool
    totals: Mapping[str, int]
    sections: Mapping[str, list[AccountRow]]
    full_sections: list[str]
    users: "list[UserEntry]"


class ReceiptEntry(TypedDict):
    """Positions of one member that moved."""

    user: str
    read: NotRequired[int]
    delivered: NotRequired[int]
    first_visible: NotRequired[int]


class PresenceEntry(TypedDict):
    """The presence of one user."""

    user: str
    state: NotRequired[str]
    last_seen: NotRequired[int]


class RoomHead(TypedDict):
    """The end of a room's log; `receipts` in the reply to `focus` only, `preview` of a channel."""

    room: str
    seq: int
    ordinal: NotRequired[int]
    receipts: NotRequired[list[ReceiptEntry]]
    preview: NotRequired[Event]


class MemberEntry(TypedDict):
    """One member of a room."""

    user: str
    role: NotRequired[str]
    joined_at: NotRequired[int]
    nickname: NotRequired[str]
    silenced_until: NotRequired[int]
    banned_until: NotRequired[int]


class ReaderEntry(TypedDict):
    """One user who read a message."""

    user: str
    read: int


class UserEntry(TypedDict):
    """The card of a user (protocol.md, "Cards"). Kept here, `stale` says that there is a newer one."""

    user: str
    name: NotRequired[str]
    avatar: NotRequired[str]
    version: NotRequired[int]
    handle: NotRequired[str]
    verified: NotRequired[str]
    kind: NotRequired[str]
    page: NotRequired[Mapping[str, Any]]
    common: NotRequired[list[str]]
    stale: NotRequired[bool]


class DeviceEntry(TypedDict):
    """One of the own devices."""

    device: str
    app: NotRequired[str]
    os: NotRequired[str]
    last_seen: int


# Replies: the `ok` to a request.


class ErrorReply(TypedDict, total=False):
    """A refusal (protocol.md, "error")."""

    code: Required[str]
    retry: str
    retry_after: int
    scope: str
    field: str
    message: str
    reason: str


class HelloReply(TypedDict):
    """The reply to `hello`."""

    user: str
    epoch: str
    sync: SyncPage
    features: NotRequired[list[str]]
    heartbeat: NotRequired[float]
    token_ttl: NotRequired[float]
    limits: NotRequired[Mapping[str, int]]
    audiences: NotRequired[dict[str, list[str]]]
    push: NotRequired[Mapping[str, Any]]
    media: NotRequired[Mapping[str, Any]]


class ModeReply(TypedDict):
    """The reply to `mode`."""

    heartbeat: NotRequired[float]


class Ack(TypedDict, total=False):
    """The reply to a mutation (protocol.md, "Mutations and their key"). `event`: a filter changed what was sent."""

    seq: int
    ordinal: int
    time: int
    duplicate: bool
    event: Event
    summary: RoomSummary
    not_added: list[str]
    offered: list[str]
    requested: bool
    seqs: list[int]
    invite: Mapping[str, Any]


class SummaryReply(TypedDict):
    """The reply to `room.get`, `room.direct` and `room.create`."""

    summary: RoomSummary


class LogReply(TypedDict, total=False):
    """The reply to `log`."""

    events: Required[list[Event]]
    seq: Required[int]
    next: int
    reset: bool
    log_floor: int
    first_visible: int
    ordinal: int


class HistoryReply(TypedDict):
    """The reply to `history`."""

    events: list[Event]
    low: int
    high: int
    seq: int
    end: NotRequired[bool]


class ChangesReply(TypedDict):
    """The reply to `changes`."""

    events: list[Event]
    seq: int
    next: NotRequired[int]


class MessagesReply(TypedDict):
    """The reply to `messages`."""

    events: list[Event]


class PositionReply(TypedDict):
    """The own read position: the reply to `read`."""

    read: int
    unread: int
    unread_mentions: int
    ordinal: NotRequired[int]


class ReadersReply(TypedDict):
    """The reply to `readers`."""

    count: int
    readers: list[ReaderEntry]
    more: NotRequired[str]


class FocusReply(TypedDict):
    """The reply to `focus`."""

    rooms: list[RoomHead]


class WatchReply(TypedDict):
    """The reply to `watch`."""

    users: list[PresenceEntry]


class MembersReply(TypedDict):
    """The reply to `members.list`."""

    members: list[MemberEntry]
    count: int
    more: NotRequired[str]


class UsersReply(TypedDict):
    """The reply to `users.get` and `users.find`."""

    users: list[UserEntry]
    more: NotRequired[str]
    stamp: NotRequired[int]


class DevicesReply(TypedDict):
    """The reply to `devices.list`."""

    devices: list[DeviceEntry]
