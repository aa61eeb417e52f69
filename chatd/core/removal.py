"""The removal of content: nothing else takes a text from a message or an event. Synchronous and pure.

Whoever removes a message, its author, an admin, the host or an erasure, ends here. A message that is recalled keeps its
place, its number and its ordinal, so that neither a gap nor an unread number changes; the text goes, from the message
and from the edits that carried it. Each of them is emptied in the commit that says so.

An erasure recalls thousands of messages, some dozens in a commit. Each such commit logs one event `erased`, which
says in which stretch of the log the person has no text left: so it is true when it is stored, whatever comes after it
(protocol.md "Erased people").
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from msgspec import UNSET, UnsetType, structs

from chatd.core.attachments import AttachedAt, detach, named_files
from chatd.core.discovery import list_anew, names_of
from chatd.core.governance import kept_details
from chatd.core.held_files import avatar_holder, drop_wallpaper, hold
from chatd.core.policy import NO_DETAILS
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.room_steps import ChannelDeleted
from chatd.core.standings import tell_asked
from chatd.core.unread_counts import count_purged
from chatd.core.visibility import text_of
from chatd.core.write_set import Message, NewEvent, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event

# The events that supersede all earlier edits of their message. Each empties the edit before it in the store, so a
# recall has one to empty, however often the message was edited.
SUPERSEDING = ("edit", "recall")
# For which a key without an event is kept (protocol.md "Writing").
KEYS_KEPT_MS = 30 * 86_400_000


@dataclass(slots=True, frozen=True)
class SupersededEdits:
    """A record: the edits of the message `target` below `seq` lose their text."""

    room: int
    target: int
    seq: int


@dataclass(slots=True, frozen=True)
class RecalledComment:
    """A record: the message `seq` is no comment on a post any more."""

    room: int
    seq: int


@dataclass(slots=True, frozen=True)
class ErasedReactions:
    """A record: the events at these `seqs` that say how `person` reacted or was called become `erased`, which say
    nothing.
    """

    room: int
    person: str
    seqs: Sequence[int]


@dataclass(slots=True, frozen=True)
class DeletedRoom:
    """A record: a room was deleted by this commit, at `time` (Unix ms); its log is purged later."""

    room: int
    time: int


@dataclass(slots=True, frozen=True)
class PurgedLog:
    """A record: as much of the log of a deleted room goes as one commit may delete, with all that is keyed by it."""

    room: int


@dataclass(slots=True, frozen=True)
class PurgedStretch:
    """A record: the events of a room from `low` to `high` go, with all that is keyed by them.

    Idempotency keys of events since `keys_since` (Unix ms) are kept without their event.
    """

    room: int
    low: int
    high: int
    keys_since: int


@dataclass(slots=True, frozen=True)
class FoldedLog:
    """A record: the operations of a room from `low` up to below `floor` are dropped."""

    room: int
    low: int
    floor: int


def check_not_recalled(message: Message) -> None:
    if message.event.recalled is True:
        raise Refused("conflict", "the message was recalled", field="target")


def recall(message: Message, writes: WriteSet, reads: ReadSet) -> None:
    """Take text and files from a message, and the text from those edits of it that are in this batch, before they are
    pushed.

    The edits in the store are emptied by the operation that says so: see `supersede`.
    """
    detach(message.room.number, message.event.seq, named_files(message.event.body), writes, reads)
    message.event.body = UNSET
    message.event.recalled = True
    if message.event.post is not UNSET:
        writes.add(RecalledComment(message.room.number, message.event.seq))
    tell_asked(message.room, writes)
    unannounce(message.room, message.event.seq, message.event.seq, writes)
    for step in writes.steps.get(message.room.number, ()):
        if isinstance(step, NewEvent) and text_of(step.event) == message.event.seq:
            step.blob = emptied(step.event)


def unannounce(room: Room, low: int, high: int, writes: WriteSet) -> None:
    """Take the announcement from a room when its message is one of these that go."""
    if low <= room.details.announcement <= high:
        details = structs.replace(room.details, announcement=0)
        writes.touch(room).details = kept_details(details)
        writes.refreshed[room.number, ""] = room


def supersede(message: Message, operation: Event, writes: WriteSet) -> None:
    """Take the text from all edits of a message below `operation`, if that is one to supersede them."""
    if operation.kind in SUPERSEDING:
        writes.add(SupersededEdits(message.room.number, message.event.seq, operation.seq))


def emptied(edit: Event) -> bytes:
    """Return the stored form of a superseded edit: all of it but the body (protocol.md "Event")."""
    edit.body = UNSET
    return encode(edit)


def fold(room: Room, floor: int, writes: WriteSet) -> None:
    """Drop the operations of a room below `floor`; messages stay."""
    writes.add(FoldedLog(room.number, room.log_floor, floor))
    writes.touch(room).log_floor = floor


@dataclass(slots=True, frozen=True)
class Stretch:
    """The messages that an `erased` concerns, from `low` to `high`; UNSET: the first, and all below the event."""

    low: int | UnsetType = UNSET
    high: int | UnsetType = UNSET


def erase(
    room: Room,
    person: str,
    messages: Collection[Message],
    stretch: Stretch,
    writes: WriteSet,
    reads: ReadSet,
) -> None:
    """Recall `messages`, all that `person` wrote in a stretch of `room`, and log that, unless none has a text left."""
    if all(message.event.recalled is True for message in messages):
        return
    event = Event(seq=0, kind="erased", user=person, from_=stretch.low, to=stretch.high)
    event = writes.append(room, event)
    for message in messages:
        recall(message, writes, reads)
        writes.add(SupersededEdits(room.number, message.event.seq, event.seq))
        message.event.changed = event.seq
        writes.rewrite(message)


def erased(reaction: Event) -> bytes:
    """Return the stored form of a reaction or nickname of an erased person: an `erased` that concerns no message."""
    return encode(Event(reaction.seq, "erased", user=reaction.user, time=reaction.time, from_=reaction.seq))


def delete(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Delete a room for all its members; what was said in it is purged later, and its picture goes at once."""
    before = names_of(room)
    writes.touch(room).deleted_by = user
    list_anew(room, before, writes)
    hold(avatar_holder(room), "", writes, reads)
    writes.add(DeletedRoom(room.number, writes.now))
    if room.is_channel:
        # Their rows follow, some in a commit (core/channels.py).
        writes.add_step(room, ChannelDeleted(room))
        return
    for member in room.users:
        writes.remove_member(room, member, "deleted")


