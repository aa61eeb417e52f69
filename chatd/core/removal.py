"""The removal of content: nothing else takes a text from a message or an event. Synchronous and pure.

Whoever removes a message, its author, an admin, the host or an erasure, ends here. A message that is recalled keeps its
place, its number and its ordinal, so that neither a gap nor an unread number changes; the text goes, from the message
and from the edits that carried it. Each of them is emptied in the commit that says so.
"""

from dataclasses import dataclass

from msgspec import UNSET

from chatd.core.room import Room
from chatd.core.visibility import text_of
from chatd.core.write_set import Message, NewEvent, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event

# The events that supersede all earlier edits of their message. Each empties the edit before it in the store, so a
# recall has one to empty, however often the message was edited.
SUPERSEDING = ("edit", "recall")


@dataclass(slots=True, frozen=True)
class SupersededEdits:
    """A record: the edits of the message `target` below `seq` lose their text."""

    room: int
    target: int
    seq: int


@dataclass(slots=True, frozen=True)
class FoldedLog:
    """A record: the operations of a room from `low` up to below `floor` are dropped."""

    room: int
    low: int
    floor: int


def check_not_recalled(message: Message) -> None:
    if message.event.recalled is True:
        raise Refused("conflict", "the message was recalled", field="target")


def recall(message: Message, writes: WriteSet) -> None:
    """Take the text from a message, and from those edits of it that are in this batch, before they are pushed.

    The edits in the store are emptied by the operation that says so: see `supersede`.
    """
    message.event.body = UNSET
    message.event.recalled = True
    for step in writes.steps.get(message.room.number, ()):
        if isinstance(step, NewEvent) and text_of(step.event) == message.event.seq:
            step.blob = emptied(step.event)


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
