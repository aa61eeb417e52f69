"""The ways into a group: invites, requests to join, offers (protocol.md "Entering groups")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Mutation, Ok, Request, RoomMutation
from chatd.protocol.groups import Joining
from chatd.protocol.identifiers import U53, Milliseconds, Room, Seq, User
from chatd.protocol.limits import INVITE_LABEL_MAX, JOIN_TEXT_MAX
from chatd.protocol.members import Users
from chatd.protocol.rooms import RoomSummary

InviteId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{22}\Z")]
JoinText = Annotated[str, Meta(max_length=JOIN_TEXT_MAX)]
JoinKind = Literal["asked", "offered"]


class RoomCard(Struct, omit_defaults=True):
    """A room as a stranger sees it. `room`: only where they could join it by that name. `approve`: of an invite or an
    offer, whether an admin decides on who takes it.
    """

    room: str | UnsetType = UNSET
    kind: str = "group"
    title: str = ""
    avatar: str | UnsetType = UNSET
    about: str = ""
    tags: list[str] = []
    members: U53 = 0
    join: Joining = "closed"
    approve: bool = False


class JoinRow(Struct, omit_defaults=True):
    """A request to join, or an offer of a member; a row of the section `joins` under the name of its room.

    `card`: of an offer, and of what one asked for oneself. `by`: whoever offers, or whose invite was used.
    """

    room: str
    user: str
    kind: JoinKind
    by: str | UnsetType = UNSET
    text: str = ""
    time: Milliseconds = 0
    card: RoomCard | UnsetType = UNSET


class Invite(Struct, omit_defaults=True):
    """A link into a group. `url`: where the operator set one; its QR code is that URL, else the invite itself."""

    invite: str
    by: str
    created_at: Milliseconds
    expires_at: Milliseconds
    uses: U53 = 0
    uses_max: U53 = 0
    approve: bool = False
    label: str = ""
    url: str | UnsetType = UNSET


class InvitesCreate(RoomMutation, tag="invites.create", frozen=True, kw_only=True):
    expires_at: Milliseconds | UnsetType = UNSET
    uses_max: U53 = 0
    approve: bool = False
    label: Annotated[str, Meta(max_length=INVITE_LABEL_MAX)] = ""


class InvitesList(Request, tag="invites.list", frozen=True, kw_only=True):
    room: Room
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class InvitesRevoke(RoomMutation, tag="invites.revoke", frozen=True, kw_only=True):
    """`invite`: this one; `by`: all of a member; neither: all of the room."""

    invite: InviteId | UnsetType = UNSET
    by: User | UnsetType = UNSET


class InvitesLook(Request, tag="invites.look", frozen=True, kw_only=True):
    invite: InviteId


class InvitesUse(Mutation, tag="invites.use", frozen=True, kw_only=True):
    invite: InviteId
    text: JoinText = ""


class JoinsList(Request, tag="joins.list", frozen=True, kw_only=True):
    room: Room
    more: str | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class JoinsDecide(RoomMutation, tag="joins.decide", frozen=True, kw_only=True):
    users: Users
    accept: bool
    ban: bool = False


class InviteOk(Ok, tag="ok", kw_only=True):
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    invite: Invite


class InvitesOk(Ok, tag="ok", kw_only=True):
    invites: list[Invite]
    more: str | UnsetType = UNSET


class CardOk(Ok, tag="ok", kw_only=True):
    card: RoomCard


class JoinsOk(Ok, tag="ok", kw_only=True):
    joins: list[JoinRow]
    more: str | UnsetType = UNSET


class UseOk(Ok, tag="ok", kw_only=True):
    """The reply to invites.use: `summary` of the room one is in now, or `requested`: an admin decides."""

    seq: U53 | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    requested: bool = False
    summary: RoomSummary | UnsetType = UNSET
