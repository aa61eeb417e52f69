"""Drafts and scheduled messages, which are account rows (protocol.md "Drafts, scheduled messages, folders")."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.cards import Span
from chatd.protocol.envelope import Ok, Request, RoomMutation
from chatd.protocol.identifiers import U53, Key, Mention, Milliseconds, Room, Seq
from chatd.protocol.messages import LooseBody, SentBody


class DraftBody(Struct, omit_defaults=True, frozen=True):
    text: str | UnsetType = UNSET
    reply_to: Seq | UnsetType = UNSET
    mentions: Annotated[list[Mention], Meta(max_length=50)] | UnsetType = UNSET
    spans: Annotated[list[Span], Meta(max_length=50)] | UnsetType = UNSET


class DraftRow(Struct, omit_defaults=True, frozen=True):
    """A row of the section `drafts`, under the name of its room. `key`: that the message will have."""

    key: str
    body: DraftBody
    time: Milliseconds


class ScheduledRow(Struct, omit_defaults=True, frozen=True):
    """A row of the section `scheduled`, under the key of its message. `error`: the code why it was not sent."""

    room: str
    at: Milliseconds
    body: Any
    error: str = ""


class Draft(Request, tag="draft", frozen=True, kw_only=True):
    """Without `body` the draft is dropped."""

    room: Room
    key: Key
    body: DraftBody | UnsetType = UNSET


class Schedule(RoomMutation, tag="schedule", frozen=True, kw_only=True):
    """`at`: Unix ms, past for at once. Without `body` the message is cancelled; one of the same key is replaced."""

    at: Milliseconds = 0
    body: SentBody | UnsetType = UNSET


class AnySchedule(Schedule, tag="schedule", frozen=True, kw_only=True):
    """A `schedule` whose body may have unknown keys."""

    body: LooseBody | UnsetType = UNSET  # type: ignore[assignment]


class StampOk(Ok, tag="ok", kw_only=True):
    """`stamp`: of the row; absent when nothing had to be changed."""

    stamp: U53 | UnsetType = UNSET
