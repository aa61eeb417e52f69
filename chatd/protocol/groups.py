"""The rules of a group and what admins do by them (protocol.md "Governed groups")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Request, RoomMutation
from chatd.protocol.identifiers import U53, Milliseconds, Room, User
from chatd.protocol.limits import ABOUT_MAX, SLOW_MAX_S, TAG_MAX, TAGS_MAX
from chatd.protocol.members import Role, Users

Joining = Literal["closed", "request", "open"]
Newcomers = Literal["none", "recent", "all"]
RetainSeconds = Annotated[int, Meta(ge=0, le=10 * 366 * 86_400)]
Tag = Annotated[str, Meta(min_length=1, max_length=TAG_MAX)]
Tags = Annotated[list[Tag], Meta(max_length=TAGS_MAX)]
About = Annotated[str, Meta(max_length=ABOUT_MAX)]
Nickname = Annotated[str, Meta(max_length=64)]


class Policy(Struct, omit_defaults=True, frozen=True):
    """The rules of one group or channel; an absent key has the default of its kind (core/policy.py).

    Roles are the lowest that may. `join`: who may enter by themselves. `approve`: those whom a plain member adds or
    invites wait for an admin. `slow_s`: seconds between two messages of a plain member. `history`: the part of the log
    that newcomers see. `retain_s`: seconds for which messages are kept, 0 as long as the server keeps them.
    """

    join: Joining | UnsetType = UNSET
    invite: Role | UnsetType = UNSET
    approve: bool | UnsetType = UNSET
    post: Role | UnsetType = UNSET
    slow_s: Annotated[int, Meta(ge=0, le=SLOW_MAX_S)] | UnsetType = UNSET
    mention_all: Role | UnsetType = UNSET
    info: Role | UnsetType = UNSET
    pin: Role | UnsetType = UNSET
    history: Newcomers | UnsetType = UNSET
    retain_s: RetainSeconds | UnsetType = UNSET
    listed: bool | UnsetType = UNSET
    no_forward: bool | UnsetType = UNSET
    hide_members: bool | UnsetType = UNSET


class MembersGet(Request, tag="members.get", frozen=True, kw_only=True):
    room: Room
    users: Users


class MembersUnban(RoomMutation, tag="members.unban", frozen=True, kw_only=True):
    users: Users


class MembersSilence(RoomMutation, tag="members.silence", frozen=True, kw_only=True):
    """`until`: Unix ms; 0 ends it, 1 is for ever."""

    users: Users
    until: Milliseconds


class MembersNickname(RoomMutation, tag="members.nickname", frozen=True, kw_only=True):
    """`user`: another member, whose nickname an admin may take away."""

    nickname: Nickname
    user: User | UnsetType = UNSET


class Announce(RoomMutation, tag="announce", frozen=True, kw_only=True):
    """`target`: a message of the room; 0 takes the announcement away."""

    target: U53
