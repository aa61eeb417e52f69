"""Messages and the other events of a room's log (protocol.md "Objects" and "Writing")."""

from typing import Annotated, Any, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from chatd.protocol.cards import Card, MessageOrigin, SentCard, Span
from chatd.protocol.envelope import Ok, Push, RoomMutation
from chatd.protocol.groups import Policy
from chatd.protocol.identifiers import U53, Mention, Milliseconds, Room, Seq, Title
from chatd.protocol.limits import (
    ALT_MAX,
    BUTTON_ROWS_MAX,
    BUTTONS_IN_ROW_MAX,
    EMOJI_BYTES_MAX,
    FORWARD_MAX,
    SPANS_MAX,
)
from chatd.protocol.media import FileKind, Place, Size, Waveform
from chatd.protocol.members import RoleOf
from chatd.protocol.read_state import RoomPosition
from chatd.protocol.rooms import RoomSummary

MESSAGE = "message"

# The mention of all members.
EVERYBODY = "*"


class Attachment(Struct, omit_defaults=True, frozen=True):
    """A reference to a file, which is never sent through the WebSocket.

    `alt`: what it shows, in words of the author. From `kind` on: written by the server, of its own files alone.
    `sizes`: renditions besides the full one. `waveform`: 64 digits of base 32, loudness. `expires_at`: a hint.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    mime: Annotated[str, Meta(min_length=1, max_length=128)]
    name: Title | UnsetType = UNSET
    size: U53 | UnsetType = UNSET
    width: U53 | UnsetType = UNSET
    height: U53 | UnsetType = UNSET
    duration: U53 | UnsetType = UNSET
    preview: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET
    alt: Annotated[str, Meta(max_length=ALT_MAX)] | UnsetType = UNSET
    kind: FileKind | UnsetType = UNSET
    sizes: list[Size] | UnsetType = UNSET
    waveform: Waveform | UnsetType = UNSET
    expires_at: Milliseconds | UnsetType = UNSET


class Button(Struct, omit_defaults=True, frozen=True):
    """A button under a message of a bot: it has either `data`, which a press sends, or `url`, which it opens."""

    label: Annotated[str, Meta(min_length=1, max_length=32)]
    data: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    url: Annotated[str, Meta(min_length=1, max_length=2048)] | UnsetType = UNSET


ButtonRow = Annotated[list[Button], Meta(min_length=1, max_length=BUTTONS_IN_ROW_MAX)]


class Body(Struct, omit_defaults=True, frozen=True):
    """The content of a message; at least one of `text`, `attachments`, `card`, `data`.

    `forwarded`: written by the server.
    """

    text: str | UnsetType = UNSET
    attachments: Annotated[list[Attachment], Meta(max_length=10)] | UnsetType = UNSET
    reply_to: Seq | UnsetType = UNSET
    thread: Seq | UnsetType = UNSET
    mentions: Annotated[list[Mention], Meta(max_length=50)] | UnsetType = UNSET
    buttons: Annotated[list[ButtonRow], Meta(max_length=BUTTON_ROWS_MAX)] | UnsetType = UNSET
    card: Card | UnsetType = UNSET
    spans: Annotated[list[Span], Meta(max_length=SPANS_MAX)] | UnsetType = UNSET
    forwarded: MessageOrigin | UnsetType = UNSET
    data: Any = UNSET


class LooseAttachment(Attachment, frozen=True, rename={"from_": "from"}):
    """An attachment as it comes from a client. `from_`: the message it is forwarded from, which is not stored."""

    from_: Place | UnsetType = UNSET


class LooseBody(Body, frozen=True):
    """A body as it comes from a client: its host data is decoded later, after a check."""

    attachments: Annotated[list[LooseAttachment], Meta(max_length=10)] | UnsetType = UNSET  # type: ignore[assignment]
    data: Raw | UnsetType = UNSET


class SentAttachment(LooseAttachment, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """An attachment as a client may send it: unknown keys are detected."""


class SentButton(Button, forbid_unknown_fields=True, frozen=True):
    """A button as a bot may send it."""


SentRow = Annotated[list[SentButton], Meta(min_length=1, max_length=BUTTONS_IN_ROW_MAX)]


class SentBody(LooseBody, forbid_unknown_fields=True, frozen=True):
    """A body as a client may send it: unknown keys are detected, since they are not stored."""

    attachments: Annotated[list[SentAttachment], Meta(max_length=10)] | UnsetType = UNSET  # type: ignore[assignment]
    buttons: Annotated[list[SentRow], Meta(max_length=BUTTON_ROWS_MAX)] | UnsetType = UNSET  # type: ignore[assignment]
    card: SentCard | UnsetType = UNSET


class TrimmedBody(SentBody, frozen=True):
    """A body without its unknown keys."""


Part = TypeVar("Part", bound=Struct)

Content = TypeVar("Content", bound=Body)


def without_empties(body: Content) -> Content:
    """Return `body` without empty texts and lists, also in its parts: they mean the same as absent ones."""
    no_parts = body.attachments is UNSET and body.mentions is UNSET and body.buttons is UNSET
    if body.text and no_parts and body.card is UNSET and body.spans is UNSET:
        return body
    body = without_empty(body, ("text", "attachments", "mentions", "buttons", "spans"))
    if body.card is not UNSET:
        card = without_empty(body.card, ("text", "images", "data"))
        body = body if card is body.card else replace(body, card=card)
    if body.attachments is UNSET:
        return body
    attachments = [without_empty(attachment, ("name", "preview")) for attachment in body.attachments]
    return replace(body, attachments=attachments)


def without_empty(part: Part, names: tuple[str, ...]) -> Part:
    empty = [name for name in names if getattr(part, name) in ("", [])]
    return replace(part, **dict.fromkeys(empty, UNSET)) if empty else part


class ReactionCount(Struct, frozen=True):
    emoji: str
    count: U53


class Event(Struct, omit_defaults=True, rename={"from_": "from"}):
    """One event of a room's log, as it is stored and pushed: the same for every reader."""

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
    from_: U53 | UnsetType = UNSET
    to: U53 | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    nickname: str | UnsetType = UNSET
    until: Milliseconds | UnsetType = UNSET
    comments: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    post: U53 | UnsetType = UNSET


