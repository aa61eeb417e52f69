"""The announcement of a group: a message that its members are shown first (protocol.md "Governed groups"). Synchronous
and pure. A message that goes takes its announcement along (core/removal.py).
"""

from msgspec import UNSET, structs

from chatd.core.governance import kept_details
from chatd.core.idempotency import acknowledgement, first_time, once
from chatd.core.may_post import check_not_silenced
from chatd.core.messages import target_of
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.removal import check_not_recalled
from chatd.core.write_set import WriteSet
from chatd.protocol.groups import Announce
from chatd.protocol.messages import Event, WriteOk


@once
def announce(user: str, request: Announce, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Make a message the announcement of its room, or take the announcement away."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, "announce")
    check_not_silenced(member, writes.now)
    if request.target:
        check_not_recalled(target_of(room, member, request.target, reads))
    before = room.details.announcement
    if request.target == before:
        return WriteOk(duplicate=True)
    details = structs.replace(room.details, announcement=request.target)
    writes.touch(room).details = kept_details(details)
    writes.refreshed[room.number, ""] = room
    is_set = request.target > 0
    event = Event(seq=0, kind="announcement", user=user or UNSET, target=request.target or before, set=is_set)
    return acknowledgement(request, writes.append(room, event, key=request.key, digest=digest))
