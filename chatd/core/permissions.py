"""Who may do what in a room: one table and one door. Every command that names a room passes here.

A stranger cannot tell a private room from one that does not exist: both are `not_found`.
"""

from chatd.core.room import Member, Room
from chatd.protocol.errors import Refused
from chatd.protocol.members import Role

RANK: dict[Role, int] = {"member": 0, "admin": 1, "owner": 2}

# The lowest role that may, in groups; and whether both may in a direct room.
ACTIONS: dict[str, tuple[Role, bool]] = {
    "view": ("member", True),
    "post": ("member", True),
    "edit": ("member", True),
    "recall": ("member", True),
    "react": ("member", True),
    "pin": ("admin", True),
    "leave": ("member", False),
    "add": ("admin", False),
    "remove": ("admin", False),
    "role": ("owner", False),
    "update": ("admin", False),
    "delete": ("owner", False),
}


def member_of(room: Room | None, user: str) -> Member:
    """The place of `user` in `room`.

    Refused with `not_found` for strangers and missing rooms, with `not_member` or `gone` after leaving.
    """
    if room is None:
        raise Refused("not_found", "no such room")
    member = room.members.get(user)
    if member is not None and room.deleted_by is None:
        return member
    if user not in room.former and member is None:
        raise Refused("not_found", "no such room")
    if room.deleted_by is not None:
        raise Refused("gone", "the room was deleted")
    raise Refused("not_member", "not in this room any more")


def authorize(room: Room | None, user: str, action: str) -> tuple[Room, Member]:
    """The room and the member when `user` may do `action` there; Refused otherwise. The one authorization door."""
    member = member_of(room, user)
    assert room is not None
    lowest, both = ACTIONS[action]
    if not both if room.direct else RANK[member.role] < RANK[lowest]:
        raise Refused("forbidden", f"a {member.role} may not {action} here")
    return room, member


def outranks(actor: Member, target: Member) -> bool:
    """May `actor` remove `target`? Owners anybody, admins plain members."""
    return RANK[actor.role] > RANK[target.role] or actor.role == "owner"
