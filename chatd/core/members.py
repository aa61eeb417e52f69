"""Decisions on the members of rooms (protocol.md "Rooms and members"). Synchronous and pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET

from chatd.core.channels import check_staff
from chatd.core.extras import BANNED_UNTIL, CLEARED, SAW_FROM, put_extra
from chatd.core.governance import hides_members, rule
from chatd.core.held_files import drop_wallpaper
from chatd.core.idempotency import acknowledgement, first_time, once, unlogged
from chatd.core.joining import drop_join, join_of, take_back
from chatd.core.own_view import cleared_before
from chatd.core.permissions import HOST, authorize
from chatd.core.push_alerts import alert
from chatd.core.read_set import ReadSet, most_rooms
from chatd.core.room import Member, Room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Mutation
from chatd.protocol.errors import Refused
from chatd.protocol.limits import RECENT_EVENTS
from chatd.protocol.members import (
    MembersRole,
    Role,
    RoleOf,
    RoomLeave,
)
from chatd.protocol.messages import Event, WriteOk
from chatd.protocol.rooms import GoneReason

# Bytes of a room and of a member on the disk, indexes and counters included.
ROOM_BYTES = 400
MEMBER_BYTES = 250
UTF8_BYTES_MAX = 4  # of a character


def check_capacity(count: int, reads: ReadSet, room: Room | None = None) -> None:
    if count > reads.rules.group_members and (room is None or not room.is_channel):
        raise Refused("room_full", f"a group has at most {reads.rules.group_members} members")


def rooms_of(user: str, writes: WriteSet, reads: ReadSet) -> int:
    """Return the number of rooms of `user`, with the decisions of this batch so far."""
    return reads.memberships.get(user, 0) + writes.memberships.get(user, 0)


def check_own_rooms(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused("quota") when `user` may not create or join one more room."""
    most = most_rooms(reads.rules.rooms_per_user)
    if rooms_of(user, writes, reads) >= most:
        raise Refused("quota", f"a user is in at most {most} rooms")


def is_full(user: str, writes: WriteSet, reads: ReadSet) -> bool:
    """Whether `user` is in as many rooms as others may add them to."""
    return rooms_of(user, writes, reads) >= reads.rules.rooms_per_user


def is_automated(user: str, reads: ReadSet) -> bool:
    """Whether a user who asks for a room or adds members is a bot or an official account."""
    account = reads.accounts.get(user)
    return account is not None and account.is_automated


@dataclass(slots=True, frozen=True)
class MembershipChange:
    """A request to change members, its author and its digest."""

    user: str
    request: Mutation
    digest: int


def add_member(room: Room, user: str, role: Role, writes: WriteSet, reads: ReadSet) -> None:
    """Make `user` a member, who sees as much of the log as newcomers do, without what they cleared.

    A former member keeps their extras. What they asked for, or were offered, is over.
    """
    drop_join(room, user, writes, reads)
    former = room.former.get(user)
    first = first_visible(room)
    member = Member(user, role, writes.now, first, read=room.seq, read_ordinal=room.ordinal)
    account = reads.accounts.get(user)
    member.receipts = account is None or account.receipts
    if former is not None and former.extras:
        member.extras = former.extras
        cleared = cleared_before(former)
        put_extra(member, CLEARED, cleared)
        put_extra(member, SAW_FROM, first if cleared > first else None)
        put_extra(member, BANNED_UNTIL, None)
        member.first_visible = max(first, cleared)
    writes.add_member(room, member)
    if account is not None and account.is_automated and reads.rules.bots and not room.is_channel:
        room.bots |= {user}


def first_visible(room: Room) -> int:
    """Return the event from which on newcomers see a room: its next one, unless its rules show them more."""
    shown = rule(room, "history") if room.governed else "none"
    if room.details.channel:
        # Comments are for everybody who follows the channel.
        shown = "all"
    seen = {"none": 0, "recent": RECENT_EVENTS, "all": room.seq}[shown]
    return max(room.purged + 1, room.seq + 1 - seen)


def log_membership(
    room: Room,
    kind: str,
    users: list[str],
    change: MembershipChange,
    writes: WriteSet,
    *,
    largest: int,
    large: int,
) -> WriteOk:
    """Log who joined or left, except in a room of more than `large` members, or one that hides them.

    `largest`: members before or after the change, whichever is more.
    """
    writes.refreshed[room.number, "*"] = room
    if largest > large or hides_members(room):
        return unlogged(room, change.user, change.request, change.digest, writes)
    event = Event(seq=0, kind=kind, user=change.user or UNSET, users=list(users))
    return acknowledgement(
        change.request, writes.append(room, event, key=change.request.key, digest=change.digest)
    )


