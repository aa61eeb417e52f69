"""The standings of the members of a direct room as they change (protocol.md "Direct rooms and message requests")."""

from chatd.core.extras import ASKED, UNLISTED, put_extra
from chatd.core.room import Room, Standing
from chatd.core.write_set import WriteSet


def stand(room: Room, user: str, standing: Standing, writes: WriteSet) -> None:
    """Set the standing of a member; a room comes into their list, or leaves it, with what follows in its log."""
    member = writes.touch_member(room, user)
    was_listed = room.is_listed(member)
    member.standing = standing
    if writes.declined:
        # What was declined in this batch is so no longer: `gone` is told behind everything else of the commit.
        writes.declined = tuple(one for one in writes.declined if one[0] is not room or one[1] != user)
    if standing in (Standing.POLICY, Standing.ACCEPTED):
        put_extra(member, ASKED, None)
        # The standing alone does not say whether they ever had the room in their list.
        put_extra(member, UNLISTED, None if room.is_listed(member) or not was_listed else writes.stamp)
    if room.is_listed(member) and not was_listed:
        writes.list_room(room, user)
    elif was_listed and not room.is_listed(member):
        writes.unlist_room(room, user)


def tell_asked(room: Room, writes: WriteSet) -> None:
    """Note that whoever was asked in a direct room, and is sent no events of it, is to be told of the commit."""
    for user in room.standing_at(Standing.REQUEST) if room.direct else ():
        writes.requests = {**writes.requests, (room.number, user): room}


def turn_away(room: Room, user: str, writes: WriteSet) -> None:
    """Decline what the other asked `user` in their direct room, if they did: it goes from the devices of `user`."""
    if room.members[user].standing == Standing.REQUEST:
        stand(room, user, Standing.DECLINED, writes)
        writes.declined += ((room, user),)


def befriend(room: Room, writes: WriteSet) -> None:
    """Open the direct room of two users who become friends: what was asked or declined is as privacy says."""
    room.gates = {
        user: gate if gate in ("blocked", "refused") else "open" for user, gate in room.gates.items()
    }
    for user in room.standing_at(Standing.REQUEST, Standing.DECLINED):
        stand(room, user, Standing.POLICY, writes)


def unfriend(room: Room, writes: WriteSet) -> None:
    """Leave it to privacy again who of two users may write, who are friends no longer."""
    for user in room.standing_at(Standing.ACCEPTED):
        stand(room, user, Standing.POLICY, writes)
