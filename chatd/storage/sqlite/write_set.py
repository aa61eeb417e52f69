"""A `WriteSet` as rows: everything that a commit writes, copied before the commit begins.

Because of the copy, a caller may be cancelled and restore the rooms while the rows are written in another thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType

from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.messages import MESSAGE, Event
from chatd.storage.sqlite.feed_rows import FeedRow
from chatd.storage.sqlite.records import WRITES, WriteRecords
from chatd.storage.sqlite.rows import (
    SEQ_BITS,
    Row,
    altered_room_row,
    changed_room_row,
    member_row,
    mentions_column,
    new_room_row,
    position,
)


@dataclass(slots=True)
class Batch:
    """The parameters of the statements of one commit, in their order; then the records, with their functions."""

    stamp: int
    created: Sequence[Row] = ()
    rooms: Sequence[Row] = ()
    altered: Sequence[Row] = ()
    members: Sequence[Row] = ()
    memberships: Sequence[Row] = ()
    counted: Sequence[Row] = ()
    counted_rooms: Sequence[Row] = ()
    events: Sequence[Row] = ()
    ignored: Sequence[Row] = ()
    messages: Sequence[Row] = ()
    unlogged: Sequence[Row] = ()
    records: Sequence[tuple[WriteRecords, Sequence[Any]]] = ()


def batch_of(writes: WriteSet, writers: Mapping[type, WriteRecords] = WRITES) -> Batch:
    """Return the rows of `writes`; later changes to its rooms and members do not affect them."""
    batch = Batch(writes.stamp)
    last_messages = add_events(batch, writes)
    add_rooms(batch, writes, last_messages)
    if writes.members:
        batch.members = [
            member_row(room, member, writes.stamp) for (room, _), member in writes.members.items()
        ]
    if writes.memberships:
        batch.memberships = [moved for moved in writes.memberships.items() if moved[1]]
    if writes.counted:
        batch.counted = [(member.own_unread, *key) for key, member in writes.counted.items()]
    if writes.counted_rooms:
        batch.counted_rooms = [(number,) for number in writes.counted_rooms if number not in writes.rooms]
    if writes.messages:
        batch.messages = [
            (encode(message.event), none_if_unset(message.event.changed), position(room, seq))
            for (room, seq), message in writes.messages.items()
        ]
    if writes.unlogged:
        batch.unlogged = [(*key, digest, writes.now) for key, digest in writes.unlogged.items()]
    if writes.records:
        batch.records = registered(writes, writers)
    if writes.feed:
        batch.records = [*batch.records, (writers[FeedRow], (FeedRow(writes.now, writes.feed),))]
    return batch


def registered(
    writes: WriteSet, writers: Mapping[type, WriteRecords]
) -> Sequence[tuple[WriteRecords, Sequence[Any]]]:
    """Return the records of `writes` with their functions, in the order of registration.

    Raises LookupError for a type without one.
    """
    if unknown := writes.records.keys() - writers.keys():
        raise LookupError(f"nothing writes {', '.join(kind.__name__ for kind in unknown)}")
    return [(write, tuple(writes.records[kind])) for kind, write in writers.items() if kind in writes.records]


def none_if_unset(value: int | UnsetType) -> int | None:
    return None if value is UNSET else value


def add_events(batch: Batch, writes: WriteSet) -> dict[int, int]:
    """Add the new events; return by room the newest message among them."""
    last_messages: dict[int, int] = {}
    events: list[Row] = []
    for number, steps in writes.steps.items():
        first = number << SEQ_BITS
        for step in steps:
            if type(step) is NewEvent:
                events.append(event_row(first, step, writes.stamp))
                if step.ignored:
                    batch.ignored = [*batch.ignored, (mentions_column(step.ignored), step.position)]
                if step.event.kind == MESSAGE:
                    last_messages[number] = step.event.seq
    batch.events = events
    return last_messages


def event_row(first: int, new: NewEvent, stamp: int) -> Row:
    """Return one row of `events`; `first` is position 0 of its room. It runs for each message, so it calls little."""
    event = new.event
    user, ordinal, target = event.user, event.ordinal, event.target
    if user is UNSET:
        # NULL differs from NULL in the index of keys.
        user = None if new.key is None else ""  # type: ignore[assignment]
    return (
        first | event.seq,
        event.kind,
        user,
        event.time,
        None if ordinal is UNSET else ordinal,
        new.key,
        new.digest,
        None if target is UNSET and event.post is UNSET else indexed_target(event),
        None,
        stamp,
        mentions_column(new.mentions) if new.mentions else None,
        new.blob,
    )


def indexed_target(event: Event) -> int | None:
    """Return the column `target`: of an edit its message, of a comment its post, negative. Of others it is empty."""
    if event.post is not UNSET:
        return -event.post
    return event.target if event.kind == "edit" and event.target is not UNSET else None


def add_rooms(batch: Batch, writes: WriteSet, last_messages: dict[int, int]) -> None:
    changed = writes.rooms
    if writes.created:
        batch.created = [
            new_room_row(room, last_messages.get(room.number, 0), writes.stamp) for room in writes.created
        ]
        made = {room.number for room in writes.created}
        changed = {number: room for number, room in writes.rooms.items() if number not in made}
    rooms: list[Row] = []
    altered: list[Row] = []
    for number, room in changed.items():
        rooms.append(changed_room_row(room, last_messages.get(number, 0), writes.stamp))
        if writes.alters(room):
            altered.append(altered_room_row(room))
    batch.rooms, batch.altered = rooms, altered
