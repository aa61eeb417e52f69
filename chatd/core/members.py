"""Decisions on rooms and their members (protocol.md "Rooms and members"). Synchronous and pure."""

from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec import UNSET

from chatd.core.idempotency import acknowledgement, digest_of, first_time, once, same, unlogged
from chatd.core.permissions import authorize, member_of, outranks
from chatd.core.read_set import Facts, most_rooms, pair
from chatd.core.room import DIRECT, GROUP, Member, Room
from chatd.core.write_set import Answer, Work
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import room_name
from chatd.protocol.objects import Event, GoneReason, Role, RoleOf, RoomSummary
from chatd.protocol.replies import SummaryOk, WriteOk
from chatd.protocol.requests import (
    MembersAdd,
    MembersRemove,
    MembersRole,
    RoomCreate,
    RoomDelete,
    RoomDirect,
    RoomGet,
    RoomJoin,
    RoomLeave,
    RoomMutation,
    RoomUpdate,
)

ROOM_BYTES = 400  # what a room and a member take on the disk, indexes and counters included
MEMBER_BYTES = 250
UTF8_BYTES_MAX = 4  # of a character

Shows = TypeVar("Shows", SummaryOk, WriteOk)

# --- making rooms


def create(user: str, request: RoomCreate, work: Work, facts: Facts) -> WriteOk:
    """Make a group; its creator is the owner. The same key again answers with the room as it is now."""
    digest = digest_of(request)
    made = facts.created.get((user, request.key))
    if made is not None:
        if made.client_digest != digest:
            raise Refused("conflict", "this key was used for another room", field="key")
        return shown(WriteOk(duplicate=True), authorize(made, user, "view")[0], user, work)
    check_new_room(user, work, facts)
    users, full = divided([other for other in dict.fromkeys(request.users) if other != user], work, facts)
    check_capacity(len(users) + 1, facts)
    facts.allowances.check("added", user, len(users), work, facts.now_s)
    room = new_room(GROUP, user, work, facts)
    room.title = request.title
    room.avatar = "" if request.avatar is UNSET else request.avatar
    room.public = request.public
    room.data = b"" if request.data is UNSET else encode(request.data)
    room.client_key, room.client_digest = request.key, digest
    facts.created[user, request.key] = room
    open_room(room, {user: "owner", **dict.fromkeys(users, "member")}, work, facts)
    return shown(WriteOk(seq=room.seq, time=work.now, not_added=full or UNSET), room, user, work)


def direct(user: str, request: RoomDirect, work: Work, facts: Facts) -> SummaryOk:
    """The direct room of two users; made by the first who asks, the same for both ever after."""
    if request.user == user:
        raise Refused("bad_request", "a direct room takes another user", field="user")
    place = pair(user, request.user)
    room = facts.pairs.get(place)
    if room is None:
        check_new_room(user, work, facts)
        if divided([request.user], work, facts)[1]:
            raise Refused("quota", "this user is in as many rooms as others may open to them", field="user")
        facts.allowances.check("added", user, 1, work, facts.now_s)
        room = facts.pairs[place] = new_room(DIRECT, user, work, facts)
        work.pairs.append((*place, room.number))
        open_room(room, {user: "member", request.user: "member"}, work, facts)
    return shown(SummaryOk(summary=RoomSummary(room.name)), room, user, work)


def get(user: str, request: RoomGet, work: Work, facts: Facts) -> SummaryOk:
    """The room as the user sees it: asked in the order of what changes it, so that nothing told before is missing."""
    room, _ = authorize(facts.rooms.get(request.room), user, "view")
    return shown(SummaryOk(summary=RoomSummary(room.name)), room, user, work)


def shown(reply: Shows, room: Room, user: str, work: Work) -> Shows:
    """`reply`, which will show `room` to `user` as it is after the batch."""
    work.answers.append(Answer(reply, room, user, work.asked_by))
    return reply


def new_room(kind: str, creator: str, work: Work, facts: Facts) -> Room:
    number, chance = facts.fresh.pop()
    room = Room(number, room_name(kind[0], chance), kind, creator, work.now)
    work.created.append(room)
    return work.touch(room)


def open_room(room: Room, roles: dict[str, Role], work: Work, facts: Facts) -> None:
    """Seat the first members and log `created` as event 1."""
    for user, role in roles.items():
        seat(room, user, role, work, facts)
    work.spend("rooms", room.creator, 1)
    work.spend("added", room.creator, len(roles) - 1)
    texts = UTF8_BYTES_MAX * (len(room.title) + len(room.avatar)) + len(room.data)
    work.spend("bytes", room.creator, ROOM_BYTES + texts + MEMBER_BYTES * len(roles))
    work.append(room, Event(seq=0, kind="created", user=room.creator, users=list(roles)))


