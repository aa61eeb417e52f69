"""Channels: few write, any number follows (protocol.md "Channels"). Synchronous and pure.

**The problem.** A group keeps all its members in memory, sends each of them its events, and counts a mention in their
rows. With a million members each of these is too much: a post would cost gigabytes, or a million rows.

**The invariant.** The cost of a post does not depend on the number of followers who are not connected. It is one event
and one row of the room, as in a direct room: nothing is written for a follower, and none is loaded. A follower who is
connected costs one `head`, once an interval, whatever is posted meanwhile.

**How.** Followers are rows of `members`, like those of groups, so lists, hello, read positions and preferences need
nothing new: the unread number is a difference of the room's row and the follower's. But in memory a channel has only
its staff, those who may write, and of followers those who asked for something lately: the loader adds whoever asks,
and whom a request names, before its decision. So no decision may conclude from `Room.member` that somebody does not
follow whom no request named, and nobody may walk the followers. Their number is a field, `Room.followers`.

**What a channel has not**, since it costs a row or a push a follower: mentions, marks of delivery and reading, typing,
names of who joins, pushes of their number to other than the staff. Reactions are summarised, as in large groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core.held_files import drop_wallpaper
from chatd.core.permissions import HOST
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.members import Role


@dataclass(slots=True, frozen=True)
class RemoveFollowers:
    """End what `users` have in a deleted channel."""

    room: str
    users: Sequence[str]


@dataclass(slots=True, frozen=True)
class Followed:
    """The number of channels that a user is in."""

    count: int


def check_creation(user: str, reads: ReadSet) -> None:
    """Refuse a channel where there are none, or only the host makes them."""
    rules = reads.rules.channels
    if not rules.enabled:
        raise Refused("not_supported", "channels are switched off")
    if user != HOST and not rules.users_create:
        raise Refused("forbidden", "the host app makes channels", field="kind")


def follows_enough(user: str, writes: WriteSet, reads: ReadSet) -> bool:
    """Whether `user` follows as many channels as a user may, with the decisions of this batch."""
    known = reads.records_of(Followed).get(user)
    fresh = sum(
        room.is_channel and (room.number, user) in writes.members and room.member(user) is not None
        for room in writes.rooms.values()
    )
    return (0 if known is None else known.count) + fresh >= reads.rules.channels.followed_max


def check_followed(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Raise Refused("quota") when `user` may not follow one more channel."""
    if room.is_channel and follows_enough(user, writes, reads):
        raise Refused("quota", f"a user follows at most {reads.rules.channels.followed_max} channels")


def check_staff(room: Room, roles: dict[str, Role], reads: ReadSet) -> None:
    """Raise Refused("room_full") when these roles give a channel more staff than it may have."""
    if not room.is_channel:
        return
    staff = {user for user in room.staff if roles.get(user) != "member"}
    staff.update(user for user, role in roles.items() if role != "member")
    if len(staff) > reads.rules.channels.staff_max:
        raise Refused(
            "room_full", f"a channel has at most {reads.rules.channels.staff_max} admins and owners"
        )


def remove_followers(user: str, request: RemoveFollowers, writes: WriteSet, reads: ReadSet) -> Ok:
    """Mark rows of a deleted channel as gone. Who was connected was told when it was deleted."""
    room = reads.rooms.get(request.room)
    if room is not None and room.deleted_by is not None:
        for follower in room.among(frozenset(request.users)):
            drop_wallpaper(room, follower, writes, reads)
            writes.remove_member(room, follower, "deleted", is_told=False)
    return Ok()
