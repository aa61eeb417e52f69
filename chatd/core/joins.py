"""Decisions on requests to join and offers (protocol.md "Entering groups"). Synchronous and pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from chatd.core.bans import ban, check_bans
from chatd.core.channels import follows_enough
from chatd.core.idempotency import first_time, once
from chatd.core.joining import Join, drop_join, join_of, put_join
from chatd.core.members import (
    MembershipChange,
    begin_memberships,
    check_capacity,
    rooms_of,
)
from chatd.core.permissions import authorize
from chatd.core.read_set import DAY_MS, ReadSet, most_rooms
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.joining import JoinsDecide
from chatd.protocol.messages import WriteOk

# A request waits for a month, as an offer does; who was declined may ask again on the next day.
WAIT_MS = 30 * DAY_MS
DECLINED_MS = DAY_MS


@dataclass(slots=True, frozen=True)
class EndJoins:
    """End requests and offers, by (room, user), whose time is up, or whose room is deleted."""

    places: Sequence[tuple[str, str]]


@dataclass(slots=True, frozen=True)
class EraseJoins:
    """Take away what these requests and offers, by (room, user), say of `person`."""

    person: str
    places: Sequence[tuple[str, str]]


@once
def decide(user: str, request: JoinsDecide, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Let users in who asked, or decline them, which they are not told. Of two admins the second changes nothing."""
    digest = first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "decide")
    if request.accept and request.ban:
        raise Refused("bad_request", "nobody is let in and banned", field="ban")
    wanted = list(dict.fromkeys(request.users))
    asking = [other for other in wanted if join_of(room, other, reads).kind == "asked"]
    if not asking:
        return WriteOk(duplicate=True)
    if request.ban:
        check_bans(room, asking, writes, reads)
        for other in asking:
            drop_join(room, other, writes, reads)
            ban(room, other, 0, writes)
        return WriteOk(time=writes.now)
    if not request.accept:
        for other in asking:
            put_join(
                room, replace(join_of(room, other, reads), kind="declined", time=writes.now), writes, reads
            )
        return WriteOk(time=writes.now)
    # They asked for it themselves, so they may be in as many rooms as those who join.
    most = most_rooms(reads.rules.rooms_per_user)
    left_out = [
        other
        for other in asking
        if rooms_of(other, writes, reads) >= most
        or (room.is_channel and follows_enough(other, writes, reads))
    ]
    fresh = [other for other in asking if other not in left_out]
    if not fresh:
        return WriteOk(duplicate=True, not_added=left_out)
    check_capacity(room.size + len(fresh), reads, room)
    reply = begin_memberships(room, fresh, MembershipChange(user, request, digest), writes, reads)
    reply.not_added = left_out or UNSET
    return reply


def end_joins(user: str, request: EndJoins, writes: WriteSet, reads: ReadSet) -> Ok:
    """End what has run out; what changed since it was looked for stays."""
    for name, other in request.places:
        room = reads.rooms.get(name)
        if room is None:
            continue
        join = join_of(room, other, reads)
        if join.kind and (room.deleted_by is not None or ends_at(join) <= writes.now):
            drop_join(room, other, writes, reads)
    return Ok()


def erase_joins(user: str, request: EraseJoins, writes: WriteSet, reads: ReadSet) -> Ok:
    """End requests of a person and offers of or to them; a request by their invite goes on without their name."""
    for name, other in request.places:
        room = reads.rooms.get(name)
        if room is None:
            continue
        join = join_of(room, other, reads)
        if join.user == request.person or join.kind == "offered":
            drop_join(room, other, writes, reads)
        elif join.by == request.person:
            put_join(room, replace(join, by=""), writes, reads)
    return Ok()


def ends_at(join: Join) -> int:
    return join.time + (DECLINED_MS if join.kind == "declined" else WAIT_MS)
