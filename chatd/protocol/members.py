"""The members of a room and their roles (protocol.md "Rooms and members")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Request, RoomMutation
from chatd.protocol.identifiers import U53, Milliseconds, Room, Seq, User
from chatd.protocol.limits import MEMBERS_CHANGED_MAX

Role = Literal["member", "admin", "owner"]

ROLES: dict[str, Role] = {"member": "member", "admin": "admin", "owner": "owner"}


class RoleOf(Struct, frozen=True):
    """One row of `members.role` and of the `role` event."""

    user: User
    role: Role


class MemberRow(Struct):
    user: str
    role: Role
    joined_at: Milliseconds


Users = Annotated[list[User], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]


class RoomJoin(RoomMutation, tag="room.join", frozen=True, kw_only=True):
    pass


class RoomLeave(RoomMutation, tag="room.leave", frozen=True, kw_only=True):
    pass


class MembersList(Request, tag="members.list", frozen=True, kw_only=True):
    room: Room
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET
    prefix: Annotated[str, Meta(max_length=64)] = ""
    role: Role | UnsetType = UNSET


class MembersAdd(RoomMutation, tag="members.add", frozen=True, kw_only=True):
    users: Users


class MembersRemove(RoomMutation, tag="members.remove", frozen=True, kw_only=True):
    users: Users


class MembersRole(RoomMutation, tag="members.role", frozen=True, kw_only=True):
    users: Annotated[list[RoleOf], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]


class MembersOk(Ok, tag="ok", kw_only=True):
    members: list[MemberRow]
    more: str | UnsetType = UNSET
    count: U53
