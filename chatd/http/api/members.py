"""Members of rooms and their roles, which the host sets, in the place of a user or in its own."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from chatd.core.entering import SetMembers
from chatd.http.api.route import As, Call, Done, PageAs, Route, page_of
from chatd.protocol.groups import Announce, MembersSilence, MembersUnban
from chatd.protocol.identifiers import U53, Milliseconds
from chatd.protocol.members import MemberFilter, MemberRow, MembersRemove, Role, RoomLeave, Users
from chatd.protocol.messages import WriteOk


class MembersQuery(PageAs, frozen=True, kw_only=True):
    """`role`: members with this one only, `staff`, or `banned`: users who are banned from the room."""

    role: MemberFilter | UnsetType = UNSET


class PutMembers(As, frozen=True, kw_only=True):
    """Users to be members. With `role` all of them get it; without, members keep theirs, new ones are plain members."""

    users: Users
    role: Role | UnsetType = UNSET


class DeleteMember(As, frozen=True, kw_only=True):
    """`ban`: they cannot come back, before `until` if it is there. `recall`: what they wrote in a day goes, too."""

    ban: bool = False
    until: Milliseconds | UnsetType = UNSET
    recall: bool = False


class PutSilence(As, frozen=True, kw_only=True):
    """`until`: Unix ms; 0 ends it, 1 is for ever."""

    until: Milliseconds


class PutAnnouncement(As, frozen=True, kw_only=True):
    """`target`: a message of the room; 0 takes the announcement away."""

    target: U53


class MembersAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Members in order of user id. `count`: of all."""

    members: list[MemberRow]
    count: U53
    more: str | UnsetType = UNSET


class MembersSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`not_added`: users whom their privacy, or their many rooms, keep out. `offered`: users who are asked first."""

    not_added: list[str] | UnsetType = UNSET
    offered: list[str] | UnsetType = UNSET


async def get_members(call: Call, asked: MembersQuery) -> MembersAnswer:
    role = None if asked.role is UNSET else asked.role
    rows, count = await call.rooms.members(asked.user, call.path["room"], asked.more, asked.limit + 1, role)
    members, more = page_of(rows, asked.limit, lambda row: row.user)
    return MembersAnswer(members=list(members), count=count, more=more)


async def put_members(call: Call, asked: PutMembers) -> MembersSet:
    room = call.path["room"]
    request = SetMembers(room=room, key=call.rooms.new_key(), users=asked.users, role=asked.role)
    reply = await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    assert isinstance(reply, WriteOk)
    return MembersSet(not_added=reply.not_added, offered=reply.offered)


async def delete_member(call: Call, asked: DeleteMember) -> Done:
    room, member, key = call.path["room"], call.path["user"], call.rooms.new_key()
    request: Any = MembersRemove(
        room=room, key=key, users=[member], ban=asked.ban, until=asked.until, recall=asked.recall
    )
    if asked.user == member:
        request = RoomLeave(room=room, key=key)
    await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    return Done()


async def delete_ban(call: Call, asked: As) -> Done:
    room, key = call.path["room"], call.rooms.new_key()
    request = MembersUnban(room=room, key=key, users=[call.path["user"]])
    await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    return Done()


async def put_silence(call: Call, asked: PutSilence) -> Done:
    room, key = call.path["room"], call.rooms.new_key()
    request = MembersSilence(room=room, key=key, users=[call.path["user"]], until=asked.until)
    await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    return Done()


async def put_announcement(call: Call, asked: PutAnnouncement) -> Done:
    room = call.path["room"]
    request = Announce(room=room, key=call.rooms.new_key(), target=asked.target)
    await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    return Done()


ROUTES = (
    Route("GET", "/v1/rooms/{room}/members", "rooms", get_members, MembersQuery, MembersAnswer),
    Route("PUT", "/v1/rooms/{room}/members", "rooms", put_members, PutMembers, MembersSet),
    Route("DELETE", "/v1/rooms/{room}/members/{user}", "rooms", delete_member, DeleteMember),
    Route("DELETE", "/v1/rooms/{room}/bans/{user}", "rooms", delete_ban, As),
    Route("PUT", "/v1/rooms/{room}/silences/{user}", "rooms", put_silence, PutSilence),
    Route("PUT", "/v1/rooms/{room}/announcement", "rooms", put_announcement, PutAnnouncement),
)