def check_new_room(user: str, work: Work, facts: Facts) -> None:
    """Refuse to make one more room."""
    check_own_rooms(user, work, facts)
    facts.allowances.check("rooms", user, 1, work, facts.now_s)
    facts.allowances.check("bytes", user, 1, work, facts.now_s)


def check_capacity(count: int, facts: Facts) -> None:
    if count > facts.rules.group_members:
        raise Refused("room_full", f"a group has at most {facts.rules.group_members} members")


def rooms_of(user: str, work: Work, facts: Facts) -> int:
    """How many rooms `user` is in, as decided up to here."""
    return facts.memberships.get(user, 0) + work.memberships.get(user, 0)


def check_own_rooms(user: str, work: Work, facts: Facts) -> None:
    """Refuse one more room to who asks for it and is in as many as they may."""
    most = most_rooms(facts.rules.rooms_per_user)
    if rooms_of(user, work, facts) >= most:
        raise Refused("quota", f"a user is in at most {most} rooms")


def divided(users: list[str], work: Work, facts: Facts) -> tuple[list[str], list[str]]:
    """Those of `users` whom others may bring into one more room, and those who are in as many already."""
    full = [user for user in users if rooms_of(user, work, facts) >= facts.rules.rooms_per_user]
    return [user for user in users if user not in full], full


# --- settings


@once
def update(user: str, request: RoomUpdate, work: Work, facts: Facts) -> WriteOk:
    """Change title, avatar, openness or host data; the event names what did change."""
    digest = first_time(user, request, work, facts)
    room, _ = authorize(facts.rooms.get(request.room), user, "update")
    changed = new_settings(room, request)
    if not changed:
        return WriteOk(duplicate=True)
    work.touch(room)
    for name, value in changed.items():
        setattr(room, name, encode(value) if name == "data" else value)
    work.refreshed[room.number, ""] = room
    event = Event(seq=0, kind="settings", user=user, **changed)
    return acknowledgement(request, work.append(room, event, key=request.key, digest=digest))


def new_settings(room: Room, request: RoomUpdate) -> dict[str, Any]:
    """What an update asks for that is not so already."""
    asked = {name: getattr(request, name) for name in ("title", "avatar", "public")}
    changed = {name: value for name, value in asked.items() if value not in (UNSET, getattr(room, name))}
    if request.data is not UNSET and not (room.data and same(decode_tree(room.data), request.data)):
        changed["data"] = request.data
    return changed


def delete(user: str, request: RoomDelete, work: Work, facts: Facts) -> WriteOk:
    """End a group for all its members; asked again by the same owner it is a repetition."""
    room = facts.rooms.get(request.room)
    if room is not None and room.deleted_by == user:
        return WriteOk(duplicate=True)
    room, _ = authorize(room, user, "delete")
    work.touch(room).deleted_by = user
    work.spend("bytes", user, MEMBER_BYTES * len(room.members))
    for member in list(room.members):
        work.remove_member(room, member, "deleted")
    return WriteOk(time=work.now)


# --- coming and going


@dataclass(slots=True, frozen=True)
class Asked:
    """Who asked for a change of members, and the digest of what he asked."""

    user: str
    request: RoomMutation
    digest: int


def seat(room: Room, user: str, role: Role, work: Work, facts: Facts) -> None:
    """Make `user` a member who sees the room from its next event on."""
    member = Member(user, role, work.now, room.seq + 1, read=room.seq, read_ordinal=room.ordinal)
    account = facts.accounts.get(user)
    member.receipts = account is None or account.receipts
    work.add_member(room, member)


def log_membership(
    room: Room, kind: str, users: list[str], asked: Asked, work: Work, *, largest: int, large: int
) -> WriteOk:
    """Log who came or went, unless the room is so large that nobody is told one by one.

    `largest`: members before or after, whichever is more.
    """
    work.refreshed[room.number, "*"] = room
    if largest > large:
        return unlogged(room, asked.user, asked.request, asked.digest, work)
    event = Event(seq=0, kind=kind, user=asked.user, users=list(users))
    return acknowledgement(
        asked.request, work.append(room, event, key=asked.request.key, digest=asked.digest)
    )


@once
def join(user: str, request: RoomJoin, work: Work, facts: Facts) -> WriteOk:
    """Enter a public group; a private one answers like one that does not exist."""
    digest = first_time(user, request, work, facts)
    room = facts.rooms.get(request.room)
    if room is None or (not room.public and user not in room.members):
        member_of(room, user)
    assert room is not None
    if room.deleted_by is not None:
        raise Refused("gone" if user in room.former else "not_found", "no such room")
    if user in room.members:
        return WriteOk(duplicate=True)
    check_capacity(len(room.members) + 1, facts)
    check_own_rooms(user, work, facts)
    reply = arrived(room, [user], Asked(user, request, digest), work, facts)
    succeed(room, user, work)  # a group everybody had left
    return reply


