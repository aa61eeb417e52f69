"""Screening (protocol.md "Screening"): the requests that others will read, their texts, and what is decided of them.

A verdict is given before a request is decided, so the decision has the last word: a key that was stored is a duplicate,
whatever is thought of it by now, and who may not do it is refused as ever.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from chatd.core.entering import SetMembers, joinable, joined
from chatd.core.forwarding import JudgedForward, keys_of, seen_by
from chatd.core.idempotency import Repeated, first_time
from chatd.core.invites import prepared_use
from chatd.core.may_post import (
    check_may_post,
    check_may_say,
    check_mentions_all,
    check_not_silenced,
    is_bound,
    since_written,
)
from chatd.core.messages import check_editable, target_of
from chatd.core.moderation import flag
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.room_settings import action_of
from chatd.core.rooms import repeated_creation
from chatd.core.scheduled import SendScheduled, check_sender
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.envelope import Ok, RoomMutation
from chatd.protocol.errors import ChatError
from chatd.protocol.friends import FriendRequest
from chatd.protocol.groups import MembersNickname
from chatd.protocol.joining import InvitesCreate, InvitesUse, UseOk
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.messages import Body, Edit, Forward, Part, Send, WriteOk
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from chatd.protocol.users import ProfileSet

On = Literal["message", "edit", "room", "member", "friend", "profile"]

# Marks of an event, for the back end of the host app. The before-hook gave no verdict, and the operator lets that pass.
UNSCREENED = "unscreened"
# A judge lets it pass, and wants somebody to look at it.
FLAGGED = "flagged"

# For `isinstance`, which is slow with a union.
WRITTEN = (Send, Edit)

SCREENED: Mapping[type[Struct], On] = {
    Send: "message",
    SendScheduled: "message",
    Forward: "message",
    Edit: "edit",
    RoomCreate: "room",
    RoomUpdate: "room",
    MembersAdd: "member",
    SetMembers: "member",
    RoomJoin: "member",
    InvitesCreate: "room",
    InvitesUse: "member",
    MembersNickname: "member",
    FriendRequest: "friend",
    ProfileSet: "profile",
}
"""The requests that others will read, and the word of a before-hook for each."""

# What a member must be allowed to do, for those that name a room they are in.
ACTIONS: Mapping[type[Struct], str] = {
    Send: "post",
    SendScheduled: "post",
    Forward: "post",
    Edit: "edit",
    RoomUpdate: "update",
    MembersAdd: "add",
    SetMembers: "add",
    InvitesCreate: "add",
    MembersNickname: "rename",
}

# The fields that are texts, besides bodies and parts of cards. A handle has letters that are no mask.
TEXTS: Mapping[type[Struct], tuple[str, ...]] = {
    RoomCreate: ("title", "about"),
    RoomUpdate: ("title", "about"),
    RoomJoin: ("text",),
    InvitesCreate: ("label",),
    InvitesUse: ("text",),
    MembersNickname: ("nickname",),
    FriendRequest: ("note",),
    ProfileSet: ("name", "handle", "bio"),
}
UNMASKED = ("handle",)
# Of a card; its address is no text that is masked, either.
CARD_TEXTS = ("title", "text", "url")

# Of the envelope, and what places a request: no content of its own.
_ENVELOPE = frozenset(("id", "key", "room", "body"))

Change = Callable[[str], str]
"""Returns what takes the place of a text."""


@dataclass(slots=True, frozen=True)
class Screened:
    """The outcome of screening, where a request is not carried out as it came.

    `sent`: the request as it came, when its texts were changed. `refusal`: it must not be carried out. `flagged_by`:
    the filters that flag it: each reports the message.
    """

    sent: Any = None
    refusal: ChatError | None = None
    flagged_by: tuple[str, ...] = ()


def texts_of(request: Any) -> list[str]:
    """Return the texts of a request that others will read. Those of a forward are known once it was looked up."""
    kind = type(request)
    if kind is Send or kind is Edit:
        return texts_in(request.body)
    if kind is JudgedForward:
        return [text for body in request.bodies for text in texts_in(body)]
    found = _Noted()
    with_texts(request, found.note)
    return found.texts


def texts_in(body: Body) -> list[str]:
    """Return the texts of a body."""
    if body.attachments is UNSET and body.buttons is UNSET and body.card is UNSET:
        return [body.text] if body.text else []
    found = _Noted()
    _body_with(body, found.note)
    return found.texts


class _Noted:
    """The texts that a change was asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> str:
        if text:
            self.texts.append(text)
        return text


def with_texts(request: Any, change: Change) -> Any:
    """Return a request with `change` applied to each of its texts."""
    if isinstance(request, WRITTEN):
        return replace(request, body=_body_with(request.body, change))
    if isinstance(request, JudgedForward):
        return replace(request, bodies=[_body_with(body, change) for body in request.bodies])
    changed = {
        name: change(text)
        for name in TEXTS.get(type(request), ())
        if isinstance(text := getattr(request, name), str)
    }
    if isinstance(request, RoomCreate | RoomUpdate) and request.tags is not UNSET:
        changed["tags"] = [change(tag) for tag in request.tags]  # type: ignore[assignment]
    if isinstance(request, ProfileSet):
        if request.theme is not UNSET:
            changed["theme"] = replace(request.theme, name=change(request.theme.name))  # type: ignore[assignment]
        if request.fields is not UNSET:
            changed["fields"] = [  # type: ignore[assignment]
                replace(field, name=change(field.name), value=change(field.value)) for field in request.fields
            ]
    return replace(request, **changed)


