"""The past of a room (protocol.md "Reading history")."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, UnsetType

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import U53, Room, Seq
from chatd.protocol.limits import MESSAGES_MAX


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


class EventsOk(Ok, tag="ok", kw_only=True):
    """The reply to `log`, `history`, `changes` and `messages`: events as they are stored."""

    events: list[Raw]
    next: U53 | UnsetType = UNSET
    reset: bool = False
    log_floor: U53 | UnsetType = UNSET
    first_visible: U53 | UnsetType = UNSET
    low: U53 | UnsetType = UNSET
    high: U53 | UnsetType = UNSET
    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    end: bool = False