@once
def add(user: str, request: MembersAdd, work: Work, facts: Facts) -> WriteOk:
    """Bring users in; those who are members already are passed over."""
    digest = first_time(user, request, work, facts)
    room, _ = authorize(facts.rooms.get(request.room), user, "add")
    others = [other for other in dict.fromkeys(request.users) if other not in room.members]
    fresh, full = divided(others, work, facts)
    if not fresh:
        return WriteOk(duplicate=True, not_added=full or UNSET)
    check_capacity(len(room.members) + len(fresh), facts)
    facts.allowances.check("added", user, len(fresh), work, facts.now_s)
    work.spend("added", user, len(fresh))
    reply = arrived(room, fresh, Asked(user, request, digest), work, facts)
    reply.not_added = full or UNSET
    return reply


@once
def leave(user: str, request: RoomLeave, work: Work, facts: Facts) -> WriteOk:
    """Go; when no owner is left the longest-serving admin or member becomes one in the same commit."""
    digest = first_time(user, request, work, facts)
    room = facts.rooms.get(request.room)
    if room is not None and user in room.former and room.former[user].gone == "left":
        return WriteOk(duplicate=True)
    room, _ = authorize(room, user, "leave")
    reply = departed(room, [user], "left", Asked(user, request, digest), work, facts)
    succeed(room, user, work)
    return reply


@once
def remove(user: str, request: MembersRemove, work: Work, facts: Facts) -> WriteOk:
    """Put members out; those who are none are passed over."""
    digest = first_time(user, request, work, facts)
    room, actor = authorize(facts.rooms.get(request.room), user, "remove")
    if user in request.users:
        raise Refused("bad_request", "leave a room with room.leave", field="users")
    present = [other for other in dict.fromkeys(request.users) if other in room.members]
    if not all(outranks(actor, room.members[other]) for other in present):
        raise Refused("forbidden", "an admin removes plain members only")
    if not present:
        return WriteOk(duplicate=True)
    return departed(room, present, "removed", Asked(user, request, digest), work, facts)


def arrived(room: Room, users: list[str], asked: Asked, work: Work, facts: Facts) -> WriteOk:
    """Begin memberships and log it; the newcomers hear of the room first."""
    work.spend("bytes", asked.user, MEMBER_BYTES * len(users))
    for other in users:
        seat(room, other, "member", work, facts)
    large = facts.rules.large_members
    return log_membership(room, "joined", users, asked, work, largest=len(room.members), large=large)


def departed(
    room: Room, users: list[str], reason: GoneReason, asked: Asked, work: Work, facts: Facts
) -> WriteOk:
    """End memberships and log it; the departed hear `gone` and nothing of the log from here on."""
    largest = len(room.members)
    work.spend("bytes", asked.user, MEMBER_BYTES * len(users))
    for other in users:
        work.remove_member(room, other, reason)
    return log_membership(room, reason, users, asked, work, largest=largest, large=facts.rules.large_members)


# --- roles


@once
def set_roles(user: str, request: MembersRole, work: Work, facts: Facts) -> WriteOk:
    """Give roles; a group keeps at least one owner."""
    digest = first_time(user, request, work, facts)
    room, _ = authorize(facts.rooms.get(request.room), user, "role")
    wanted = {row.user: row.role for row in request.users}
    if any(other not in room.members for other in wanted):
        raise Refused("not_found", "not a member", field="users")
    if not any(wanted.get(m.user, m.role) == "owner" for m in room.members.values()):
        raise Refused("forbidden", "a group keeps an owner")
    changed = {other: role for other, role in wanted.items() if room.members[other].role != role}
    if not changed:
        return WriteOk(duplicate=True)
    for other, role in changed.items():
        give_role(room, other, role, work)
    rows: list[str | RoleOf] = [RoleOf(other, role) for other, role in changed.items()]
    event = Event(seq=0, kind="role", user=user, users=rows)
    return acknowledgement(request, work.append(room, event, key=request.key, digest=digest))


def succeed(room: Room, actor: str, work: Work) -> None:
    """Make somebody owner when nobody is, and log it."""
    heir = room.successor()
    if heir is not None:
        give_role(room, heir.user, "owner", work)
        work.append(room, Event(seq=0, kind="role", user=actor, users=[RoleOf(heir.user, "owner")]))


def give_role(room: Room, user: str, role: Role, work: Work) -> None:
    work.touch_member(room, user).role = role
    work.refreshed[room.number, user] = room
