"""Moving in: users, rooms, members and messages of another chat, one JSON object a line (docs/import.md)."""

from collections.abc import Iterator
from typing import Annotated, cast

from msgspec import UNSET, Meta, Raw, UnsetType, field, structs

from chatd.commands.host_rooms import HostRooms
from chatd.commands.imports import InRoom, Line, Mended, Tally, Wrong
from chatd.commands.imports import User as UserOf
from chatd.core.imports import ImportRoom, ImportUser, PastMember
from chatd.core.past_messages import PastMessage, Ref, key_of
from chatd.core.room_settings import first_policy
from chatd.http.api.ndjson import LINE_BYTES_MAX, Lines
from chatd.http.api.route import Asked, Call, Route
from chatd.protocol.cards import MessageOrigin, SentCard, Span
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.groups import About, Policy, Tags
from chatd.protocol.identifiers import Mention, Milliseconds, User
from chatd.protocol.limits import NAME_MAX, SPANS_MAX
from chatd.protocol.members import Role
from chatd.protocol.messages import Body, Send, SentAttachment, SentBody
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from chatd.protocol.users import UserKind

# The name of a room, or of a message, elsewhere.
Name = Annotated[str, Meta(min_length=1, max_length=128)]
RoomKind = Annotated[str, Meta(pattern=r"^(group|direct)\Z")]
# Others of a room come in lines of their own.
MEMBERS_MAX = 1000
TITLE_MAX, ADDRESS_MAX = 256, 2048
# In place of those of a request that bodies and host data come in.
ROOM, KEY = "g" + 11 * "0", "imported"


class UserLine(Asked, frozen=True, kw_only=True, tag_field="type", tag="user"):
    """`since`: when the account was made."""

    user: User
    name: str = ""
    avatar: str = ""
    since: Milliseconds = 0
    kind: UserKind = "person"


class MemberSince(Asked, frozen=True, kw_only=True):
    user: User
    role: Role = "member"
    time: Milliseconds | None = None


class RoomLine(Asked, frozen=True, kw_only=True, tag_field="type", tag="room"):
    """`room`: its name elsewhere. `time`: when it was made. `creator`: its owner, where it is among the members.

    `policy`, `about` and `tags` are of groups, as in `room.create`.
    """

    room: Name
    kind: RoomKind
    time: Milliseconds
    title: str = ""
    avatar: str = ""
    data: Raw | UnsetType = UNSET
    public: bool = False
    policy: Policy | UnsetType = UNSET
    about: About = ""
    tags: Tags = field(default_factory=list)
    creator: User | UnsetType = UNSET
    joining: Annotated[tuple[User | MemberSince, ...], Meta(max_length=MEMBERS_MAX)] = field(
        default=(), name="members"
    )


class MemberLine(MemberSince, frozen=True, kw_only=True, tag_field="type", tag="member"):
    """`time`: since when, without it since the room was made."""

    room: Name


class Named(Asked, frozen=True, kw_only=True):
    """A message, by its author and its key elsewhere."""

    user: User
    key: Name


class LineBody(Asked, frozen=True, kw_only=True):
    """A body of protocol.md without the numbers of other messages."""

    text: str | UnsetType = UNSET
    attachments: Annotated[list[SentAttachment], Meta(max_length=10)] | UnsetType = UNSET
    mentions: Annotated[list[Mention], Meta(max_length=50)] | UnsetType = UNSET
    card: SentCard | UnsetType = UNSET
    spans: Annotated[list[Span], Meta(max_length=SPANS_MAX)] | UnsetType = UNSET
    forwarded: MessageOrigin | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


