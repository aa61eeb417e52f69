"""Decisions on what a user takes out of their own view of a room (protocol.md "Drafts, scheduled messages, folders").

Synchronous and pure.
"""

from collections.abc import Iterable

from chatd.core.extras import DELETED, SAW_FROM, put_extra
from chatd.core.own_view import cleared_before, saw_from, view_of
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.read_state import read
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.inbox import Clear, Delete, Range
from chatd.protocol.limits import DELETED_RANGES_MAX
from chatd.protocol.read_state import Read


def delete(user: str, request: Delete, writes: WriteSet, reads: ReadSet) -> Ok:
    """Take messages that the user has read out of their view of a room."""
    room, member = authorize(reads.rooms.get(request.room), user, "view")
    for place, (low, high) in enumerate(request.ranges):
        if not low <= high <= member.read:
            message = "first and last message, up to the read position"
            raise Refused("bad_request", message, field=f"ranges[{place}]")
    view = view_of(member)
    seen = united(request.ranges, room.seen_from(member))
    # What they deleted in an earlier membership may be seen again in a later one.
    deleted = united([*view.deleted, *seen], max(room.floor + 1, cleared_before(member)))
    if len(deleted) > DELETED_RANGES_MAX:
        raise Refused("too_large", f"at most {DELETED_RANGES_MAX} ranges: clear the room", field="ranges")
    if deleted != [*view.deleted]:
        put_extra(writes.touch_member(room, user), DELETED, deleted)
        writes.refreshed[room.number, user] = room
    return Ok()


def clear(user: str, request: Clear, writes: WriteSet, reads: ReadSet) -> Ok:
    """Take everything up to an event out of the user's view of a room; it is read with that."""
    room, member = authorize(reads.rooms.get(request.room), user, "view")
    first = min(request.seq, room.seq) + 1
    if first <= member.first_visible:
        return Ok()
    read(user, Read(room=room.name, seq=request.seq), writes, reads)
    member = writes.touch_member(room, user)
    put_extra(member, SAW_FROM, saw_from(member))
    put_extra(member, DELETED, united(view_of(member).deleted, first))
    member.first_visible = first
    writes.refreshed[room.number, user] = room
    return Ok()


def united(ranges: Iterable[Range], first: int) -> list[Range]:
    """Return ranges in their order, those joined that touch, as far as they are from `first` on.

    >>> united([(7, 9), (1, 2), (3, 5), (8, 12)], first=2)
    [(2, 5), (7, 12)]
    """
    found: list[Range] = []
    for low, high in sorted((max(low, first), high) for low, high in ranges if high >= first):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found