def _body_with(body: Body, change: Change) -> Body:
    changed: dict[str, Any] = {}
    if body.text is not UNSET:
        changed["text"] = change(body.text)
    if body.attachments is not UNSET:
        changed["attachments"] = [
            one if one.name is UNSET and one.alt is UNSET else _part_with(one, ("name", "alt"), change)
            for one in body.attachments
        ]
    if body.buttons is not UNSET:
        changed["buttons"] = [
            [replace(button, label=change(button.label)) for button in row] for row in body.buttons
        ]
    if body.card is not UNSET:
        changed["card"] = _part_with(body.card, CARD_TEXTS, change)
    return replace(body, **changed)


def _part_with(part: Part, names: tuple[str, ...], change: Change) -> Part:
    texts = {name: getattr(part, name) for name in names}
    return replace(part, **{name: change(text) for name, text in texts.items() if isinstance(text, str)})


def unmasked_texts(request: Any) -> Iterator[str]:
    """Yield the texts in which no character can be masked."""
    if isinstance(request, ProfileSet):
        yield from (text for name in UNMASKED if isinstance(text := getattr(request, name), str))
    for body in bodies_of(request):
        if body.card is not UNSET and body.card.url is not UNSET:
            yield body.card.url


def bodies_of(request: Any) -> Sequence[Body]:
    """Return the bodies that a request would have stored, as far as they are known."""
    if isinstance(request, WRITTEN):
        return (request.body,)
    return request.bodies if isinstance(request, JudgedForward) else ()


def fields_of(request: Any) -> dict[str, Any]:
    """Return what a request asks for, as on the wire, besides its place and its body."""
    fields = {name: getattr(request, name) for name in request.__struct_fields__ if name not in _ENVELOPE}
    return {name: value for name, value in fields.items() if value is not UNSET}


def decide_screened(
    screened: Screened,
    decide: Callable[[str, Any, WriteSet, ReadSet], Ok],
    user: str,
    request: Any,
    writes: WriteSet,
    reads: ReadSet,
) -> Ok:
    """Decide a request that is not carried out just as it came. Its key stands for what came."""
    if screened.refusal is not None:
        return refuse(screened.refusal, user, request, writes, reads)
    writes.sent = screened.sent
    try:
        reply = decide(user, request, writes, reads)
    finally:
        writes.sent = None
    if isinstance(reply, WriteOk) and isinstance(request, RoomMutation) and not reply.duplicate:
        room = reads.rooms[request.room]
        new = writes.keyed.get((room.number, user, request.key))
        if new is None:
            # Of a large room: what was asked has no event.
            return reply
        event = new.event
        if screened.sent is not None:
            reply.event = Raw(encode(event))
        if isinstance(request, JudgedForward):
            for key, names in zip(keys_of(request), request.flags, strict=False):
                for name in names:
                    flag(room, writes.keyed[room.number, user, key].event, name, writes, reads)
        for name in screened.flagged_by if isinstance(request, WRITTEN) else ():
            flag(room, event, name, writes, reads)
    return reply


def refuse(refusal: ChatError, user: str, request: Any, writes: WriteSet, reads: ReadSet) -> Ok:
    """Raise `refusal`, or what the decision would raise; return the reply to a request that was stored before."""
    if isinstance(request, RoomCreate):
        if (reply := repeated_creation(user, request, writes, reads)) is not None:
            return reply
    elif isinstance(request, InvitesUse):
        if isinstance(used := prepared_use(user, request, writes, reads), UseOk):
            return used
    elif hasattr(request, "key"):
        try:
            first_time(user, request, writes, reads)
        except Repeated as repeated:
            return repeated.reply
    room = reads.rooms.get(getattr(request, "room", ""))
    member = None if room is None else room.members.get(user)
    since_s = math.inf if room is None or member is None else since_written(room, member, writes, reads)
    check_allowed(user, request, room, writes.now, since_s)
    if isinstance(request, Edit) and room is not None:
        message = target_of(room, room.members[user], request.target, reads)
        check_editable(message, user, writes.now, reads.rules.edit_window_ms)
    if isinstance(request, SendScheduled):
        check_sender(user, request, writes, reads)
    if isinstance(request, RoomJoin):
        joined(joinable(room, user), user, writes, reads)
    if isinstance(request, Forward):
        seen_by(user, request, reads)
    raise refusal


def check_allowed(user: str, request: Any, room: Room | None, now_ms: int, since_s: float) -> None:
    """Raise Refused when `user` may not ask that of a room, by whatever they would write there.

    `since_s`: since they wrote there last, if the room is slow.
    """
    if isinstance(request, RoomJoin):
        joinable(room, user)
        return
    action = action_of(request) if isinstance(request, RoomUpdate) else ACTIONS.get(type(request))
    if action is None:
        return
    room, member = authorize(room, user, action)
    if not is_bound(room, member):
        return
    if isinstance(request, Send | Forward):
        check_may_say(room, member, None if isinstance(request, Forward) else request.body, now_ms, since_s)
    elif isinstance(request, Edit):
        check_may_post(room, member, now_ms)
        check_mentions_all(room, member, request.body)
    elif isinstance(request, RoomUpdate) or (
        isinstance(request, MembersNickname) and request.user in (UNSET, user)
    ):
        check_not_silenced(member, now_ms)
