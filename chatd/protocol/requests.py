"""Everything a client can ask, one struct each, tagged by `type` (chapters "Connection life cycle" to
"Rooms and members" of protocol.md). Decoding into these structs is the schema check.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.protocol.identifiers import (
    U53,
    Address,
    Device,
    Key,
    Milliseconds,
    RequestId,
    Room,
    Seq,
    Title,
    Token,
    User,
    Word,
)
from chatd.protocol.limits import EMOJI_BYTES_MAX, FOCUS_MAX, MEMBERS_CHANGED_MAX, MESSAGES_MAX, WATCH_MAX
from chatd.protocol.objects import LooseBody, Mode, Role, RoleOf, SentBody

NO_ID = 0  # the packet has no `id`: fire and forget

Users = Annotated[list[User], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]
GroupKind = Literal["group"]
Platform = Literal["apns", "fcm", "web"]


class Request(Struct, tag_field="type", frozen=True, kw_only=True):
    """The envelope: `type` is the tag, `id` is chosen by the client, absent when no reply is wanted."""

    id: RequestId = NO_ID


class Mutation(Request, frozen=True, kw_only=True):
    """A request that may be repeated: the same (room, author, key) is carried out once."""

    key: Key


class RoomMutation(Mutation, frozen=True, kw_only=True):
    room: Room


# --- connection


class Bearer(Request, frozen=True, kw_only=True):
    """A request with a token, which its `repr` does not show."""

    token: Token

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, token='********')"


class Hello(Bearer, tag="hello", frozen=True, kw_only=True):
    version: U53
    device: Device
    app: Word | UnsetType = UNSET
    os: Word | UnsetType = UNSET
    locale: Word | UnsetType = UNSET
    features: Annotated[list[Word], Meta(max_length=32)] = []
    mode: str = "foreground"
    focus: Annotated[list[Room], Meta(max_length=FOCUS_MAX)] = []
    epoch: str | UnsetType = UNSET
    cursor: str | UnsetType = UNSET
    rooms: Seq | UnsetType = UNSET
    previews: bool | UnsetType = UNSET
    events: U53 = 0


class Auth(Bearer, tag="auth", frozen=True, kw_only=True):
    pass


class SetMode(Request, tag="mode", frozen=True, kw_only=True):
    mode: Mode


class Ping(Request, tag="ping", frozen=True, kw_only=True):
    pass


class Pong(Request, tag="pong", frozen=True, kw_only=True):
    pass


class Sync(Request, tag="sync", frozen=True, kw_only=True):
    cursor: str | UnsetType = UNSET
    more: str | UnsetType = UNSET
    rooms: Seq | UnsetType = UNSET
    previews: bool | UnsetType = UNSET
    events: U53 | UnsetType = UNSET


# --- reading history


class Log(Request, tag="log", frozen=True, kw_only=True, rename={"from_": "from"}):
    room: Room
    from_: Seq
    to: U53 | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class History(Request, tag="history", frozen=True, kw_only=True):
    room: Room
    before: U53 | UnsetType = UNSET
    after: U53 | UnsetType = UNSET
    around: U53 | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class Changes(Request, tag="changes", frozen=True, kw_only=True):
    room: Room
    low: U53
    high: U53
    since: U53


class Messages(Request, tag="messages", frozen=True, kw_only=True):
    room: Room
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=MESSAGES_MAX)]


# --- writing


class Send(RoomMutation, tag="send", frozen=True, kw_only=True):
    body: SentBody
    composed_at: Milliseconds | UnsetType = UNSET
    silent: bool = False


class Edit(RoomMutation, tag="edit", frozen=True, kw_only=True):
    target: Seq
    body: SentBody


class Recall(RoomMutation, tag="recall", frozen=True, kw_only=True):
    target: Seq


class React(RoomMutation, tag="react", frozen=True, kw_only=True):
    target: Seq
    emoji: Annotated[str, Meta(min_length=1, max_length=EMOJI_BYTES_MAX)]
    set: bool


class Pin(RoomMutation, tag="pin", frozen=True, kw_only=True):
    target: Seq
    set: bool


# --- read state, receipts, typing, presence


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


class Focus(Request, tag="focus", frozen=True, kw_only=True):
    rooms: Annotated[list[Room], Meta(max_length=FOCUS_MAX)]


class Typing(Request, tag="typing", frozen=True, kw_only=True):
    room: Room


class Watch(Request, tag="watch", frozen=True, kw_only=True):
    users: Annotated[list[User], Meta(max_length=WATCH_MAX)]


# --- rooms and members


class RoomCreate(Mutation, tag="room.create", frozen=True, kw_only=True):
    kind: GroupKind
    title: Title
    users: Annotated[list[User], Meta(max_length=MEMBERS_CHANGED_MAX)] = []
    avatar: Address | UnsetType = UNSET
    public: bool = False
    data: Raw | UnsetType = UNSET


class RoomDirect(Request, tag="room.direct", frozen=True, kw_only=True):
    user: User


class RoomGet(Request, tag="room.get", frozen=True, kw_only=True):
    room: Room


class RoomUpdate(RoomMutation, tag="room.update", frozen=True, kw_only=True):
    title: Title | UnsetType = UNSET
    avatar: Address | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


class RoomDelete(RoomMutation, tag="room.delete", frozen=True, kw_only=True):
    pass


class RoomJoin(RoomMutation, tag="room.join", frozen=True, kw_only=True):
    pass


class RoomLeave(RoomMutation, tag="room.leave", frozen=True, kw_only=True):
    pass


class MembersList(Request, tag="members.list", frozen=True, kw_only=True):
    room: Room
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET
    prefix: Annotated[str, Meta(max_length=64)] = ""
    role: Role | UnsetType = UNSET


class MembersAdd(RoomMutation, tag="members.add", frozen=True, kw_only=True):
    users: Users


class MembersRemove(RoomMutation, tag="members.remove", frozen=True, kw_only=True):
    users: Users


class MembersRole(RoomMutation, tag="members.role", frozen=True, kw_only=True):
    users: Annotated[list[RoleOf], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]


class Preferences(Request, tag="preferences", frozen=True, kw_only=True):
    room: Room | UnsetType = UNSET
    muted_until: Milliseconds | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    receipts: bool | UnsetType = UNSET
    presence: bool | UnsetType = UNSET


class UsersGet(Request, tag="users.get", frozen=True, kw_only=True):
    users: Users


class DevicesPush(Bearer, tag="devices.push", frozen=True, kw_only=True):
    platform: Platform


class DevicesList(Request, tag="devices.list", frozen=True, kw_only=True):
    pass


class DevicesRemove(Request, tag="devices.remove", frozen=True, kw_only=True):
    device: Device


AnyRequest = (
    Hello | Auth | SetMode | Ping | Pong | Sync
    | Log | History | Changes | Messages
    | Send | Edit | Recall | React | Pin
    | Read | Delivered | Readers | Focus | Typing | Watch
    | RoomCreate | RoomDirect | RoomGet | RoomUpdate | RoomDelete | RoomJoin | RoomLeave
    | MembersList | MembersAdd | MembersRemove | MembersRole
    | Preferences | UsersGet | DevicesPush | DevicesList | DevicesRemove
)  # fmt: skip


class AnySend(Send, tag="send", frozen=True, kw_only=True):
    """A `send` whose body may have keys that are not known here."""

    body: LooseBody  # type: ignore[assignment]


class AnyEdit(Edit, tag="edit", frozen=True, kw_only=True):
    body: LooseBody  # type: ignore[assignment]


class Envelope(Struct, frozen=True):
    """What can be read of a packet whose type or fields are not known: enough to answer it."""

    type: Raw = Raw()
    id: Raw = Raw()
