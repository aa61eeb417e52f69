"""Decisions on rooms (protocol.md "Rooms and members"). Synchronous and pure."""

from dataclasses import dataclass
from typing import TypeVar

from msgspec import UNSET

from chatd.core import removal
from chatd.core.bots import greet
from chatd.core.channels import check_creation
from chatd.core.comments import unlink
from chatd.core.discovery import list_anew
from chatd.core.entering import answers
from chatd.core.governance import hides_members
from chatd.core.held_files import avatar_holder, check_picture, hold
from chatd.core.idempotency import digest_of
from chatd.core.joining import Entrants, let_wait
from chatd.core.members import (
    MEMBER_BYTES,
    ROOM_BYTES,
    UTF8_BYTES_MAX,
    add_member,
    check_capacity,
    check_own_rooms,
    is_automated,
    is_full,
)
from chatd.core.message_requests import refuse_at
from chatd.core.permissions import HOST, authorize
from chatd.core.privacy import Relation
from chatd.core.push_alerts import alert
from chatd.core.read_set import DirectPair, ReadSet, pair
from chatd.core.restrictions import check_conversation
from chatd.core.room import CHANNEL, DIRECT, Room, Standing
from chatd.core.room_settings import first_policy, set_first_settings
from chatd.core.standings import stand
from chatd.core.velocity import check_direct_room
from chatd.core.write_set import RoomReply, WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import room_name
from chatd.protocol.joining import UseOk
from chatd.protocol.members import Role
from chatd.protocol.messages import Event, WriteOk
from chatd.protocol.rooms import (
    RoomCreate,
    RoomDelete,
    RoomDirect,
    RoomGet,
    RoomSummary,
    SummaryOk,
)

Shows = TypeVar("Shows", SummaryOk, WriteOk, UseOk)


@dataclass(slots=True, frozen=True)
class OpenDirect:
    """Open the direct room of two users, for the host: each accepts what the other writes, but for blocks."""

    user: str
    other: str


