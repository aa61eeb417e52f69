"""Unread counting.

The problem. The unread number of a room is shown in the chat list, on the badge of the app and in each reply to a
`read`, on every device of the user, and it must be the same everywhere. A hello asks for it in all rooms of a user,
who may have been away for weeks; a send changes it for all members of a room but one. So neither may cost much:

- Counting the log at each hello reads every message that was missed, in every room.
- A counter in each member row makes a send to 500 members write 500 rows.

The invariant. A message counts unless it is silent; only such a message has an `ordinal`, the number of countable
messages in its room up to it. For each member of a room, at each commit,

    unread = room.ordinal - member.read_ordinal - member.own_unread

is the number of countable messages of others after `member.read`. `read_ordinal` is the number of countable messages
up to `read`; `own_unread` is the number of countable messages after it that the member wrote, or whose author they
blocked when it came (`NewEvent.ignored`): neither is unread for them. A new member starts at the end of the log. A
recalled message still counts: it keeps its ordinal. Mentions are counted in the rows of those who are mentioned,
because they are few: a mention of everybody counts only in rooms of up to `Rules.full_members`.

As messages come. A send raises `room.ordinal`, in a row it writes anyway, and so counts for all members at once. It
also raises `own_unread` of its author, and a write of that row would cost one more page a send. In memory it is raised
at once (`count_own`). On the disk it waits: from seq `room.uncounted` on, the stored rows of members count no own
messages, and readers of the store add them from that end of the log, at most UNCOUNTED_EVENTS_MAX events. `count_out`
ends this for a room when the end becomes that long, or when the batch stores a member row of the room for another
reason: that row has everything counted, and a reader would count it twice. It writes only `own_unread` of the authors,
and leaves the stamps of the rows alone, because nothing changed for anybody. What members ignore is seldom, and is
stored at once (`count_ignored`): readers of that end of the log need not look for it.

As messages are read. A read up to the end of the log sets all counters to zero. Any other one is counted in the log,
over the shorter of two spans: the events it passes, whose counters are subtracted, or those it leaves (`span_of_read`,
`tail_of`). Stored events never change in what they count, so spans are read before the decision, and the events of the
batch itself are added (`read_state.tail_after`). A batch looks at no more than COUNTED_EVENTS_MAX events for its reads.

As messages are purged. Groups and channels lose the beginning of their log: nobody has anything unread below
`room.purged_ordinal`, so it takes the place of a lower `read_ordinal`, and no row is written for those who are behind
it, but for those with own messages or mentions among what goes. In direct rooms it may be a part of the middle: there
what is gone counts like an own message (core/retention.py).

In SQL. The rules stand here and in `Member.unread`, and again as three statements of the SQLite store: UNREAD in
room_rows.py is the equation, UNCOUNTED in read_set.py adds own messages when a room is loaded, COUNTED there is
`count`. tests/contracts/test_store_unread.py compares all of them with a model that counts each message, over random
histories, and every store has to pass it.
"""

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from chatd.core.read_set import Counted, Tail, UnreadSpan
from chatd.core.room import Member, Room
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.messages import EVERYBODY

# Events that a reader may have to look at in each room: one or two pages of the log.
UNCOUNTED_EVENTS_MAX = 16

# Events that a batch looks at for all its reads: about 5 ms of the one writer.
COUNTED_EVENTS_MAX = 4_096


def count(events: Iterable[NewEvent], user: str) -> Counted:
    """Count events of one room, as they concern `user`. A store counts its log by the same rule."""
    messages = own = mentions = 0
    for new in events:
        if new.event.ordinal is UNSET:
            continue
        messages += 1
        if new.event.user == user or user in new.ignored:
            own += 1
        else:
            mentions += user in new.mentions or EVERYBODY in new.mentions
    return Counted(messages, own, mentions)


def span_of_read(room: Room, member: Member, seq: int) -> UnreadSpan:
    """Return the shorter of two spans: the events that a read up to `seq` passes, and those it leaves."""
    passed, left = (
        UnreadSpan(room.number, member.user, member.read, seq),
        UnreadSpan(room.number, member.user, seq, room.seq),
    )
    return min(passed, left, key=lambda span: span.events)


def tail_of(room: Room, member: Member, span: UnreadSpan, counted: Counted) -> Tail:
    """Return the counters after a read, from those of one of its two spans."""
    if span.high == room.seq:
        return Tail(room.ordinal - counted.messages, counted.own, counted.mentions)
    ordinal = max(member.read_ordinal, room.purged_ordinal) + counted.messages
    return Tail(ordinal, member.own_unread - counted.own, member.mentions - counted.mentions)


def added(left: Counted, right: Counted) -> Counted:
    """Return the counters of two spans together."""
    return Counted(left.messages + right.messages, left.own + right.own, left.mentions + right.mentions)


def count_own(room: Room, author: Member, writes: WriteSet) -> None:
    """Count a message for its author as not unread.

    Call it just before the message is added to the log of `room`, which this batch has touched.
    """
    writes.save_member_image(room, author.user)
    author.own_unread += 1
    room.uncounted = room.uncounted or room.seq + 1
    if author.user not in room.uncounted_by:
        room.uncounted_by |= {author.user}


def count_ignored(room: Room, member: Member, writes: WriteSet) -> None:
    """Count a message like an own one for a member who ignores it, and store that with the batch.

    Call it after `count_own` for its author.
    """
    count_own(room, member, writes)
    writes.counted[room.number, member.user] = member


def count_purged(room: Room, purged: Sequence[NewEvent], writes: WriteSet, told_members: int) -> None:
    """Let these messages, in ascending order, count no more. Those of groups and channels are the first ones.

    In rooms of up to `told_members` those for whom it changes something are shown the room.
    """
    if not purged:
        return
    if not room.direct:
        assert purged[-1].event.ordinal is not UNSET
        room.purged_ordinal = max(room.purged_ordinal, purged[-1].event.ordinal)
    for member in room.behind(purged[-1].event.seq):
        if room.direct or member.own_unread or member.mentions:
            counted = count([new for new in purged if new.event.seq > member.read], member.user)
            if room.direct:
                own, mentions = counted.messages - counted.own, counted.mentions
            else:
                own, mentions = -counted.own, counted.mentions
            if own or mentions:
                member = writes.touch_member(room, member.user)
                member.own_unread += own
                member.mentions -= mentions
        if room.scale <= told_members:
            writes.refreshed[room.number, member.user] = room


def count_out(writes: WriteSet) -> None:
    """Let the batch store the own messages of rooms where they became many, or where it stores a member anyway.

    Call it once, after the last decision.
    """
    stored = {number for number, _ in writes.members}
    if writes.counted:
        stored.update([number for number, _ in writes.counted])
    for room in writes.touched:
        if room.uncounted and (is_due(room) or room.number in stored):
            writes.save_image(room)
            for user in room.uncounted_by:
                writes.counted[room.number, user] = room.members.get(user) or room.former[user]
            room.uncounted, room.uncounted_by = 0, frozenset()
            writes.counted_rooms.append(room.number)


def is_due(room: Room) -> bool:
    """Whether the uncounted end of the log is as long as it may be."""
    return room.seq - room.uncounted + 1 >= UNCOUNTED_EVENTS_MAX
