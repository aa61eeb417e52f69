"""Rooms, which the host makes, changes and deletes, in the place of a user or in its own."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, structs

from chatd.core.discovery import Bar
from chatd.core.permissions import HOST
from chatd.core.rooms import OpenDirect
from chatd.http.api.route import As, Call, Done, Route
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import Refused
from chatd.protocol.groups import About, Policy, Tags
from chatd.protocol.hostdata import to_json
from chatd.protocol.identifiers import U53, Address, Key, LinkedRoom, Milliseconds, Title, User
from chatd.protocol.limits import MEMBERS_CHANGED_MAX
from chatd.protocol.messages import WriteOk
from chatd.protocol.rooms import GroupKind, RoomCreate, RoomDelete, RoomDirect, RoomUpdate, SummaryOk

Both = Annotated[frozenset[User], Meta(min_length=2, max_length=2)]


class PostRoom(As, frozen=True, kw_only=True):
    """A group of these users, with `as` as its owner; one of the host has none, and nobody becomes it by succession.

    A repeated request with the same `key` is answered with the room as it is now.
    """

    key: Key
    title: Title
    users: Annotated[tuple[User, ...], Meta(max_length=MEMBERS_CHANGED_MAX)] = ()
    kind: GroupKind = "group"
    avatar: Address | UnsetType = UNSET
    public: bool = False
    data: Raw | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: About | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class PostDirect(As, frozen=True, kw_only=True):
    """The direct room of two users, one of them `as`. Without `as` both have accepted what the other writes there."""

    users: Both


class PatchRoom(As, frozen=True, kw_only=True):
    """Settings to replace; what is absent stays. `barred`: keep it out of the directory, whatever its owner says.
    `comments`: of a channel, the group in which its posts are commented on; empty for none.
    """

    title: Title | UnsetType = UNSET
    avatar: Address | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: About | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    comments: LinkedRoom | UnsetType = UNSET
    barred: bool | UnsetType = UNSET


class RoomAnswer(Struct, kw_only=True, omit_defaults=True):
    """A room. `creator`: absent where the host made it. `users`: the two of a direct room. `policy`: the rules that are
    not the default of its kind.
    """

    room: str
    kind: str
    title: str = ""
    avatar: str = ""
    public: bool = False
    data: Any = UNSET
    members: U53
    seq: U53
    ordinal: U53
    time: Milliseconds
    created_at: Milliseconds
    creator: str | UnsetType = UNSET
    users: tuple[str, str] | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    about: str = ""
    tags: list[str] = []
    barred: bool = False
    announcement: U53 = 0
    comments: str = ""
    channel: str = ""


class MadeRoom(RoomAnswer, kw_only=True, omit_defaults=True):
    """`duplicate`: it was there before. `not_added`: users whom their privacy, or their many rooms, keep out.
    `offered`: users who are asked first.
    """

    duplicate: bool = False
    not_added: list[str] | UnsetType = UNSET
    offered: list[str] | UnsetType = UNSET


async def room_answer(call: Call, user: str, name: str) -> RoomAnswer:
    found = await call.rooms.room(user, name)
    shown, details = found._asdict(), found.details
    del shown["details"]
    return RoomAnswer(
        **{
            **shown,
            "data": to_json(decode_tree(found.data)) if found.data else UNSET,
            "creator": found.creator or UNSET,
            "users": found.users or UNSET,
            "policy": UNSET if details.policy == Policy() else details.policy,
            "about": details.about,
            "tags": [*details.tags],
            "barred": details.barred,
            "announcement": details.announcement,
            "comments": details.comments,
            "channel": details.channel,
        }
    )


async def post_room(call: Call, asked: PostRoom) -> MadeRoom:
    wanted = structs.asdict(asked)
    del wanted["as_"]
    request = call.rooms.normal(RoomCreate(**{**wanted, "users": [*asked.users]}))
    reply = await call.rooms.decide(asked.user, request, call.audit("", asked.user))
    assert isinstance(reply, WriteOk)
    assert isinstance(reply.summary, Struct)
    room = await room_answer(call, HOST, reply.summary.room)
    return MadeRoom(
        **structs.asdict(room), duplicate=reply.duplicate, not_added=reply.not_added, offered=reply.offered
    )


async def post_direct(call: Call, asked: PostDirect) -> RoomAnswer:
    one, other = sorted(asked.users)
    request: Any = OpenDirect(one, other)
    if asked.user != HOST:
        if asked.user not in asked.users:
            raise Refused("bad_request", "`as` must be one of the two", field="as")
        request = RoomDirect(user=other if asked.user == one else one)
    reply = await call.rooms.decide(asked.user, request, call.audit("", asked.user))
    assert isinstance(reply, SummaryOk)
    return await room_answer(call, HOST, reply.summary.room)


async def get_room(call: Call, asked: As) -> RoomAnswer:
    return await room_answer(call, asked.user, call.path["room"])


async def patch_room(call: Call, asked: PatchRoom) -> RoomAnswer:
    room = call.path["room"]
    wanted = structs.asdict(asked)
    del wanted["as_"]
    barred = wanted.pop("barred")
    if any(value is not UNSET for value in wanted.values()) or barred is UNSET:
        request = call.rooms.normal(RoomUpdate(room=room, key=call.rooms.new_key(), **wanted))
        await call.rooms.decide(asked.user, request, call.audit(room, asked.user))
    if barred is not UNSET:
        await call.rooms.decide(HOST, Bar(room, barred), call.audit(room))
    return await room_answer(call, HOST, room)


async def delete_room(call: Call, asked: As) -> Done:
    room = call.path["room"]
    await call.rooms.decide(
        asked.user, RoomDelete(room=room, key=call.rooms.new_key()), call.audit(room, asked.user)
    )
    return Done()


ROUTES = (
    Route("POST", "/v1/rooms", "rooms", post_room, PostRoom, MadeRoom),
    Route("POST", "/v1/rooms/direct", "rooms", post_direct, PostDirect, RoomAnswer),
    Route("GET", "/v1/rooms/{room}", "rooms", get_room, As, RoomAnswer),
    Route("PATCH", "/v1/rooms/{room}", "rooms", patch_room, PatchRoom, RoomAnswer),
    Route("DELETE", "/v1/rooms/{room}", "rooms", delete_room, As),
)
