"""The past of a room (protocol.md "Reading history")."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import U53, Room, Seq
from chatd.protocol.limits import COMMENTED_MAX, MESSAGES_MAX


class Log(Request, tag="log", frozen=True, kw_only=True, rename={"from_": "from"}):
    room: Room
    from_: Seq
    to: U53 | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class History(Request, tag="history", frozen=True, kw_only=True):
    """`post`: only the comments on this post of the channel."""

    room: Room
    before: U53 | UnsetType = UNSET
    after: U53 | UnsetType = UNSET
    around: U53 | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET
    post: Seq | UnsetType = UNSET


class Changes(Request, tag="changes", frozen=True, kw_only=True):
    room: Room
    low: U53
    high: U53
    since: U53


class Messages(Request, tag="messages", frozen=True, kw_only=True):
    room: Room
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=MESSAGES_MAX)]


class Comments(Request, tag="comments", frozen=True, kw_only=True):
    """Ask how many comments there are on these posts of a channel."""

    room: Room
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=COMMENTED_MAX)]


class CommentCount(Struct, frozen=True):
    seq: U53
    count: U53


class CommentsOk(Ok, tag="ok", kw_only=True):
    """The posts that have comments; a `count` of COMMENTS_COUNTED_MAX says at least so many."""

    counts: list[CommentCount]


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
