"""The ways into groups: requests to join, which the host decides, and invites, in the place of a user or in its own."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.http.api.route import As, Call, Done, PageAs, Route
from chatd.protocol.identifiers import U53, Key, Milliseconds, User
from chatd.protocol.joining import (
    Invite,
    InviteId,
    InviteOk,
    InvitesCreate,
    InvitesRevoke,
    JoinRow,
    JoinsDecide,
)
from chatd.protocol.limits import INVITE_LABEL_MAX
from chatd.protocol.members import Users
from chatd.protocol.messages import WriteOk


class PostJoins(As, frozen=True, kw_only=True):
    """`accept`: let these users in, who asked; else decline them. `ban`: they cannot ask again."""

    users: Users
    accept: bool
    ban: bool = False


class PostInvite(As, frozen=True, kw_only=True):
    """An invite. The same `key` again answers with it as it is now."""

    key: Key
    expires_at: Milliseconds | UnsetType = UNSET
    uses_max: U53 = 0
    approve: bool = False
    label: Annotated[str, Meta(max_length=INVITE_LABEL_MAX)] = ""


class DeleteInvites(As, frozen=True, kw_only=True):
    """`invite`: this one; `by`: those of this maker; neither: all of the room."""

    invite: InviteId | UnsetType = UNSET
    by: User | UnsetType = UNSET


class JoinsAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Requests that wait, the oldest first."""

    joins: list[JoinRow]
    more: str | UnsetType = UNSET


class JoinsDecided(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`not_added`: users who are in as many rooms as they may be, and go on waiting."""

    not_added: list[str] | UnsetType = UNSET


class InvitesAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Invites that are not revoked, the newest first."""

    invites: list[Invite]
    more: str | UnsetType = UNSET


async def get_joins(call: Call, asked: PageAs) -> JoinsAnswer:
    found = await call.rooms.joins(asked.user, call.path["room"], asked.more or UNSET, asked.limit)
    return JoinsAnswer(joins=found.joins, more=found.more)


async def post_joins(call: Call, asked: PostJoins) -> JoinsDecided:
    room, key = call.path["room"], call.rooms.new_key()
    request = JoinsDecide(room=room, key=key, users=asked.users, accept=asked.accept, ban=asked.ban)
    reply = await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    assert isinstance(reply, WriteOk)
    return JoinsDecided(not_added=reply.not_added)


async def get_invites(call: Call, asked: PageAs) -> InvitesAnswer:
    found = await call.rooms.invites(asked.user, call.path["room"], asked.more or UNSET, asked.limit)
    return InvitesAnswer(invites=found.invites, more=found.more)


async def post_invite(call: Call, asked: PostInvite) -> Invite:
    room = call.path["room"]
    request = InvitesCreate(
        room=room,
        key=asked.key,
        expires_at=asked.expires_at,
        uses_max=asked.uses_max,
        approve=asked.approve,
        label=asked.label,
    )
    reply = await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    assert isinstance(reply, InviteOk)
    return reply.invite


async def delete_invites(call: Call, asked: DeleteInvites) -> Done:
    room, key = call.path["room"], call.rooms.new_key()
    request = InvitesRevoke(room=room, key=key, invite=asked.invite, by=asked.by)
    await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    return Done()


ROUTES = (
    Route("GET", "/v1/rooms/{room}/joins", "rooms", get_joins, PageAs, JoinsAnswer),
    Route("POST", "/v1/rooms/{room}/joins", "rooms", post_joins, PostJoins, JoinsDecided),
    Route("GET", "/v1/rooms/{room}/invites", "rooms", get_invites, PageAs, InvitesAnswer),
    Route("POST", "/v1/rooms/{room}/invites", "rooms", post_invite, PostInvite, Invite),
    Route("DELETE", "/v1/rooms/{room}/invites", "rooms", delete_invites, DeleteInvites),
)
