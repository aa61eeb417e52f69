"""Removal of members, for a while or for good, and with what they wrote (protocol.md "Governed groups"). Synchronous
and pure.

A ban is a former membership with the reason `banned`, also of users who were never members. Who is banned is told what
they would be told if they were only removed, so nothing but the list of admins shows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from chatd.core import removal
from chatd.core.extras import BANNED_UNTIL, ban_ends, ban_holds, put_extra
from chatd.core.idempotency import first_time, once, unlogged
from chatd.core.joining import end_waiting
from chatd.core.members import MembershipChange, end_memberships, ensure_owner
from chatd.core.permissions import HOST, authorize, outranks
from chatd.core.read_set import ReadSet
from chatd.core.room import Member, Room
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.groups import MembersUnban
from chatd.protocol.members import MembersRemove
from chatd.protocol.messages import WriteOk
from chatd.protocol.rooms import GoneReason

# Messages that one removal recalls, the newest of all users it names: a commit of some tens of milliseconds.
RECALLED_MAX = 500


@dataclass(slots=True, frozen=True)
class RecentMessages:
    """The messages of a user that their removal recalls, read when `high` was the last event of the room."""

    seqs: Sequence[int]
    high: int


@dataclass(slots=True, frozen=True)
class Bans:
    """How many users are banned from a channel, whose former members are not in memory: so many at most while that is
    far from the limit.
    """

    count: int


@once
def remove(user: str, request: MembersRemove, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Remove members, and end what others ask; a ban needs no member. What they wrote in a day goes, too."""
    digest = first_time(user, request, writes, reads)
    room, actor = authorize(reads.rooms.get(request.room), user, "remove")
    users = [*dict.fromkeys(request.users)]
    present = [other for other in users if other in room.members]
    check_removal(user, actor, room, present, request, writes.now)
    banned = [other for other in users if request.ban and is_news(room, other, request, writes.now)]
    check_bans(room, banned, writes, reads)
    recalled = recent(room, users, reads) if request.recall else {}
    waits = end_waiting(room, users, writes, reads)
    if not (present or banned or recalled or waits):
        return WriteOk(duplicate=True)
    if present:
        reason: GoneReason = "banned" if request.ban else "removed"
        reply = end_memberships(room, present, reason, MembershipChange(user, request, digest), writes, reads)
    else:
        reply = unlogged(room, user, request, digest, writes)
    for other in banned:
        ban(room, other, 0 if request.until is UNSET else request.until, writes)
    # The reply tells of the removal at most, which may have no event: those of the recall are pushed to everybody.
    writes.origin = None
    for other, found in recalled.items():
        stretch = removal.Stretch(found.seqs[0], found.high)
        messages = [reads.messages[room.number, seq] for seq in found.seqs]
        removal.erase(room, other, messages, stretch, writes, reads)
    if user == HOST and present:
        # An owner is always left when another one removes.
        ensure_owner(room, user, writes)
    return reply


def check_removal(
    user: str, actor: Member, room: Room, present: Iterable[str], request: MembersRemove, now_ms: int
) -> None:
    """Raise Refused when `user` may not remove all of these, or when an end of a ban makes no sense."""
    if user in request.users:
        raise Refused("bad_request", "leave a room with room.leave", field="users")
    if not all(outranks(actor, room.members[other]) for other in present):
        raise Refused("forbidden", "an admin removes plain members only")
    if request.until is not UNSET and not (request.ban and request.until > now_ms):
        raise Refused("bad_request", "a ban ends in the future", field="until")


def is_news(room: Room, user: str, request: MembersRemove, now_ms: int) -> bool:
    """Whether a ban changes anything: `user` is not banned, or until another time."""
    former = room.former.get(user)
    return former is None or not ban_holds(former, now_ms) or ban_ends(former) != (request.until or 0)


def check_bans(room: Room, banned: Iterable[str], writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused("quota") when a room may not ban these, too. A ban that is over does not count."""

    def is_banned(user: str) -> bool:
        return user in room.former and ban_holds(room.former[user], writes.now)

    fresh = sum(not is_banned(user) for user in banned)
    if not fresh:
        return
    if room.is_channel:
        count = reads.records_of(Bans)[room.number].count
    else:
        count = sum(one.gone == "banned" and ban_holds(one, writes.now) for one in room.former.values())
    if count + fresh > reads.rules.bans_max:
        raise Refused("quota", f"at most {reads.rules.bans_max} users are banned from a room", field="users")
    if room.is_channel:
        reads.records_of(Bans)[room.number] = Bans(count + fresh)


def ban(room: Room, user: str, until: int, writes: WriteSet) -> None:
    """Ban a user who is no member (any more)."""
    if user not in room.former:
        # Nothing but the ban: `Member.never_joined`.
        writes.add_former(room, Member(user, "member", 0, room.seq + 1, room.seq, room.ordinal))
    member = writes.touch_known(room, user)
    member.gone = "banned"
    put_extra(member, BANNED_UNTIL, until)


def recent(room: Room, users: Iterable[str], reads: ReadSet) -> dict[str, RecentMessages]:
    """Return what these users wrote in a day and was not recalled, by user; those without are left out."""
    found = {user: reads.records_of(RecentMessages).get((room.number, user)) for user in users}
    return {
        user: messages
        for user, messages in found.items()
        if messages is not None
        and any(not reads.messages[room.number, seq].event.recalled for seq in messages.seqs)
    }


@once
def unban(user: str, request: MembersUnban, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Let banned users come back; others are skipped."""
    digest = first_time(user, request, writes, reads)
    room, _ = authorize(reads.rooms.get(request.room), user, "remove")
    banned = [other for other in dict.fromkeys(request.users) if is_kept_banned(room, other)]
    if not banned:
        return WriteOk(duplicate=True)
    for other in banned:
        member = writes.touch_known(room, other)
        member.gone = "removed"
        put_extra(member, BANNED_UNTIL, None)
    return unlogged(room, user, request, digest, writes)


def is_kept_banned(room: Room, user: str) -> bool:
    """Whether the row of `user` says that they are banned, though it may be over."""
    return user in room.former and room.former[user].gone == "banned"
