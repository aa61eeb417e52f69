"""Requests about groups and their members, each with a key of its own, and what came of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.room import Room
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.groups import Policy
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, Role, RoleOf, RoomJoin, RoomLeave
from chatd.protocol.messages import Event, Send, SentBody
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from tests.kit.memory_writer import MemoryWriter

_numbers: Iterator[int] = iter(range(10_000_000, 99_999_999))


def key() -> str:
    return f"key-{next(_numbers)}"


def creation(*users: str, **keys: Any) -> RoomCreate:
    return RoomCreate(**{"key": key(), "kind": "group", "title": "t", "users": list(users), **keys})


def add(room: Room, *users: str) -> MembersAdd:
    return MembersAdd(room=room.name, key=key(), users=list(users))


def remove(room: Room, *users: str) -> MembersRemove:
    return MembersRemove(room=room.name, key=key(), users=list(users))


def roles(room: Room, **wanted: Role) -> MembersRole:
    return MembersRole(room=room.name, key=key(), users=[RoleOf(user, role) for user, role in wanted.items()])


def leave(room: Room, key_: str | None = None) -> RoomLeave:
    return RoomLeave(room=room.name, key=key_ or key())


def join(room: Room) -> RoomJoin:
    return RoomJoin(room=room.name, key=key())


def code_of(writer: MemoryWriter, user: str, request: Any) -> str:
    """Return the code of a refusal, which must change nothing."""
    with pytest.raises(Refused) as refused:
        writer.ask(user, request)
    assert writer.writes.empty, "a refusal changed something"
    return refused.value.code


def last(writer: MemoryWriter, room: Room) -> Event:
    return writer.events(room)[-1]


def roles_of(room: Room) -> dict[str, Role]:
    return {user: member.role for user, member in room.members.items()}


def outcome(writer: MemoryWriter, user: str, request: Any) -> str | None:
    """Return the code of a refusal, which must change nothing; None when the request is carried out."""
    (reply,) = writer.batch([(user, request)])
    if not isinstance(reply, ChatError):
        return None
    assert writer.writes.empty, "a refusal changed something"
    return reply.code


def say(room: Room, text: str = "x", mentions: tuple[str, ...] = ()) -> Send:
    named: Any = list(mentions) or UNSET
    return Send(room=room.name, key=key(), body=SentBody(text=text, mentions=named))


def rules(room: Room, **values: Any) -> RoomUpdate:
    """Return a request that changes rules of a group."""
    return RoomUpdate(room=room.name, key=key(), policy=Policy(**values))