class Send(RoomMutation, tag="send", frozen=True, kw_only=True):
    """`post`: the post of the channel that this is a comment on, in the group of its comments."""

    body: SentBody
    composed_at: Milliseconds | UnsetType = UNSET
    silent: bool = False
    post: Seq | UnsetType = UNSET


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


class Forward(RoomMutation, tag="forward", frozen=True, kw_only=True, rename={"from_": "from"}):
    """Copy messages of the room `from_` into `room`, in this order. `credit`: with their authors, where those agree."""

    from_: Room
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=FORWARD_MAX)]
    credit: bool = False


class AnySend(Send, tag="send", frozen=True, kw_only=True):
    """A `send` whose body may have unknown keys."""

    body: LooseBody  # type: ignore[assignment]


class AnyEdit(Edit, tag="edit", frozen=True, kw_only=True):
    body: LooseBody  # type: ignore[assignment]


class WriteOk(Ok, tag="ok", kw_only=True):
    """The acknowledgement of a mutation, which is durable and has its place in the log."""

    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    event: Raw | UnsetType = UNSET
    summary: RoomSummary | UnsetType = UNSET
    not_added: list[str] | UnsetType = UNSET
    offered: list[str] | UnsetType = UNSET
    requested: bool = False
    seqs: list[U53] | UnsetType = UNSET


class EventPush(Push, tag="event"):
    """Events of one room, contiguous and ascending."""

    room: str
    events: list[Raw]


class HeadPush(Push, tag="head"):
    """The heads of rooms with new events, which clients fetch when they need them."""

    rooms: list[RoomPosition]
