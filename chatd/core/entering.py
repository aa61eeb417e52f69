"""Decisions by which users enter groups, or are added to them (protocol.md "Rooms and members", "Entering groups").
Synchronous and pure.
"""

from collections.abc import Iterable

from msgspec import UNSET, UnsetType

from chatd.core.channels import check_followed, check_staff, follows_enough
from chatd.core.idempotency import first_time, once
from chatd.core.joining import (
    Entrants,
    Join,
    Step,
    ask,
    check_waiting,
    entrants,
    join_of,
    let_wait,
    state_of,
    step,
    way_in,
)
from chatd.core.members import (
    MembershipChange,
    begin_memberships,
    check_capacity,
    check_keeps_owner,
    check_own_rooms,
    ensure_owner,
    give_roles,
    is_automated,
    is_full,
)
from chatd.core.permissions import HOST, authorize, member_of
from chatd.core.privacy import Outcome, Relation
from chatd.core.read_set import ReadSet
from chatd.core.restrictions import check_conversation
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import RoomMutation
from chatd.protocol.members import MembersAdd, Role, RoomJoin, Users
from chatd.protocol.messages import WriteOk


class SetMembers(RoomMutation, tag="members.set", frozen=True, kw_only=True):
    """Make these users members, and give all of them `role` if there is one; new ones are plain members without."""

    users: Users
    role: Role | UnsetType = UNSET


@once
def join(user: str, request: RoomJoin, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Join a group, or ask its admins; one that takes nobody is refused like one that does not exist."""
    digest = first_time(user, request, writes, reads)
    room = joinable(reads.rooms.get(request.room), user)
    after, answer = joined(room, user, writes, reads)
    if answer:
        return WriteOk(duplicate=True, requested=after != "in")
    reads.allowances.check("joins", user, 1, writes, reads.now_s)
    if after == "asked":
        check_waiting(room, 1, reads)
        by = join_of(room, user, reads).by
        ask(room, Join(room.number, user, by=by, text=request.text), writes, reads)
        writes.spend("joins", user, 1)
        return WriteOk(time=writes.now, requested=True)
    check_capacity(room.size + 1, reads, room)
    check_own_rooms(user, writes, reads)
    check_followed(room, user, writes, reads)
    writes.spend("joins", user, 1)
    reply = begin_memberships(room, [user], MembershipChange(user, request, digest), writes, reads)
    # A group that everybody had left has no owner.
    ensure_owner(room, user, writes)
    return reply


def joined(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> Step:
    """Return how `user` stands to a group once they join it; raise Refused when they may not."""
    found = step(state_of(room, user, writes, reads), way_in(room, user, reads))
    if found.answer == "refused":
        member_of(room, user)
    return found


def joinable(room: Room | None, user: str) -> Room:
    """Return a group, which says itself whether `user` may join it; raise Refused for any other room."""
    if room is None or room.direct or room.deleted_by is not None:
        member_of(room, user)
    assert room is not None
    return room


@once
def add(user: str, request: MembersAdd, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Add users; those who are members already are skipped."""
    digest = first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "add")
    check_conversation(user, writes, reads)
    others = [other for other in dict.fromkeys(request.users) if other not in room.members]
    found = entrants(room, user, others, answers(user, others, writes, reads, room), writes, reads)
    check_entrants(room, user, found, writes, reads)
    return enter(room, found, MembershipChange(user, request, digest), writes, reads)


def check_entrants(room: Room, actor: str, found: Entrants, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused when these are more users than a group takes, or than one user may put into rooms."""
    check_capacity(room.size + len(found.fresh), reads, room)
    check_waiting(room, len(found.asked), reads)
    reads.allowances.check("added", actor, len(found.fresh) + found.waiting, writes, reads.now_s)


def enter(room: Room, found: Entrants, change: MembershipChange, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Begin memberships, and let those wait whom an admin has to let in, or who have to agree."""
    reply = WriteOk(duplicate=True)
    if found.waiting:
        reply = WriteOk(time=writes.now)
        let_wait(room, change.user, found, writes, reads)
    if found.fresh:
        reply = begin_memberships(room, found.fresh, change, writes, reads)
    writes.spend("added", change.user, len(found.fresh) + found.waiting)
    reply.requested = bool(found.asked)
    reply.offered = found.offered + found.invited or UNSET
    reply.not_added = found.left_out or UNSET
    return reply


@once
def set_members(user: str, request: SetMembers, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Add users who are no members yet, and set the role of all: what the API asks for, in one commit."""
    digest = first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "add")
    wanted = dict.fromkeys(request.users)
    others = [other for other in wanted if other not in room.members]
    found = entrants(room, user, others, answers(user, others, writes, reads, room), writes, reads)
    out = {*found.asked, *found.offered, *found.invited, *found.left_out}
    changed = changed_roles(room, [other for other in wanted if other not in out], request.role)
    if changed:
        authorize(room, user, "role")
        check_keeps_owner(room, changed)
        check_staff(room, changed, reads)
    change = MembershipChange(user, request, digest)
    if found.fresh or found.waiting:
        check_conversation(user, writes, reads)
        check_entrants(room, user, found, writes, reads)
    reply = enter(room, found, change, writes, reads)
    if changed:
        # The key is that of the first event.
        first = give_roles(room, changed, change, writes, keyed=not found.fresh)
        first.requested, first.offered, first.not_added = reply.requested, reply.offered, reply.not_added
        return first
    return reply


def changed_roles(room: Room, users: list[str], role: Role | UnsetType) -> dict[str, Role]:
    """Return the roles to give, by user: of those who have another one, or would, once they are members."""
    if role is UNSET:
        return {}
    members = room.members
    return {user: role for user in users if (members[user].role if user in members else "member") != role}


def answers(
    actor: str, users: Iterable[str], writes: WriteSet, reads: ReadSet, room: Room | None = None
) -> dict[str, Outcome]:
    """Return for each of these users whether `actor` may add them to `room`, or a new one, or has to ask them."""
    in_channel = room is not None and room.is_channel
    found: dict[str, Outcome] = {}
    for user in users:
        if is_full(user, writes, reads) or (in_channel and follows_enough(user, writes, reads)):
            found[user] = "no"
        elif lets_add(user, actor, reads):
            found[user] = "yes"
        else:
            relation = reads.records_of(Relation).get((actor, user))
            asks = relation is not None and relation.asks("add", reads.rules.people.bounds)
            found[user] = "ask" if asks else "no"
    return found


def lets_add(user: str, actor: str, reads: ReadSet) -> bool:
    """Whether `user` lets `actor` add them to groups. Nobody keeps the host from it."""
    if not reads.rules.people.enabled:
        account = reads.accounts.get(user)
        is_closed = account is not None and account.disabled
        return actor == HOST or not (is_closed or is_automated(actor, reads))
    relation = reads.records_of(Relation).get((actor, user))
    return relation is None or relation.takes("add", reads.rules.people.bounds)
