"""Own messages are not unread for their author: counted in memory at once, in the store a few at a time.

A send that changed the row of its author as well would write a page more. So a room says from which seq on its
member rows count no own messages, `uncounted`; whoever reads the store counts those few in the log.
"""

from chatd.core.rooms import Member, Room
from chatd.core.work import Work

UNCOUNTED_EVENTS_MAX = (
    16  # what a reader may have to look at in each room: within one or two pages of the log
)


def count_own(room: Room, author: Member, work: Work) -> None:
    """Count the countable message that `author` is about to add to the log of `room`, a room of this batch."""
    work.remember(room, author.user)
    author.own_unread += 1
    room.uncounted = room.uncounted or room.seq + 1
    if author.user not in room.uncounted_by:
        room.uncounted_by |= {author.user}


def count_out(work: Work) -> None:
    """Have the batch store what is uncounted where it became much, or where it stores a member: his row counts all.

    Call it once, when everything is decided.
    """
    stored = {number for number, _ in work.members}
    for room in work.touched:
        if room.uncounted and (is_due(room) or room.number in stored):
            work.image(room)
            for user in room.uncounted_by:
                work.counted[room.number, user] = room.members.get(user) or room.former[user]
            room.uncounted, room.uncounted_by = 0, frozenset()
            work.counted_rooms.append(room.number)


def is_due(room: Room) -> bool:
    """Has the uncounted end of the log become as long as it may be?"""
    return room.seq - room.uncounted + 1 >= UNCOUNTED_EVENTS_MAX
