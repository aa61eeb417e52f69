"""The nicknames of members, and silence (protocol.md "Governed groups"). Synchronous and pure."""

from msgspec import UNSET

from chatd.core.extras import NICKNAME, SILENCED, extra, put_extra
from chatd.core.governance import hides_members
from chatd.core.idempotency import acknowledgement, first_time, once, unlogged
from chatd.core.may_post import check_not_silenced, silenced_until
from chatd.core.names import checked
from chatd.core.permissions import authorize, outranks
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.users import FOR_EVER
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.groups import MembersNickname, MembersSilence
from chatd.protocol.limits import NAME_MAX
from chatd.protocol.messages import Event, WriteOk


@once
def silence(user: str, request: MembersSilence, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Keep members from writing until a time, or let them write again; users who are no members are
    skipped. A room that hides its members logs no event for it.
    """
    digest = first_time(user, request, writes, reads)
    room, actor = authorize(reads.rooms.get(request.room), user, "silence")
    until = request.until
    if until not in (0, FOR_EVER) and until <= writes.now:
        raise Refused("bad_request", "a silence ends in the future", field="until")
    present = [other for other in dict.fromkeys(request.users) if other in room.members]
    if user in request.users or not all(outranks(actor, room.members[other]) for other in present):
        raise Refused("forbidden", "an admin silences plain members only")
    changed = [other for other in present if silenced_until(room.members[other], writes.now) != until]
    if not changed:
        return WriteOk(duplicate=True)
    for other in changed:
        put_extra(writes.touch_member(room, other), SILENCED, until)
        writes.refreshed[room.number, other] = room
    if hides_members(room):
        return unlogged(room, user, request, digest, writes)
    event = Event(seq=0, kind="silenced", user=user or UNSET, users=[*changed], until=until)
    return acknowledgement(request, writes.append(room, event, key=request.key, digest=digest))


@once
def nickname(user: str, request: MembersNickname, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Set the name of the user in a group, or take away that of another; a room that is large, or
    hides its members, logs no event for it.
    """
    digest = first_time(user, request, writes, reads)
    other = user if request.user is UNSET else request.user
    room, actor = authorize(reads.rooms.get(request.room), user, "rename" if other == user else "silence")
    name = checked(request.nickname, "nickname", NAME_MAX).strip()
    check_nickname(room, other, name, is_own=other == user)
    if other == user:
        check_not_silenced(actor, writes.now)
    elif not outranks(actor, room.members[other]):
        raise Refused("forbidden", "an admin clears nicknames of plain members only")
    if (extra(room.members[other], NICKNAME) or "") == name:
        return WriteOk(duplicate=True)
    put_extra(writes.touch_member(room, other), NICKNAME, name)
    writes.refreshed[room.number, other] = room
    if room.size > reads.rules.large_members or hides_members(room):
        return unlogged(room, user, request, digest, writes)
    event = Event(seq=0, kind="nickname", user=user or UNSET, nickname=name)
    if other != user:
        event.users = [other]
    return acknowledgement(request, writes.append(room, event, key=request.key, digest=digest))


def check_nickname(room: Room, user: str, name: str, *, is_own: bool) -> None:
    """Raise Refused when `user` is no member, or another one names them."""
    if user not in room.members:
        raise Refused("not_found", "not a member", field="user")
    if name and not is_own:
        raise Refused("forbidden", "a nickname of another member can be taken away only", field="nickname")
