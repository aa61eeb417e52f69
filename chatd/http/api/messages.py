"""Messages of users, which the host writes, changes and takes back in their place or its own, and its notices."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict, replace

from chatd.commands.host_rooms import Place
from chatd.core import maintenance
from chatd.core.permissions import HOST
from chatd.http.api.route import As, Asked, Call, PageAs, Route
from chatd.protocol.codec import decode_event
from chatd.protocol.errors import Refused
from chatd.protocol.hostdata import to_json
from chatd.protocol.identifiers import U53, U53_MAX, Key, Milliseconds, Room, Seq, User
from chatd.protocol.limits import FORWARD_MAX
from chatd.protocol.messages import Body, Edit, Event, Forward, LooseBody, Recall, Send, SentBody, WriteOk
from chatd.protocol.read_state import Read, ReadOk

# The first letter of `more`.
DIRECTIONS = {"b": "before", "a": "after"}

# The rule of protocol.md "Body" for the description of the API; decisions check it.
SOMETHING = {"anyOf": [{"required": [name]} for name in ("text", "attachments", "card", "data")]}
Content = Annotated[LooseBody, Meta(extra_json_schema=SOMETHING)]


class PostMessage(Asked, frozen=True, kw_only=True):
    """A message of the user `as`. A repeated request with the same `key` is answered like the first one.

    `silent`: it does not count as unread. `screen`: filters judge it, as if a phone had sent it.
    """

    as_: User = field(name="as")
    key: Key
    body: Content
    silent: bool = False
    screen: bool = True


class PatchMessage(Asked, frozen=True, kw_only=True):
    """Another body for a message of the user `as`. `screen`: as for a new one."""

    as_: User = field(name="as")
    body: Content
    screen: bool = True


class MessagesQuery(PageAs, frozen=True, kw_only=True):
    """Messages before, after or around a `seq`; without any of them the newest. `more` goes on where a page ends."""

    before: Seq | UnsetType = UNSET
    after: U53 | UnsetType = UNSET
    around: Seq | UnsetType = UNSET

    def place(self) -> Place:
        """Return the place of the page. Raises Refused."""
        given = {name: getattr(self, name) for name in ("before", "after", "around")}
        given = {name: seq for name, seq in given.items() if seq is not UNSET}
        if self.more:
            direction, seq = DIRECTIONS.get(self.more[0]), self.more[1:]
            if direction is None or not (seq.isascii() and seq.isdigit()) or int(seq) > U53_MAX:
                raise Refused("bad_cursor", "`more` is not one that was answered", field="more")
            given[direction] = int(seq)
        if len(given) > 1:
            raise Refused("bad_request", "one of before, after, around and more", field="before")
        return Place(**given)


class PutRead(Asked, frozen=True, kw_only=True):
    """How far the user `as` has read; it never moves down."""

    as_: User = field(name="as")
    seq: Seq


class PostNotice(Asked, frozen=True, kw_only=True):
    """A notice. A repeated request with the same `key` is answered like the first one."""

    key: Key
    body: Content


class PostForward(Asked, frozen=True, kw_only=True):
    """Messages of the room `from` that the user `as` forwards. A repeated request is answered like the first one.

    `credit`: their authors are named, where those agree. `screen`: as for a message.
    """

    as_: User = field(name="as")
    key: Key
    from_: Room = field(name="from")
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=FORWARD_MAX)]
    credit: bool = False
    screen: bool = True


class Written(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place of what was stored in the log of its room. `duplicate`: it was there before.

    `event`: what was stored, where it is not what was asked for.
    """

    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    event: Event | UnsetType = UNSET


class Forwarded(Written, frozen=True, kw_only=True):
    """The same of the first of some messages, and the numbers of all."""

    seqs: list[U53]


class MessagesAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages in current state, the oldest first: all there are from `low` to `high`."""

    messages: list[Event]
    low: U53
    high: U53
    more: str | UnsetType = UNSET


class ReadAnswer(Struct, frozen=True, kw_only=True):
    read: U53
    unread: U53
    unread_mentions: U53


async def get_messages(call: Call, asked: MessagesQuery) -> MessagesAnswer:
    room, place = call.path["room"], asked.place()
    await call.admin.note(call.audit(room, asked.user))
    found = await call.rooms.messages(asked.user, room, place, asked.limit)
    assert isinstance(found.low, int)
    assert isinstance(found.high, int)
    more: str | UnsetType = UNSET
    if place.after is not None:
        more = f"a{found.high}" if found.seq is not UNSET and found.high < found.seq else UNSET
    elif place.around is None and not found.end:
        more = f"b{found.low}"
    shown = [event_shown(decode_event(blob)) for blob in found.events]
    return MessagesAnswer(messages=shown, low=found.low, high=found.high, more=more)


async def post_message(call: Call, asked: PostMessage) -> Written:
    room = call.path["room"]
    send = Send(room=room, key=asked.key, body=body_of(call, asked.body), silent=asked.silent)
    return written(
        await call.rooms.decide(asked.as_, send, call.audit(room, asked.as_), screened=asked.screen)
    )


async def post_forward(call: Call, asked: PostForward) -> Forwarded:
    room = call.path["room"]
    forward = Forward(room=room, key=asked.key, from_=asked.from_, seqs=asked.seqs, credit=asked.credit)
    reply = await call.rooms.decide(asked.as_, forward, call.audit(room, asked.as_), screened=asked.screen)
    assert isinstance(reply, WriteOk)
    assert reply.seqs is not UNSET
    return Forwarded(**asdict(written(reply)), seqs=reply.seqs)


async def patch_message(call: Call, asked: PatchMessage) -> Written:
    room = call.path["room"]
    edit = Edit(room=room, key=call.rooms.new_key(), target=call.path["seq"], body=body_of(call, asked.body))
    return written(
        await call.rooms.decide(asked.as_, edit, call.audit(room, asked.as_), screened=asked.screen)
    )


async def delete_message(call: Call, asked: As) -> Written:
    room = call.path["room"]
    recall = Recall(room=room, key=call.rooms.new_key(), target=call.path["seq"])
    try:
        return written(await call.rooms.decide(asked.user, recall, call.audit(room, asked.user)))
    except Refused as refused:
        if refused.code != "conflict":
            raise
        # It was recalled before.
        return Written(duplicate=True)


async def put_read(call: Call, asked: PutRead) -> ReadAnswer:
    room = call.path["room"]
    reply = await call.rooms.decide(asked.as_, Read(room=room, seq=asked.seq), call.audit(room, asked.as_))
    assert isinstance(reply, ReadOk)
    return ReadAnswer(read=reply.read, unread=reply.unread, unread_mentions=reply.unread_mentions)


async def post_notice(call: Call, asked: PostNotice) -> Written:
    room = call.path["room"]
    notice = maintenance.PostNotice(room=room, key=asked.key, body=body_of(call, asked.body))
    return written(await call.rooms.decide(HOST, notice, call.audit(room)))


def body_of(call: Call, loose: LooseBody) -> SentBody:
    """Return a body as one that a phone sends: without empty parts and unknown keys, its host data decoded."""
    fields = {name: getattr(loose, name) for name in loose.__struct_fields__}
    # The key and the room are of no account.
    return call.rooms.normal(Send(room="", key="", body=SentBody(**fields))).body


def written(reply: Any) -> Written:
    assert isinstance(reply, WriteOk)
    event = UNSET if reply.event is UNSET else event_shown(decode_event(reply.event))
    return Written(
        seq=reply.seq, ordinal=reply.ordinal, time=reply.time, duplicate=reply.duplicate, event=event
    )


def event_shown(event: Event) -> Event:
    """Return an event for JSON."""
    data, body = event.data, event.body
    body = UNSET if body is UNSET else body_shown(body)
    return replace(event, data=UNSET if data is UNSET else to_json(data), body=body)


def body_shown(body: Body) -> Body:
    """Return a body for JSON."""
    return body if body.data is UNSET else replace(body, data=to_json(body.data))


ROUTES = (
    Route("GET", "/v1/rooms/{room}/messages", "messages", get_messages, MessagesQuery, MessagesAnswer),
    Route("POST", "/v1/rooms/{room}/messages", "messages", post_message, PostMessage, Written),
    Route("PATCH", "/v1/rooms/{room}/messages/{seq}", "messages", patch_message, PatchMessage, Written),
    Route("DELETE", "/v1/rooms/{room}/messages/{seq}", "messages", delete_message, As, Written),
    Route("POST", "/v1/rooms/{room}/forwards", "messages", post_forward, PostForward, Forwarded),
    Route("POST", "/v1/rooms/{room}/notices", "messages", post_notice, PostNotice, Written),
    Route("PUT", "/v1/rooms/{room}/read", "messages", put_read, PutRead, ReadAnswer),
)
