"""Rooms and their summaries (protocol.md "RoomSummary" and "Rooms and members")."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.protocol.envelope import Mutation, Ok, Push, Request, RoomMutation
from chatd.protocol.groups import About, Policy, Tags
from chatd.protocol.identifiers import U53, Address, LinkedRoom, Milliseconds, Room, Title, User
from chatd.protocol.limits import FOLDERS_MAX, MEMBERS_CHANGED_MAX
from chatd.protocol.members import Role
from chatd.protocol.preferences import Folders
from chatd.protocol.push import Level, Notify, PushPreferences

GoneReason = Literal["left", "removed", "banned", "deleted"]


class RoomSummary(Struct, omit_defaults=True):
    """A room as a member sees it in the chat list; each key has its full state."""

    room: str
    seq: U53 = 0
    ordinal: U53 = 0
    time: Milliseconds = 0
    read: U53 = 0
    unread: U53 = 0
    unread_mentions: U53 = 0
    title: str | UnsetType = UNSET
    avatar: str | UnsetType = UNSET
    data: Any = UNSET
    public: bool = False
    peer: str | UnsetType = UNSET
    peer_read: U53 = 0
    peer_delivered: U53 = 0
    members: U53 | UnsetType = UNSET
    role: Role = "member"
    muted_until: Milliseconds = 0
    pinned: bool = False
    hidden: bool = False
    request: bool = False
    asked: U53 = 0
    wallpaper: str | UnsetType = UNSET
    notify: Level | UnsetType = UNSET
    played: list[U53] | UnsetType = UNSET
    peer_played: list[U53] | UnsetType = UNSET
    kind: Literal["group", "channel"] = "group"
    policy: Policy | UnsetType = UNSET
    about: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    announcement: U53 = 0
    kept: U53 = 0
    comments: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    joins: U53 = 0
    nickname: str | UnsetType = UNSET
    silenced_until: Milliseconds = 0
    unread_mark: bool = False
    folder: U53 = 0
    deleted: list[tuple[U53, U53]] | UnsetType = UNSET
    first_visible: U53 = 1
    log_floor: U53 = 1
    preview: Raw | UnsetType = UNSET
    events: list[Raw] | UnsetType = UNSET


# A name the app knows, a URL, or a key of the host app.
Wallpaper = Annotated[str, Meta(max_length=256)]
GroupKind = Literal["group", "channel"]


class RoomCreate(Mutation, tag="room.create", frozen=True, kw_only=True):
    kind: GroupKind
    title: Title
    users: Annotated[list[User], Meta(max_length=MEMBERS_CHANGED_MAX)] = []
    avatar: Address | UnsetType = UNSET
    public: bool = False
    data: Raw | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: About | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class RoomDirect(Request, tag="room.direct", frozen=True, kw_only=True):
    user: User


class RoomGet(Request, tag="room.get", frozen=True, kw_only=True):
    room: Room


class RoomAccept(Request, tag="room.accept", frozen=True, kw_only=True):
    room: Room


class RoomDecline(Request, tag="room.decline", frozen=True, kw_only=True):
    room: Room
    block: bool = False


class RoomUpdate(RoomMutation, tag="room.update", frozen=True, kw_only=True):
    """`comments`: of a channel, the group in which its posts are commented on; empty for none."""

    title: Title | UnsetType = UNSET
    avatar: Address | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: About | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    comments: LinkedRoom | UnsetType = UNSET


class RoomDelete(RoomMutation, tag="room.delete", frozen=True, kw_only=True):
    pass


class Preferences(Request, tag="preferences", frozen=True, kw_only=True):
    room: Room | UnsetType = UNSET
    muted_until: Milliseconds | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    wallpaper: Wallpaper | UnsetType = UNSET
    notify: Notify | UnsetType = UNSET
    unread_mark: bool | UnsetType = UNSET
    folder: Annotated[int, Meta(ge=0, le=FOLDERS_MAX)] | UnsetType = UNSET
    receipts: bool | UnsetType = UNSET
    presence: bool | UnsetType = UNSET
    push: PushPreferences | UnsetType = UNSET
    folders: Folders | UnsetType = UNSET
    credit: bool | UnsetType = UNSET


class SummaryOk(Ok, tag="ok", kw_only=True):
    summary: RoomSummary


class RoomPush(Push, tag="room"):
    summary: RoomSummary


class GonePush(Push, tag="gone"):
    room: str
    reason: GoneReason = "removed"
