"""Idempotency: one key, one effect (protocol.md "Writing"). A repeated request gets its first reply, whatever has
changed in the room since.
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
from chatd.protocol.groups import Announce, MembersNickname, MembersSilence
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoomJoin
from chatd.protocol.messages import Body, Edit, Event, Forward, React, Send, TrimmedBody, WriteOk
from chatd.protocol.rooms import RoomCreate, RoomUpdate

KeyedRequest = TypeVar("KeyedRequest", bound=RoomMutation)
Decision = Callable[[str, KeyedRequest, WriteSet, ReadSet], WriteOk]

# `post` is looked at apart: nearly no message has one, and older versions had none.
NOT_CONTENT = frozenset(("id", "key", "room", "kind", "composed_at", "post"))
# The types whose values have only one spelling.
PLAIN = frozenset((str, int, bool))
# Stands for a `data` that is null, to tell it from none: no host data holds this number.
NULL = U53_MAX + 1

# The last fields of a request, which older versions did not have, in groups that came together: at their defaults they
# are no part of the digest.
LATER: dict[type[Mutation], tuple[tuple[str, ...], ...]] = {
    RoomCreate: (("policy", "about", "tags"),),
    RoomUpdate: (("policy", "about", "tags"), ("comments",)),
    RoomJoin: (("text",),),
    MembersRemove: (("ban", "until", "recall"),),
}

# The fields in which a stored event may differ from its request: unknown keys are dropped, members not added again.
STATED: dict[type[Mutation], tuple[str, ...]] = {
    Send: ("body",),
    Edit: ("body",),
    React: ("emoji",),
    MembersAdd: ("users",),
    MembersRemove: ("users",),
    MembersRole: ("users",),
    MembersSilence: ("users",),
    MembersNickname: ("nickname",),
    Announce: ("target",),
    RoomUpdate: ("title", "avatar", "public", "data", "about", "tags", "policy", "comments"),
}


class Repeated(Exception):
    """The request was carried out before; `reply` repeats its first reply."""

    def __init__(self, reply: WriteOk) -> None:
        super().__init__()
        self.reply = reply


def once(decide: Decision[KeyedRequest]) -> Decision[KeyedRequest]:
    """Answer a repeated request like the first one. The decision has to call `first_time` before anything else."""

    @wraps(decide)
    def decide_once(user: str, request: KeyedRequest, writes: WriteSet, reads: ReadSet) -> WriteOk:
        try:
            return decide(user, request, writes, reads)
        except Repeated as repeated:
            return repeated.reply

    return decide_once


def first_time(user: str, request: RoomMutation, writes: WriteSet, reads: ReadSet) -> int:
    """Return the digest of a request whose key is new.

    Raises Repeated when the key was used for the same request, Refused("conflict") when for another one.
    """
    # The key stands for what came, whatever screening made of it.
    request = writes.sent or request
    room = reads.rooms.get(request.room)
    if room is None or is_stranger(room, user):
        return digest_of(request)
    return first_time_in(room, user, request, writes, reads)


def is_stranger(room: Room, user: str) -> bool:
    """Whether `user`, who used no key here, learns nothing of a room: not even by what they have left to store."""
    known = room.known(user)
    return user != "" and (known is None or known.never_joined)


def first_time_in(room: Room, user: str, request: Mutation, writes: WriteSet, reads: ReadSet) -> int:
    """Return the digest of a request about `room` whose key is new, as `first_time`."""
    digest = digest_of(request)
    scoped_key = (room.number, user, request.key)
    stored = reads.keyed.get(scoped_key)
    new = writes.keyed.get(scoped_key)
    if stored is not None:
        check_same(stored.digest, digest)
        raise Repeated(repeated_answer(request, stored.event, stored.time))
    if scoped_key in writes.unlogged:
        check_same(writes.unlogged[scoped_key], digest)
        raise Repeated(repeated_answer(request, None, writes.now))
    if new is not None:
        check_same(new.digest, digest)
        raise Repeated(repeated_answer(request, new.event, writes.now))
    reads.allowances.check("bytes", user, 1, writes, reads.now_s)
    return digest


def digest_of(request: Mutation) -> int:
    """Return 32 bits that tell whether a repeated key asks for the same thing.

    It guards against mistakes, not malice: a client that constructs a collision harms only itself. It has to stay the
    same in later versions, which compare it with stored digests.
    """
    kind = type(request)
    if kind is React:
        request = replace(request, emoji=normal_form(request.emoji) or request.emoji)  # type: ignore[attr-defined]
    parts = [getattr(request, name) for name in content_of(kind)]
    if kind is Send:
        if request.post is not UNSET:  # type: ignore[attr-defined]
            parts.append(request.post)  # type: ignore[attr-defined]
    else:
        parts = without_later(request, parts)
    spelled = [part if type(part) in PLAIN else NULL if part is None else canonical(part) for part in parts]
    return crc32(encode((kind.__name__, spelled)))


def without_later(request: Mutation, parts: list[Any]) -> list[Any]:
    """Return the parts of a request without those that older versions did not have, where it has none of them."""
    for later in reversed(LATER.get(type(request), ())):
        if not is_as_before(request, later):
            break
        parts = parts[: -len(later)]
    return parts


def is_as_before(request: Mutation, later: tuple[str, ...]) -> bool:
    """Whether a request has none of the fields that older versions did not have."""
    return all(getattr(request, name) in (UNSET, "", False) for name in later)


@cache
def content_of(kind: type[Mutation]) -> tuple[str, ...]:
    """Return the fields of a request that say what it asks for."""
    return tuple(name for name in kind.__struct_fields__ if name not in NOT_CONTENT)


def canonical(part: Any) -> Any:
    """Return `part` in the same spelling as everything equal to it: maps in key order, whole numbers as integers."""
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


def same(left: Any, right: Any) -> bool:
    """Whether two contents mean the same."""
    return left is right or encode(canonical(left)) == encode(canonical(right))


def check_same(before: int | None, now: int) -> None:
    if before != now:
        raise Refused("conflict", "this key was used for another operation, or other content", field="key")


def repeated_answer(request: Mutation, event: Event | None, time: int) -> WriteOk:
    """Return the reply that the first such request got; `event`: the event it stored, if any."""
    if event is None:
        return WriteOk(time=time, duplicate=True)
    first = replace(event, changed=UNSET, edited=UNSET, recalled=UNSET, pinned=UNSET, reactions=UNSET)
    body = getattr(request, "body", UNSET)
    # Changed by screening, or by a later edit, or as it came.
    is_first = event.body is not UNSET and event.edited is UNSET
    is_rewritten = is_first and body is not UNSET and not same(event.body, body)
    if not is_rewritten and not isinstance(request, Forward):
        first.body = body
    reply = acknowledgement(request, first)
    reply.duplicate = True
    return reply


def unlogged(room: Room, user: str, request: Mutation, digest: int, writes: WriteSet) -> WriteOk:
    """Store the key of a request that takes effect without an event, and return its reply."""
    writes.unlogged[room.number, user, request.key] = digest
    writes.spend("bytes", user, EVENT_BYTES)
    return WriteOk(time=writes.now)


def acknowledgement(request: Mutation, event: Event) -> WriteOk:
    """Return the reply to the author of an event: with the whole event when it differs from the request."""
    reply = WriteOk(seq=event.seq, ordinal=event.ordinal, time=event.time)
    if isinstance(request, Forward):
        # Its copies were stored together, and the requester sees the first of them in the reply.
        reply.seqs = [event.seq + place for place in range(len(request.seqs))]
        reply.event = Raw(encode(event))
    for name in STATED.get(type(request), ()):
        sent, stored = getattr(request, name), getattr(event, name)
        if type(sent) is TrimmedBody or (sent is not stored and sent != stored):
            reply.event = Raw(encode(event))
            break
    return reply