def create(user: str, request: RoomCreate, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Create a group or channel, with its creator as the owner; one of the host has none. The same key again returns
    the room as it is now.
    """
    if (repeated := repeated_creation(user, request, writes, reads)) is not None:
        return repeated
    if request.kind == CHANNEL:
        check_creation(user, reads)
    check_new_room(user, writes, reads)
    others = [other for other in dict.fromkeys(request.users) if other != user]
    lets = answers(user, others, writes, reads)
    users, offered, left_out = (
        [other for other in others if lets[other] == word] for word in ("yes", "ask", "no")
    )
    check_capacity(len(users) + (user != HOST), reads)
    check_picture(request.avatar, "avatar", (user,), "avatar", reads)
    policy = first_policy(request)
    reads.allowances.check("added", user, len(users) + len(offered), writes, reads.now_s)
    room = new_room(request.kind, user, writes, reads)
    set_first_settings(room, request, policy)
    list_anew(room, frozenset(), writes)
    hold(avatar_holder(room), room.avatar, writes, reads)
    room.client_key, room.client_digest = request.key, digest_of(writes.sent or request)
    reads.created[user, request.key] = room
    owner: dict[str, Role] = {} if user == HOST else {user: "owner"}
    open_room(room, {**owner, **dict.fromkeys(users, "member")}, user, writes, reads)
    for other in users:
        alert(other, "invite", user, writes, reads, room.number)
    let_wait(room, user, Entrants(users, [], offered, [], []), writes, reads)
    writes.spend("added", user, len(offered))
    reply = WriteOk(seq=room.seq, time=writes.now, offered=offered or UNSET, not_added=left_out or UNSET)
    return shown(reply, room, user, writes)


def repeated_creation(user: str, request: RoomCreate, writes: WriteSet, reads: ReadSet) -> WriteOk | None:
    """Return the reply to a creation whose key made a room; None for a new key. Raises Refused("conflict")."""
    made = reads.created.get((user, request.key))
    if made is None:
        return None
    if made.client_digest != digest_of(writes.sent or request):
        raise Refused("conflict", "this key was used for another room", field="key")
    return shown(WriteOk(duplicate=True), authorize(made, user, "view")[0], user, writes)


def direct(user: str, request: RoomDirect, writes: WriteSet, reads: ReadSet) -> SummaryOk:
    """Return the direct room of two users, which the first request creates; with oneself that of one's notes."""
    users = pair(user, request.user)
    room = reads.pairs.get(users)
    if room is None:
        check_new_room(user, writes, reads)
        if request.user != user:
            check_other(user, request.user, writes, reads)
        room = reads.pairs[users] = new_room(DIRECT, user, writes, reads)
        writes.add(DirectPair(*users, room.number))
        open_room(room, {user: "member", request.user: "member"}, user, writes, reads)
        if request.user != user:
            if reads.rules.people.enabled:
                # Not in their list before something is said.
                room.members[request.user].standing = Standing.POLICY
            greet(room, request.user, writes, reads)
    return shown(SummaryOk(summary=RoomSummary(room.name)), room, user, writes)


def check_other(user: str, other: str, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused when `user` may open no direct room with another one."""
    check_relation(user, other, reads)
    if is_full(other, writes, reads):
        raise Refused("quota", "this user is in as many rooms as others may open to them", field="user")
    reads.allowances.check("added", user, 1, writes, reads.now_s)
    check_direct_room(user, writes, reads)


def open_direct(user: str, request: OpenDirect, writes: WriteSet, reads: ReadSet) -> SummaryOk:
    """Return the direct room of two users, in which both have accepted the other from now on."""
    one, other = request.user, request.other
    if one == other:
        raise Refused("bad_request", "a direct room takes two users", field="users")
    room = reads.pairs.get(pair(one, other))
    if room is None:
        if is_full(one, writes, reads) or is_full(other, writes, reads):
            raise Refused(
                "quota", "one of them is in as many rooms as others may open to them", field="users"
            )
        room = reads.pairs[pair(one, other)] = new_room(DIRECT, one, writes, reads)
        writes.add(DirectPair(*pair(one, other), room.number))
        open_room(room, {one: "member", other: "member"}, user, writes, reads)
    for member in room.standing_at(Standing.POLICY, Standing.REQUEST, Standing.DECLINED):
        stand(room, member, Standing.ACCEPTED, writes)
    return shown(SummaryOk(summary=RoomSummary(room.name)), room, user, writes)


def check_relation(user: str, other: str, reads: ReadSet) -> None:
    """Raise Refused when `other` may be neither written to nor asked by `user`."""
    if not reads.rules.people.enabled:
        # Nobody can say here that they want to hear of it.
        if is_automated(user, reads):
            raise Refused("refused", "a bot writes to nobody first")
        return
    relation = reads.records_of(Relation).get((user, other))
    if relation is not None:
        gate = relation.gate(reads.rules.people.bounds)
        refuse_at("refused" if gate == "no" else gate)


def get(user: str, request: RoomGet, writes: WriteSet, reads: ReadSet) -> SummaryOk:
    """Return the room as the user sees it, in the order of changes: the reply includes every change pushed before."""
    room, _ = authorize(reads.rooms.get(request.room), user, "view")
    return shown(SummaryOk(summary=RoomSummary(room.name)), room, user, writes)


def shown(reply: Shows, room: Room, user: str, writes: WriteSet) -> Shows:
    """Let `reply` show `room` to `user` as it is after the batch; the host, who is in no room, is told its name."""
    reply.summary = RoomSummary(room.name)
    if user != HOST:
        writes.room_replies.append(RoomReply(reply, room, user, writes.origin))
    return reply


def new_room(kind: str, creator: str, writes: WriteSet, reads: ReadSet) -> Room:
    number, chance = reads.fresh.pop()
    room = Room(number, room_name(kind[0], chance), kind, creator, writes.now, time=writes.now)
    if kind == CHANNEL:
        room.followers = 0
    writes.created.append(room)
    return writes.touch(room)


def open_room(room: Room, roles: dict[str, Role], by: str, writes: WriteSet, reads: ReadSet) -> None:
    """Add the first members and log `created` as event 1, with those who are shown. `by`: who pays for it."""
    for user, role in roles.items():
        add_member(room, user, role, writes, reads)
    writes.spend("rooms", by, 1)
    writes.spend("added", by, len(roles) - 1)
    texts = UTF8_BYTES_MAX * (len(room.title) + len(room.avatar)) + len(room.data)
    writes.spend("bytes", by, ROOM_BYTES + texts + MEMBER_BYTES * len(roles))
    named = [user for user, role in roles.items() if role != "member" or not hides_members(room)]
    writes.append(room, Event(seq=0, kind="created", user=by or UNSET, users=[*named]))


def check_new_room(user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Refuse a new room beyond the limits of its creator."""
    check_conversation(user, writes, reads)
    check_own_rooms(user, writes, reads)
    reads.allowances.check("rooms", user, 1, writes, reads.now_s)
    reads.allowances.check("bytes", user, 1, writes, reads.now_s)


def delete(user: str, request: RoomDelete, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Delete a group for all its members; repeated by the same owner, or by the host, it is a duplicate."""
    room = reads.rooms.get(request.room)
    if room is not None and room.deleted_by is not None and user in (HOST, room.deleted_by):
        return WriteOk(duplicate=True)
    room, _ = authorize(room, user, "delete")
    if not room.is_channel:
        writes.spend("bytes", user, MEMBER_BYTES * room.size)
    unlink(room, user, writes, reads)
    removal.delete(room, user, writes, reads)
    return WriteOk(time=writes.now)
