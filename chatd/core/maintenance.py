"""Decisions on requests of the daemon itself: notices, compaction, reaction summaries. Synchronous and pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core import messages, removal
from chatd.core.idempotency import first_time, once
from chatd.core.permissions import HOST, authorize
from chatd.core.read_set import ReadSet
from chatd.core.sections import StartedDay
from chatd.core.write_set import RoomReply, WriteSet
from chatd.protocol.envelope import Ok, RoomMutation
from chatd.protocol.messages import Body, Event, WriteOk
from chatd.protocol.rooms import SummaryOk


@dataclass(slots=True, frozen=True)
class ForgottenKeys:
    """A record: keys without an event that were used before this time (Unix ms) are forgotten."""

    before: int


@dataclass(slots=True, frozen=True)
class Barrier:
    """Change nothing: its reply says that everything submitted before is durable."""


@dataclass(slots=True, frozen=True)
class RefreshSummaries:
    """Bring summaries that were read from the store up to the last commit.

    Only loaded rooms are looked at: a room that changed since the read is loaded.
    """

    rooms: Sequence[SummaryOk]


class PostNotice(RoomMutation, tag="notice", frozen=True, kw_only=True):
    """Log a text of the host app in a room. It has no author: its key is one of the user ""."""

    body: Body


@dataclass(slots=True, frozen=True)
class SummariseReactions:
    """Log the reaction counts of one message in a large room."""

    room: str
    target: int


@dataclass(slots=True, frozen=True)
class CompactLog:
    """Drop the operations below seq `floor`; messages stay."""

    room: str
    floor: int


@dataclass(slots=True, frozen=True)
class ForgetKeys:
    """Forget the keys of requests that logged nothing and were used before this time (Unix ms)."""

    before: int


@dataclass(slots=True, frozen=True)
class NoteDay:
    """Note the first commit of a day (Unix days), and forget tombstones of account rows that are too old by then."""

    day: int


def note_day(user: str, request: NoteDay, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(StartedDay(request.day))
    return Ok()


def forget_keys(user: str, request: ForgetKeys, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ForgottenKeys(request.before))
    return Ok()


def barrier(user: str, request: Barrier, writes: WriteSet, reads: ReadSet) -> Ok:
    return Ok()


def refresh_summaries(user: str, request: RefreshSummaries, writes: WriteSet, reads: ReadSet) -> Ok:
    for reply in request.rooms:
        room = reads.rooms.get(reply.summary.room)
        if room is not None and user in room.members:
            writes.room_replies.append(RoomReply(reply, room, user))
    return Ok()


@once
def post_notice(user: str, request: PostNotice, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Log a notice, which has no author and does not count as unread."""
    digest = first_time(HOST, request, writes, reads)
    messages.check_body(request.body, reads.rules)
    room, _ = authorize(reads.rooms.get(request.room), HOST, "notice")
    event = Event(seq=0, kind="notice", body=request.body)
    event = writes.append(room, event, key=request.key, digest=digest)
    return WriteOk(seq=event.seq, time=event.time)


def summarise_reactions(user: str, request: SummariseReactions, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    message = reads.messages.get((room.number, request.target)) if room is not None else None
    if room is not None and message is not None and message.event.recalled is not True:
        messages.summarise_reactions(room, message, writes)
    return Ok()


def compact_log(user: str, request: CompactLog, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is not None and request.floor > room.log_floor:
        removal.fold(room, request.floor, writes)
    return Ok()