def purge(room: Room, writes: WriteSet, reads: ReadSet) -> None:
    """Take away what a deleted room held; it stays as one that was deleted."""
    room = writes.touch(room)
    for place in [one for one in reads.records_of(AttachedAt).values() if one.room == room.number]:
        detach(room.number, place.seq, [place.file], writes, reads)
    hold(avatar_holder(room), "", writes, reads)
    for user in room.former:
        drop_wallpaper(room, user, writes, reads)
    room.title, room.avatar, room.data, room.log_floor = "", "", b"", room.seq + 1
    room.details, room.retain_s = NO_DETAILS, 0
    writes.add(PurgedLog(room.number))


def purge_stretch(
    room: Room, low: int, high: int, countable: Sequence[NewEvent], writes: WriteSet, reads: ReadSet
) -> None:
    """Take away the events from `low` to `high`; `countable`: the messages among them that count as unread.

    In groups and channels nothing is left below `low`.
    """
    room = writes.touch(room)
    places = [one for one in reads.records_of(AttachedAt).values() if one.room == room.number]
    for place in places:
        if low <= place.seq <= high:
            detach(room.number, place.seq, [place.file], writes, reads)
    unannounce(room, low, high, writes)
    count_purged(room, countable, writes, reads.rules.full_members)
    room.purged = max(room.purged, high)
    if room.log_floor <= high:
        fold(room, high + 1, writes)
    writes.add(PurgedStretch(room.number, low, high, writes.now - KEYS_KEPT_MS))