class MessageLine(Asked, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message as it is now. `key`: its id elsewhere. Either `text`, or a `body` with more than that."""

    room: Name
    key: Name
    user: User
    time: Milliseconds
    text: str = ""
    body: LineBody | UnsetType = UNSET
    reply_to: Named | UnsetType = UNSET
    thread: Named | UnsetType = UNSET
    edited_at: Milliseconds = 0
    recalled: bool = False
    reactions: dict[str, tuple[User, ...]] = field(default_factory=dict)


# One of them, told apart by `type`.
ANY_LINE = cast("type[Asked]", UserLine | RoomLine | MemberLine | MessageLine)


class Reader:
    """The reader of the lines of an upload. What it changed to fit comes before the line."""

    def __init__(self, rooms: HostRooms) -> None:
        self._rooms = rooms

    def read(self, lines: Lines) -> Iterator[Line]:
        for number, content in lines.numbered:
            if len(content) > LINE_BYTES_MAX:
                yield Wrong(number, "line_too_long", f"a line has at most {LINE_BYTES_MAX} bytes")
                continue
            try:
                line = lines.decode(content)
                if isinstance(line, MessageLine):
                    yield InRoom(line.room, self._message(number, line))
                elif isinstance(line, MemberLine):
                    yield InRoom(line.room, PastMember(number, line.user, line.role, line.time or 0))
                elif isinstance(line, RoomLine):
                    yield from self._room(number, line)
                else:
                    yield from self._user(number, line)
            except Refused as refused:
                reason = "body_too_large" if refused.code == "too_large" else "invalid"
                yield Wrong(number, reason, refused.message)

    def _message(self, number: int, line: MessageLine) -> PastMessage:
        return PastMessage(
            line=number,
            user=line.user,
            key=key_of(line.key),
            time=line.time,
            body=self._body(line),
            reply_to=ref_of(line.reply_to),
            thread=ref_of(line.thread),
            edited=line.edited_at,
            recalled=line.recalled,
            reactions=line.reactions,
        )

    def _body(self, line: MessageLine) -> Body:
        if line.body is UNSET:
            return Body(text=line.text or UNSET)
        sent = SentBody(**structs.asdict(line.body))
        return self._rooms.normal(Send(room=ROOM, key=KEY, body=sent)).body

    def _room(self, number: int, line: RoomLine) -> Iterator[Line]:
        data = b""
        if line.data is not UNSET:
            data = encode(self._rooms.normal(RoomUpdate(room=ROOM, key=KEY, data=line.data)).data)
        # Raises Refused for rules that no group may have.
        policy = first_policy(RoomCreate(key=KEY, kind="group", title="", policy=line.policy))
        if len(line.title) > TITLE_MAX:
            yield Mended(number, "title_cut")
        if len(line.avatar) > ADDRESS_MAX:
            yield Mended(number, "avatar_dropped")
        yield ImportRoom(
            number,
            line.room,
            line.kind,
            line.time,
            title=line.title[:TITLE_MAX],
            avatar=address(line.avatar),
            data=data,
            public=line.public,
            creator="" if line.creator is UNSET else line.creator,
            policy=policy,
            about=line.about,
            tags=line.tags,
            joining=[member_of(number, one, line.time) for one in line.joining],
        )

    def _user(self, number: int, line: UserLine) -> Iterator[Line]:
        if len(line.name) > NAME_MAX:
            yield Mended(number, "name_cut")
        if len(line.avatar) > ADDRESS_MAX:
            yield Mended(number, "avatar_dropped")
        name, avatar = line.name[:NAME_MAX], address(line.avatar)
        yield UserOf(line.user, ImportUser(number, name, avatar, line.kind, line.since))


def address(avatar: str) -> str:
    """Return an address, "" for one that is too long: a part of one leads nowhere."""
    return avatar if len(avatar) <= ADDRESS_MAX else ""


def member_of(number: int, one: str | MemberSince, since: int) -> PastMember:
    if isinstance(one, str):
        return PastMember(number, one, "member", since)
    return PastMember(number, one.user, one.role, since if one.time is None else one.time)


def ref_of(named: Named | UnsetType) -> Ref | None:
    return None if named is UNSET else Ref(named.user, key_of(named.key))


async def post_import(call: Call, lines: Lines) -> Tally:
    await call.admin.note(call.audit(""))
    return await call.services.imports.run(Reader(call.rooms).read(lines), call.audit)


ROUTES = (Route("POST", "/v1/import", "import", post_import, ANY_LINE, Tally, bulk=True, whole=True),)
