"""What is unread is counted as it comes, never from the whole log: how far a member read, and what of it is their own.

Own messages are not unread for their author: counted in memory at once, in the store a few at a time.

A send that changed the row of its author as well would write a page more. So a room says from which seq on its
member rows count no own messages, `uncounted`; whoever reads the store counts those few in the log.
"""

from collections.abc import Iterable

from msgspec import UNSET

from chatd.core.read_set import Counted, Tail, UnreadSpan
from chatd.core.room import Member, Room
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.messages import EVERYBODY

UNCOUNTED_EVENTS_MAX = (
    16  # what a reader may have to look at in each room: within one or two pages of the log
)


COUNTED_EVENTS_MAX = 4_096  # that a batch looks at for all its reads: about 5 ms of the one writer


def count(events: Iterable[NewEvent], user: str) -> Counted:
    """What stands in events of one room, as they concern `user`. A store counts by the same rule in its log."""
    messages = own = mentions = 0
    for new in events:
        if new.event.ordinal is UNSET:
            continue
        messages += 1
        if new.event.user == user:
            own += 1
        else:
            mentions += user in new.mentions or EVERYBODY in new.mentions
    return Counted(messages, own, mentions)


def span_of_read(room: Room, member: Member, seq: int) -> UnreadSpan:
    """The shorter of the two spans that tell what is unread after a read of `seq`: what it passes, what it leaves."""
    passed, left = (
        UnreadSpan(room.number, member.user, member.read, seq),
        UnreadSpan(room.number, member.user, seq, room.seq),
    )
    return min(passed, left, key=lambda span: span.events)


def tail_of(room: Room, member: Member, span: UnreadSpan, counted: Counted) -> Tail:
    """What is unread after a read, from one of the two spans of it."""
    if span.high == room.seq:
        return Tail(room.ordinal - counted.messages, counted.own, counted.mentions)
    ordinal = member.read_ordinal + counted.messages
    return Tail(ordinal, member.own_unread - counted.own, member.mentions - counted.mentions)


def added(one: Counted, other: Counted) -> Counted:
    """What stands in two spans together."""
    return Counted(one.messages + other.messages, one.own + other.own, one.mentions + other.mentions)


def count_own(room: Room, author: Member, writes: WriteSet) -> None:
    """Count the countable message that `author` is about to add to the log of `room`, a room of this batch."""
    writes.save_member_image(room, author.user)
    author.own_unread += 1
    room.uncounted = room.uncounted or room.seq + 1
    if author.user not in room.uncounted_by:
        room.uncounted_by |= {author.user}


def count_out(writes: WriteSet) -> None:
    """Have the batch store what is uncounted where it became much, or where it stores a member: his row counts all.

    Call it once, when everything is decided.
    """
    stored = {number for number, _ in writes.members}
    for room in writes.touched:
        if room.uncounted and (is_due(room) or room.number in stored):
            writes.save_image(room)
            for user in room.uncounted_by:
                writes.counted[room.number, user] = room.members.get(user) or room.former[user]
            room.uncounted, room.uncounted_by = 0, frozenset()
            writes.counted_rooms.append(room.number)


def is_due(room: Room) -> bool:
    """Has the uncounted end of the log become as long as it may be?"""
    return room.seq - room.uncounted + 1 >= UNCOUNTED_EVENTS_MAX
