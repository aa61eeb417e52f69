"""A `Work` as rows: everything a commit writes, copied out before the commit begins.

The copy is what makes a commit safe to wait for: whoever waits may be cancelled, and may put the rooms back
as they were, while the rows are being written in another thread.
"""

from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import NewEvent, Work
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
    folds: list[Row] = field(default_factory=list)
    created: list[Row] = field(default_factory=list)
    rooms: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    memberships: list[Row] = field(default_factory=list)
    counted: list[Row] = field(default_factory=list)
    counted_rooms: list[Row] = field(default_factory=list)
    pairs: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    edited: list[Row] = field(default_factory=list)  # (room, target, position): earlier edits are emptied
    recalled: list[Row] = field(default_factory=list)
    reactions: list[tuple[bool, Row]] = field(default_factory=list)
    unlogged: list[Row] = field(default_factory=list)
    forgotten: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    devices: list[Row] = field(default_factory=list)
    forgotten_devices: list[Row] = field(default_factory=list)


def batch_of(work: Work) -> Batch:
    """The rows of `work`; later changes to its rooms and members do not reach them."""
    batch = Batch(work.stamp)
    last_messages = add_events(batch, work)
    add_rooms(batch, work, last_messages)
    batch.members = [member_row(room, member, work.stamp) for (room, _), member in work.members.items()]
    batch.memberships = [moved for moved in work.memberships.items() if moved[1]]
    batch.counted = [(member.own_unread, *place) for place, member in work.counted.items()]
    batch.counted_rooms = [(number,) for number in work.counted_rooms if number not in work.rooms]
    batch.pairs = [(room, a, b) for a, b, room in work.pairs]
    batch.messages = [
        (encode(message.event), none_if_unset(message.event.changed), position(room, seq))
        for (room, seq), message in work.messages.items()
    ]
    batch.recalled = [(room, target, position(room + 1, 0)) for room, target in work.recalled]
    batch.reactions = [(row.set, (row.room, row.seq, row.user, row.emoji)) for row in work.reactions]
    batch.unlogged = [(*place, digest, work.now) for place, digest in work.unlogged.items()]
    batch.forgotten = [(work.forget_keys,)] if work.forget_keys else []
    batch.folds = [(room, position(room, floor)) for room, floor in work.folds]
    add_accounts(batch, work)
    return batch


def none_if_unset(value: int | UnsetType) -> int | None:
    return None if value is UNSET else value


def add_events(batch: Batch, work: Work) -> dict[int, int]:
    """The new events; by room the newest message among them."""
    last_messages: dict[int, int] = {}
    add = batch.events.append
    for number, steps in work.steps.items():
        first = number << SEQ_BITS
        for step in steps:
            if type(step) is NewEvent:
                add(event_row(first, step, work.stamp))
                if step.event.kind == MESSAGE:
                    last_messages[number] = step.event.seq
                elif step.event.kind == "edit":
                    batch.edited.append((number, step.event.target, first | step.event.seq))
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


def add_rooms(batch: Batch, work: Work, last_messages: dict[int, int]) -> None:
    made = {room.number for room in work.created}
    batch.created = [
        new_room_row(room, last_messages.get(room.number, 0), work.stamp) for room in work.created
    ]
    batch.rooms = [
        changed_room_row(room, last_messages.get(number, 0), work.stamp)
        for number, room in work.rooms.items()
        if number not in made
    ]


def add_accounts(batch: Batch, work: Work) -> None:
    devices: dict[Row, DeviceSeen] = {}  # the last change of each
    for change in work.accounts:
        if isinstance(change, Account):
            batch.accounts.append(account_row(change))
        else:
            devices[change.user, change.device] = change
    batch.devices = [device_row(device) for device in devices.values() if device.matters]
    batch.forgotten_devices = [place for place, device in devices.items() if not device.matters]
