"""Idempotency: one key, one effect (protocol.md "Writing"). A repeated request gets its first answer, whatever
became of the room and of its author since.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from zlib import crc32

from msgspec import UNSET

from chatd.core.facts import Facts, KeyedEvent
from chatd.core.rooms import Room
from chatd.core.work import Work
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.objects import Event
from chatd.protocol.replies import WriteOk
from chatd.protocol.requests import Mutation, RoomMutation

Asked = TypeVar("Asked", bound=RoomMutation)
Decision = Callable[[str, Asked, Work, Facts], WriteOk]


class Repeated(Exception):
    """This request was carried out before; `reply` is the first answer."""

    def __init__(self, reply: WriteOk) -> None:
        super().__init__()
        self.reply = reply


def once(decide: Decision[Asked]) -> Decision[Asked]:
    """A decision whose repetition is answered like the first time. It has to call `first_time`, before all else."""

    @wraps(decide)
    def decide_once(user: str, request: Asked, work: Work, facts: Facts) -> WriteOk:
        try:
            return decide(user, request, work, facts)
        except Repeated as repeated:
            return repeated.reply

    return decide_once


def first_time(user: str, request: RoomMutation, work: Work, facts: Facts, *content: object) -> int:
    """The digest of a request whose key is new. `content`: all that the request asks for, but room and key.

    Raises Repeated when the key was used for the same, Refused("conflict") when for something else.
    """
    digest = digest_of(request, *content)
    room = facts.rooms.get(request.room)
    if room is None:
        return digest
    place = (room.number, user, request.key)
    stored = facts.keyed.get(place)
    new = work.keyed.get(place)
    if stored is not None:
        check_same(stored.digest, digest)
        raise Repeated(repeated_answer(stored))
    if place in work.unlogged:
        check_same(work.unlogged[place], digest)
        raise Repeated(WriteOk(time=work.now, duplicate=True))
    if new is not None:
        check_same(new.digest, digest)
        reply = acknowledgement(new.event)
        reply.duplicate = True
        raise Repeated(reply)
    return digest


def digest_of(request: Mutation, *content: object) -> int:
    """32 bits that tell whether a repeated key asks for the same thing: a check against mistakes, not malice.

    Whoever finds two contents with one digest can only deceive himself.
    """
    return crc32(encode((type(request).__name__, [None if part is UNSET else part for part in content])))


def check_same(before: int | None, now: int) -> None:
    if before != now:
        raise Refused("conflict", "this key was used for another operation", field="key")


def repeated_answer(stored: KeyedEvent) -> WriteOk:
    ordinal = UNSET if stored.ordinal is None else stored.ordinal
    seq = UNSET if stored.seq is None else stored.seq
    return WriteOk(seq=seq, ordinal=ordinal, time=stored.time, duplicate=True)


def unlogged(room: Room, user: str, request: RoomMutation, digest: int, work: Work) -> WriteOk:
    """Remember the key of a request that takes effect without an event, and what it is answered."""
    work.unlogged[room.number, user, request.key] = digest
    return WriteOk(time=work.now)


def acknowledgement(event: Event) -> WriteOk:
    """What the author is told of his event."""
    return WriteOk(seq=event.seq, ordinal=event.ordinal, time=event.time)
