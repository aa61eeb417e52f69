"""The members of a room and their roles (protocol.md "Rooms and members")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Request, RoomMutation
from chatd.protocol.identifiers import U53, Milliseconds, Room, Seq, User
from chatd.protocol.limits import JOIN_TEXT_MAX, MEMBERS_CHANGED_MAX

Role = Literal["member", "admin", "owner"]

ROLES: dict[str, Role] = {"member": "member", "admin": "admin", "owner": "owner"}


class RoleOf(Struct, frozen=True):
    """One row of `members.role` and of the `role` event."""

    user: User
    role: Role


class MemberRow(Struct, omit_defaults=True):
    """A member, or a user who is banned until `banned_until`: Unix ms, absent for ever."""

    user: str
    role: Role
    joined_at: Milliseconds
    nickname: str | UnsetType = UNSET
    silenced_until: Milliseconds = 0
    banned_until: Milliseconds = 0


Users = Annotated[list[User], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]


MemberFilter = Literal["member", "admin", "owner", "staff", "banned"]


class RoomJoin(RoomMutation, tag="room.join", frozen=True, kw_only=True):
    """`text`: to the admins, where they decide."""

    text: Annotated[str, Meta(max_length=JOIN_TEXT_MAX)] = ""


class RoomLeave(RoomMutation, tag="room.leave", frozen=True, kw_only=True):
    pass


class MembersList(Request, tag="members.list", frozen=True, kw_only=True):
    room: Room
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET
    prefix: Annotated[str, Meta(max_length=64)] = ""
    role: MemberFilter | UnsetType = UNSET


class MembersAdd(RoomMutation, tag="members.add", frozen=True, kw_only=True):
    users: Users


class MembersRemove(RoomMutation, tag="members.remove", frozen=True, kw_only=True):
    """`ban`: they cannot come back, before `until` (Unix ms) if it is there. `recall`: their messages of a day, too."""

    users: Users
    ban: bool = False
    until: Milliseconds | UnsetType = UNSET
    recall: bool = False


class MembersRole(RoomMutation, tag="members.role", frozen=True, kw_only=True):
    users: Annotated[list[RoleOf], Meta(min_length=1, max_length=MEMBERS_CHANGED_MAX)]


class MembersOk(Ok, tag="ok", kw_only=True):
    members: list[MemberRow]
    more: str | UnsetType = UNSET
    count: U53
