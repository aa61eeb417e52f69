"""A `WriteSet` as rows: everything a commit writes, copied out before the commit begins.

The copy is what makes a commit safe to wait for: whoever waits may be cancelled, and may put the rooms back
as they were, while the rows are being written in another thread.
"""

from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.objects import MESSAGE
from chatd.storage.sqlite.rows import (
    SEQ_BITS,
    Row,
    account_row,
    changed_room_row,
    device_row,
    member_row,
    mentions_column,
    new_room_row,
    position,
)


@dataclass(slots=True)
class Batch:
    """Parameters of the statements of one commit, in the order they are run."""

    stamp: int
    compactions: list[Row] = field(default_factory=list)
    created: list[Row] = field(default_factory=list)
    rooms: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    memberships: list[Row] = field(default_factory=list)
    counted: list[Row] = field(default_factory=list)
    counted_rooms: list[Row] = field(default_factory=list)
    pairs: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    superseded: list[Row] = field(default_factory=list)  # (room, target, position): earlier edits are emptied
    reactions: list[tuple[bool, Row]] = field(default_factory=list)
    unlogged: list[Row] = field(default_factory=list)
    forgotten: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    devices: list[Row] = field(default_factory=list)
    forgotten_devices: list[Row] = field(default_factory=list)


def batch_of(writes: WriteSet) -> Batch:
    """The rows of `writes`; later changes to its rooms and members do not reach them."""
    batch = Batch(writes.stamp)
    last_messages = add_events(batch, writes)
    add_rooms(batch, writes, last_messages)
    batch.members = [member_row(room, member, writes.stamp) for (room, _), member in writes.members.items()]
    batch.memberships = [moved for moved in writes.memberships.items() if moved[1]]
    batch.counted = [(member.own_unread, *place) for place, member in writes.counted.items()]
    batch.counted_rooms = [(number,) for number in writes.counted_rooms if number not in writes.rooms]
    batch.pairs = [(room, a, b) for a, b, room in writes.pairs]
    batch.messages = [
        (encode(message.event), none_if_unset(message.event.changed), position(room, seq))
        for (room, seq), message in writes.messages.items()
    ]
    batch.superseded = [(room, target, position(room, seq)) for room, target, seq in writes.superseded]
    batch.reactions = [(row.set, (row.room, row.seq, row.user, row.emoji)) for row in writes.reactions]
    batch.unlogged = [(*place, digest, writes.now) for place, digest in writes.unlogged.items()]
    batch.forgotten = [(writes.forget_keys,)] if writes.forget_keys else []
    batch.compactions = [(room, position(room, floor)) for room, floor in writes.compactions]
    add_accounts(batch, writes)
    return batch


def none_if_unset(value: int | UnsetType) -> int | None:
    return None if value is UNSET else value


def add_events(batch: Batch, writes: WriteSet) -> dict[int, int]:
    """The new events; by room the newest message among them."""
    last_messages: dict[int, int] = {}
    add = batch.events.append
    for number, steps in writes.steps.items():
        first = number << SEQ_BITS
        for step in steps:
            if type(step) is NewEvent:
                add(event_row(first, step, writes.stamp))
                if step.event.kind == MESSAGE:
                    last_messages[number] = step.event.seq
    return last_messages


def event_row(first: int, new: NewEvent, stamp: int) -> Row:
    """One row of `events`; `first` is position 0 of its room. Runs once a message: calls nothing needless."""
    event = new.event
    user, ordinal, target = event.user, event.ordinal, event.target
    return (
        first | event.seq,
        event.kind,
        None if user is UNSET else user,
        event.time,
        None if ordinal is UNSET else ordinal,
        new.key,
        new.digest,
        target if event.kind == "edit" else None,
        None,
        stamp,
        mentions_column(new.mentions) if new.mentions else None,
        new.blob,
    )


def add_rooms(batch: Batch, writes: WriteSet, last_messages: dict[int, int]) -> None:
    made = {room.number for room in writes.created}
    batch.created = [
        new_room_row(room, last_messages.get(room.number, 0), writes.stamp) for room in writes.created
    ]
    batch.rooms = [
        changed_room_row(room, last_messages.get(number, 0), writes.stamp)
        for number, room in writes.rooms.items()
        if number not in made
    ]


def add_accounts(batch: Batch, writes: WriteSet) -> None:
    devices: dict[Row, DeviceSeen] = {}  # the last change of each
    for change in writes.accounts:
        if isinstance(change, Account):
            batch.accounts.append(account_row(change))
        else:
            devices[change.user, change.device] = change
    batch.devices = [device_row(device) for device in devices.values() if device.matters]
    batch.forgotten_devices = [place for place, device in devices.items() if not device.matters]
