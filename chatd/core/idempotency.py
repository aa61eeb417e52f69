"""Idempotency: one key, one effect (protocol.md "Writing"). A repeated request gets its first answer, whatever
became of the room and of its author since.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar
from zlib import crc32

from msgspec import UNSET, Raw
from msgspec.structs import replace

from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import EVENT_BYTES, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.emoji import normal_form
from chatd.protocol.envelope import Mutation, RoomMutation
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole
from chatd.protocol.messages import Body, Edit, Event, React, Send, TrimmedBody, WriteOk
from chatd.protocol.rooms import RoomUpdate

KeyedRequest = TypeVar("KeyedRequest", bound=RoomMutation)
Decision = Callable[[str, KeyedRequest, WriteSet, ReadSet], WriteOk]

NOT_CONTENT = frozenset(("id", "key", "room", "kind", "composed_at"))
PLAIN = frozenset((str, int, bool))  # of these there is one spelling
NULL = U53_MAX + 1  # stands for a `data` that is null, to tell it from none: no host data holds this number

# What a request states and its event shows as it was stored: a key unknown here, who was a member already, ...
STATED: dict[type[RoomMutation], tuple[str, ...]] = {
    Send: ("body",),
    Edit: ("body",),
    React: ("emoji",),
    MembersAdd: ("users",),
    MembersRemove: ("users",),
    MembersRole: ("users",),
    RoomUpdate: ("title", "avatar", "public", "data"),
}


class Repeated(Exception):
    """This request was carried out before; `reply` is the first answer."""

    def __init__(self, reply: WriteOk) -> None:
        super().__init__()
        self.reply = reply


def once(decide: Decision[KeyedRequest]) -> Decision[KeyedRequest]:
    """A decision whose repetition is answered like the first time. It has to call `first_time`, before all else."""

    @wraps(decide)
    def decide_once(user: str, request: KeyedRequest, writes: WriteSet, reads: ReadSet) -> WriteOk:
        try:
            return decide(user, request, writes, reads)
        except Repeated as repeated:
            return repeated.reply

    return decide_once


def first_time(user: str, request: RoomMutation, writes: WriteSet, reads: ReadSet) -> int:
    """The digest of a request whose key is new.

    Raises Repeated when the key was used for the same, Refused("conflict") when for something else.
    """
    digest = digest_of(request)
    room = reads.rooms.get(request.room)
    if room is None:
        return digest
    place = (room.number, user, request.key)
    stored = reads.keyed.get(place)
    new = writes.keyed.get(place)
    if stored is not None:
        check_same(stored.digest, digest)
        raise Repeated(repeated_answer(request, stored.event, stored.time))
    if place in writes.unlogged:
        check_same(writes.unlogged[place], digest)
        raise Repeated(repeated_answer(request, None, writes.now))
    if new is not None:
        check_same(new.digest, digest)
        raise Repeated(repeated_answer(request, new.event, writes.now))
    reads.allowances.check("bytes", user, 1, writes, reads.now_s)
    return digest


def digest_of(request: Mutation) -> int:
    """32 bits that tell whether a repeated key asks for the same thing: a check against mistakes, not malice.

    Whoever finds two contents with one digest can only deceive himself. It is compared with those stored by
    earlier versions.
    """
    if type(request) is React:
        request = replace(request, emoji=normal_form(request.emoji) or request.emoji)
    parts = [getattr(request, name) for name in content_of(type(request))]
    spelled = [part if type(part) in PLAIN else NULL if part is None else canonical(part) for part in parts]
    return crc32(encode((type(request).__name__, spelled)))


@cache
def content_of(kind: type[Mutation]) -> tuple[str, ...]:
    """The fields of a request that say what is asked for."""
    return tuple(name for name in kind.__struct_fields__ if name not in NOT_CONTENT)


def canonical(part: Any) -> Any:
    """`part` in the one spelling of everything that means the same: maps in order, whole numbers as integers."""
    if part is UNSET:
        return None
    if isinstance(part, Body):
        return part if part.data is UNSET else replace(part, data=canonical(part.data))
    if isinstance(part, dict):
        return {key: canonical(part[key]) for key in sorted(part)}
    if isinstance(part, list):
        return [canonical(item) for item in part]
    if isinstance(part, float) and part.is_integer() and abs(part) <= U53_MAX:
        return int(part)
    return part


def same(one: Any, other: Any) -> bool:
    """Do two contents mean the same?"""
    return one is other or encode(canonical(one)) == encode(canonical(other))


def check_same(before: int | None, now: int) -> None:
    if before != now:
        raise Refused("conflict", "this key was used for another operation, or other content", field="key")


def repeated_answer(request: RoomMutation, event: Event | None, time: int) -> WriteOk:
    """What the first request of this content was answered; `event`: what it stored, if anything."""
    if event is None:
        return WriteOk(time=time, duplicate=True)
    first = replace(event, changed=UNSET, edited=UNSET, recalled=UNSET, pinned=UNSET, reactions=UNSET)
    first.body = getattr(request, "body", UNSET)
    reply = acknowledgement(request, first)
    reply.duplicate = True
    return reply


def unlogged(room: Room, user: str, request: RoomMutation, digest: int, writes: WriteSet) -> WriteOk:
    """Remember the key of a request that takes effect without an event, and what it is answered."""
    writes.unlogged[room.number, user, request.key] = digest
    writes.spend("bytes", user, EVENT_BYTES)
    return WriteOk(time=writes.now)


def acknowledgement(request: RoomMutation, event: Event) -> WriteOk:
    """What the author is told of his event; all of it, when he cannot know it from what he sent."""
    reply = WriteOk(seq=event.seq, ordinal=event.ordinal, time=event.time)
    for name in STATED.get(type(request), ()):
        sent, stored = getattr(request, name), getattr(event, name)
        if type(sent) is TrimmedBody or (sent is not stored and sent != stored):
            reply.event = Raw(encode(event))
            break
    return reply
