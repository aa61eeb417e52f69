"""Permissions in rooms: one table, checked for every command that names a room.

A user who was never a member cannot tell a private room from one that does not exist: both are `not_found`.
"""

from chatd.core.governance import RANK, rule
from chatd.core.message_requests import check_gate
from chatd.core.room import Member, Room
from chatd.protocol.errors import Refused
from chatd.protocol.members import Role

# The lowest role that is allowed in groups, and whether it is allowed in direct rooms.
ACTIONS: dict[str, tuple[Role, bool]] = {
    "view": ("member", True),
    "post": ("member", True),
    "edit": ("member", True),
    "recall": ("member", True),
    "react": ("member", True),
    "pin": ("admin", True),
    "leave": ("member", False),
    "add": ("admin", False),
    "decide": ("admin", False),
    "remove": ("admin", False),
    "silence": ("admin", False),
    "rename": ("member", False),
    "announce": ("admin", False),
    "role": ("owner", False),
    "update": ("admin", False),
    "retain": ("owner", True),
    "delete": ("owner", False),
}

# The key of the policy that says the lowest role, in a room with rules (protocol.md "Governed groups").
RULED: dict[str, str] = {"add": "invite", "pin": "pin", "update": "info", "announce": "info"}

# The host app, in the place of a user; no user has this id. It is in no room.
HOST = ""
# What it may do in any group, and whether also in direct rooms. It writes as a user, or posts notices.
HOST_ACTIONS: dict[str, bool] = {
    "view": True,
    "notice": True,
    "recall": True,
    "add": False,
    "decide": False,
    "remove": False,
    "silence": False,
    "announce": False,
    "role": False,
    "update": False,
    "retain": True,
    "delete": False,
}
HOST_AS_MEMBER = Member(HOST, "owner", joined_at=0, first_visible=1, read=0, read_ordinal=0)

# What the other user of a direct room would see. A message can always be taken back.
GATED = frozenset(("post", "edit", "react", "pin", "retain"))


def member_of(room: Room | None, user: str) -> Member:
    """Return `user` as a member of `room`.

    Raises Refused: `not_found` for a missing room and a user who was never a member, `not_member` or `gone` afterwards.
    """
    if room is None:
        raise Refused("not_found", "no such room")
    member = room.members.get(user)
    if member is not None and room.deleted_by is None:
        return member
    if member is None and (user not in room.former or room.former[user].never_joined):
        raise Refused("not_found", "no such room")
    if room.deleted_by is not None:
        raise Refused("gone", "the room was deleted")
    raise Refused("not_member", "not in this room any more")


def authorize(room: Room | None, user: str, action: str) -> tuple[Room, Member]:
    """Return the room and the member when `user` may do `action` there; raise Refused otherwise."""
    if user == HOST:
        return authorize_host(room, action), HOST_AS_MEMBER
    member = member_of(room, user)
    assert room is not None
    lowest, both = ACTIONS[action]
    if action in RULED and room.governed:
        lowest = rule(room, RULED[action])
    if not both if room.direct else RANK[member.role] < RANK[lowest]:
        raise Refused("forbidden", f"a {member.role} may not {action} here")
    if room.gates and action in GATED:
        check_gate(room, member, action)
    return room, member


def authorize_host(room: Room | None, action: str) -> Room:
    """Return the room when the host may do `action` there; raise Refused otherwise."""
    if room is None:
        raise Refused("not_found", "no such room")
    if room.deleted_by is not None:
        raise Refused("gone", "the room was deleted")
    if action not in HOST_ACTIONS or (room.direct and not HOST_ACTIONS[action]):
        raise Refused("forbidden", f"the host may not {action} here")
    return room


def outranks(actor: Member, target: Member) -> bool:
    """Whether `actor` may remove `target`: owners remove anybody, admins plain members."""
    return RANK[actor.role] > RANK[target.role] or actor.role == "owner"