@once
def leave(user: str, request: RoomLeave, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Leave; when no owner is left, `Room.successor` becomes one in the same commit."""
    digest = first_time(user, request, writes, reads)
    room = reads.rooms.get(request.room)
    if room is not None and user not in room.members and join_of(room, user, reads).kind:
        take_back(room, user, writes, reads)
        return WriteOk(time=writes.now)
    if room is not None and user in room.former and room.former[user].gone == "left":
        return WriteOk(duplicate=True)
    room, _ = authorize(room, user, "leave")
    reply = end_memberships(room, [user], "left", MembershipChange(user, request, digest), writes, reads)
    ensure_owner(room, user, writes)
    return reply


def begin_memberships(
    room: Room, users: list[str], change: MembershipChange, writes: WriteSet, reads: ReadSet
) -> WriteOk:
    """Begin memberships and log it; new members are sent the room before the event."""
    writes.spend("bytes", change.user, MEMBER_BYTES * len(users))
    for other in users:
        has_asked = join_of(room, other, reads).kind == "asked"
        alert(other, "accepted" if has_asked else "invite", change.user, writes, reads, room.number)
        add_member(room, other, "member", writes, reads)
    large = reads.rules.large_members
    return log_membership(room, "joined", users, change, writes, largest=room.scale, large=large)


def end_memberships(
    room: Room,
    users: list[str],
    reason: GoneReason,
    change: MembershipChange,
    writes: WriteSet,
    reads: ReadSet,
) -> WriteOk:
    """End memberships and log it; former members are sent `gone` and nothing of the log from here on. The log says
    `removed` of who is banned, too.
    """
    largest = room.scale
    writes.spend("bytes", change.user, MEMBER_BYTES * len(users))
    for other in users:
        drop_wallpaper(room, other, writes, reads)
        writes.remove_member(room, other, reason)
    kind = "removed" if reason == "banned" else reason
    return log_membership(room, kind, users, change, writes, largest=largest, large=reads.rules.large_members)


@once
def set_roles(user: str, request: MembersRole, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Set roles; a group keeps at least one owner."""
    digest = first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "role")
    wanted = {row.user: row.role for row in request.users}
    if any(other not in room.members for other in wanted):
        raise Refused("not_found", "not a member", field="users")
    check_keeps_owner(room, wanted)
    check_staff(room, wanted, reads)
    changed = {other: role for other, role in wanted.items() if room.members[other].role != role}
    if not changed:
        return WriteOk(duplicate=True)
    return give_roles(room, changed, MembershipChange(user, request, digest), writes)


def give_roles(
    room: Room, roles: dict[str, Role], change: MembershipChange, writes: WriteSet, *, keyed: bool = True
) -> WriteOk:
    """Give members other roles and log it."""
    for other, role in roles.items():
        give_role(room, other, role, writes)
    rows: list[str | RoleOf] = [RoleOf(other, role) for other, role in roles.items()]
    event = Event(seq=0, kind="role", user=change.user or UNSET, users=rows)
    key, digest = (change.request.key, change.digest) if keyed else (None, None)
    return acknowledgement(change.request, writes.append(room, event, key=key, digest=digest))


def check_keeps_owner(room: Room, wanted: Mapping[str, Role]) -> None:
    """Refuse roles that leave a group of users without an owner. A group of the host needs none."""
    if room.creator != HOST and not room.keeps_owner(wanted):
        raise Refused("forbidden", "a group keeps an owner")


def ensure_owner(room: Room, actor: str, writes: WriteSet) -> None:
    """Make `Room.successor` the owner when there is none, and log it. Nobody takes over a group of the host."""
    successor = None if room.creator == HOST else room.successor()
    if successor is not None:
        give_role(room, successor.user, "owner", writes)
        users: list[str | RoleOf] = [RoleOf(successor.user, "owner")]
        writes.append(room, Event(seq=0, kind="role", user=actor or UNSET, users=users))


def give_role(room: Room, user: str, role: Role, writes: WriteSet) -> None:
    writes.touch_member(room, user).role = role
    writes.refreshed[room.number, user] = room
