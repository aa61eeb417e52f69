"""The objects inside packets: Event, Body, RoomSummary and their parts (protocol.md "Objects").

Field order is the order on the wire. Optional keys are left out when they hold their default.
"""

from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from chatd.protocol.identifiers import U53, Milliseconds, Seq, Title, User

Role = Literal["member", "admin", "owner"]
Mode = Literal["foreground", "background"]
State = Literal["offline", "online", "away"]
GoneReason = Literal["left", "removed", "banned", "deleted"]

MESSAGE = "message"
ROLES: dict[str, Role] = {"member": "member", "admin": "admin", "owner": "owner"}
"""Role words by their text: defaults are left out by identity, so a stored word is looked up here."""

EVERYBODY = "*"  # the mention of all members
Mention = Annotated[str, Meta(pattern=r"^(\*|[A-Za-z0-9_\-.:@|+]{1,64})\Z")]


class Attachment(Struct, omit_defaults=True, frozen=True):
    """A file elsewhere; files never travel through the socket."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    mime: Annotated[str, Meta(min_length=1, max_length=128)]
    name: Title | UnsetType = UNSET
    size: U53 | UnsetType = UNSET
    width: U53 | UnsetType = UNSET
    height: U53 | UnsetType = UNSET
    duration: U53 | UnsetType = UNSET
    preview: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET


class Body(Struct, omit_defaults=True, frozen=True):
    """The content of a message; at least one of `text`, `attachments`, `data`."""

    text: str | UnsetType = UNSET
    attachments: Annotated[list[Attachment], Meta(max_length=10)] | UnsetType = UNSET
    reply_to: Seq | UnsetType = UNSET
    thread: Seq | UnsetType = UNSET
    mentions: Annotated[list[Mention], Meta(max_length=50)] | UnsetType = UNSET
    data: Any = UNSET


class LooseBody(Body, frozen=True):
    """A body as it comes from a client: its host data is decoded apart, when it is known to be harmless."""

    data: Raw | UnsetType = UNSET


class SentAttachment(Attachment, forbid_unknown_fields=True, frozen=True):
    """An attachment as a client may send it: whole, or it is noticed."""


class SentBody(LooseBody, forbid_unknown_fields=True, frozen=True):
    """A body as a client may send it: a key that is not known here is noticed, since it will not be stored."""

    attachments: Annotated[list[SentAttachment], Meta(max_length=10)] | UnsetType = UNSET  # type: ignore[assignment]


class TrimmedBody(SentBody, frozen=True):
    """What is left of a body with keys that are not known here."""


Part = TypeVar("Part", bound=Struct)
Content = TypeVar("Content", bound=Body)


def without_empties(body: Content) -> Content:
    """`body` without its empty texts and lists, those of its attachments included: they say the same as absent ones."""
    if body.text and body.attachments is UNSET and body.mentions is UNSET:
        return body
    body = without_empty(body, ("text", "attachments", "mentions"))
    if body.attachments is UNSET:
        return body
    return replace(body, attachments=[without_empty(one, ("name", "preview")) for one in body.attachments])


def without_empty(part: Part, names: tuple[str, ...]) -> Part:
    empty = [name for name in names if getattr(part, name) in ("", [])]
    return replace(part, **dict.fromkeys(empty, UNSET)) if empty else part


class ReactionCount(Struct, frozen=True):
    emoji: str
    count: U53


class RoleOf(Struct, frozen=True):
    """One row of `members.role` and of the `role` event."""

    user: User
    role: Role


class Event(Struct, omit_defaults=True):
    """One position of a room's log, as it is stored and pushed: nothing in it depends on who reads it."""

    seq: U53
    kind: str
    user: str | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    key: str | UnsetType = UNSET
    composed_at: Milliseconds | UnsetType = UNSET
    target: U53 | UnsetType = UNSET
    emoji: str | UnsetType = UNSET
    set: bool | UnsetType = UNSET
    users: list[str | RoleOf] | UnsetType = UNSET
    title: str | UnsetType = UNSET
    avatar: str | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    data: Any = UNSET
    body: Body | UnsetType = UNSET
    changed: U53 | UnsetType = UNSET
    edited: Milliseconds | UnsetType = UNSET
    recalled: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    reactions: list[ReactionCount] | UnsetType = UNSET
    mine: list[str] | UnsetType = UNSET


class RoomSummary(Struct, omit_defaults=True):
    """A room as its member sees it in the chat list; always the full state of its keys."""

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
    first_visible: U53 = 1
    log_floor: U53 = 1
    preview: Raw | UnsetType = UNSET
    events: list[Raw] | UnsetType = UNSET


class SyncTotals(Struct):
    rooms: U53
    unread: U53
    mentions: U53


class AccountRow(Struct, omit_defaults=True):
    """A row of a section, whole; without `value` it is gone. The one with the higher `stamp` holds."""

    name: str
    stamp: U53
    value: Raw | UnsetType = UNSET


class SyncPage(Struct, omit_defaults=True, kw_only=True):
    """One page of an account's rooms, and of its rows behind them: `cursor` on the last page, `more` on all others."""

    cursor: str | UnsetType = UNSET
    rooms: list[RoomSummary]
    gone: list[str] | UnsetType = UNSET
    more: str | UnsetType = UNSET
    full: bool = False
    totals: SyncTotals | UnsetType = UNSET
    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    full_sections: list[str] | UnsetType = UNSET


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


class FocusedRoom(Struct, omit_defaults=True):
    room: str
    seq: U53
    receipts: list[Receipt] | UnsetType = UNSET


class UserState(Struct, omit_defaults=True):
    user: str
    state: State = "offline"
    last_seen: Milliseconds | UnsetType = UNSET


class MemberRow(Struct):
    user: str
    role: Role
    joined_at: Milliseconds


class Profile(Struct, omit_defaults=True):
    """Display data of a user as far as chatd knows it; `version` moves when it changes."""

    user: str
    name: str = ""
    avatar: str = ""
    version: U53 = 0


class DeviceRow(Struct, omit_defaults=True):
    device: str
    app: str | UnsetType = UNSET
    os: str | UnsetType = UNSET
    last_seen: Milliseconds = 0
