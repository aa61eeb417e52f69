"""Messages of users, which the host writes, changes and takes back in their place or its own, and its notices."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from chatd.core import maintenance
from chatd.core.permissions import HOST
from chatd.http.api.route import BODY_BYTES_MAX, Asked, Call, Route
from chatd.protocol.codec import decode_event, host_data
from chatd.protocol.errors import Refused
from chatd.protocol.hostdata import to_json
from chatd.protocol.identifiers import U53, Key, Milliseconds, User
from chatd.protocol.messages import Edit, Event, LooseBody, Recall, Send, SentBody, WriteOk, without_empties


class As(Asked, frozen=True, kw_only=True):
    """`as`: the user in whose place, and with whose rights, it is done. Without it the host does it."""

    as_: User | UnsetType = field(default=UNSET, name="as")

    @property
    def user(self) -> str:
        return HOST if self.as_ is UNSET else self.as_


class PostMessage(Asked, frozen=True, kw_only=True):
    """A message of the user `as`. A repeated request with the same `key` is answered like the first one.

    `silent`: it does not count as unread.
    """

    as_: User = field(name="as")
    key: Key
    body: LooseBody
    silent: bool = False


class PatchMessage(Asked, frozen=True, kw_only=True):
    """Another body for a message of the user `as`."""

    as_: User = field(name="as")
    body: LooseBody


class PostNotice(Asked, frozen=True, kw_only=True):
    """A notice. A repeated request with the same `key` is answered like the first one."""

    key: Key
    body: LooseBody


class Written(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place of what was stored in the log of its room. `duplicate`: it was there before.

    `event`: what was stored, where it is not what was asked for.
    """

    seq: U53 | UnsetType = UNSET
    ordinal: U53 | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
    duplicate: bool = False
    event: Event | UnsetType = UNSET


async def post_message(call: Call, asked: PostMessage) -> Written:
    room = call.path["room"]
    send = Send(room=room, key=asked.key, body=body_of(asked.body), silent=asked.silent)
    return written(await call.rooms.decide(asked.as_, send, call.audit(room)))


async def patch_message(call: Call, asked: PatchMessage) -> Written:
    room = call.path["room"]
    edit = Edit(room=room, key=call.rooms.new_key(), target=call.path["seq"], body=body_of(asked.body))
    return written(await call.rooms.decide(asked.as_, edit, call.audit(room)))


async def delete_message(call: Call, asked: As) -> Written:
    room = call.path["room"]
    recall = Recall(room=room, key=call.rooms.new_key(), target=call.path["seq"])
    try:
        return written(await call.rooms.decide(asked.user, recall, call.audit(room)))
    except Refused as refused:
        if refused.code != "conflict":
            raise
        # It was recalled before.
        return Written(duplicate=True)


async def post_notice(call: Call, asked: PostNotice) -> Written:
    room = call.path["room"]
    notice = maintenance.PostNotice(room=room, key=asked.key, body=body_of(asked.body))
    return written(await call.rooms.decide(HOST, notice, call.audit(room)))


def body_of(loose: LooseBody) -> SentBody:
    """Return a body as one that a phone sends: without empty parts and unknown keys, its host data decoded."""
    fields = {name: getattr(loose, name) for name in loose.__struct_fields__}
    body = without_empties(SentBody(**fields))
    if body.data is UNSET:
        return body
    try:
        # At level 3 of what is asked, as in a packet; the whole body is bounded when it is decided.
        return replace(body, data=host_data(body.data, True, 3, BODY_BYTES_MAX))
    except Refused as refused:
        raise Refused(refused.code, refused.message, field="body.data") from refused


def written(reply: Any) -> Written:
    assert isinstance(reply, WriteOk)
    event = UNSET if reply.event is UNSET else shown(decode_event(reply.event))
    return Written(
        seq=reply.seq, ordinal=reply.ordinal, time=reply.time, duplicate=reply.duplicate, event=event
    )


def shown(event: Event) -> Event:
    """Return an event for JSON."""
    data, body = event.data, event.body
    if body is not UNSET and body.data is not UNSET:
        body = replace(body, data=to_json(body.data))
    return replace(event, data=UNSET if data is UNSET else to_json(data), body=body)


ROUTES = (
    Route("POST", "/v1/rooms/{room}/messages", "messages", post_message, PostMessage, Written),
    Route("PATCH", "/v1/rooms/{room}/messages/{seq}", "messages", patch_message, PatchMessage, Written),
    Route("DELETE", "/v1/rooms/{room}/messages/{seq}", "messages", delete_message, As, Written),
    Route("POST", "/v1/rooms/{room}/notices", "messages", post_notice, PostNotice, Written),
)
