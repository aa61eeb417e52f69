"""The rows of a made-up database, column by column as the daemon's own migrations have them; a test compares
them with what the daemon writes. Pure.
"""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import msgpack

from bench.history.shape import Member, Room, Shape

Row = tuple[Any, ...]

_pack = msgpack.Packer().pack


def room_row(shape: Shape, room: Room) -> Row:
    """A row of `rooms`. Direct rooms have no creation key."""
    key = None if room.kind == "direct" else f"made-{room.number:011d}"
    asked = (
        None if key is None else _digest("RoomCreate", [room.name, list(room.users[1:]), None, False, None])
    )
    last = room.messages + 1 if room.messages else 0
    written = (0, 1, 3)[min(room.messages, 2)] if key is None else 0  # who wrote: the creator first
    time = room.time(room.messages) if room.messages else 0
    return (
        *(room.number, room.name, room.kind, room.users[0], room.created_at, key, asked),
        *(room.messages + 1, room.messages, time, 1, last, len(room.users)),
        *(room.name if key else "", "", 0, b"", None, 0, shape.stamp(room.time(room.messages)), written),
    )


def member_row(shape: Shape, room: Room, member: Member) -> Row:
    """A row of `members`; it was last changed by their own last message or by their last `read`."""
    read = member.read_ordinal + 1 if member.read_ordinal else 0
    stamp = shape.stamp(room.time(max(member.own_last, member.read_ordinal)))
    return (
        *(member.user, room.number, member.role, room.created_at, 1, read, member.read_ordinal),
        *(member.own_unread, 0, read, 0, 0, 0, None, stamp, b""),
    )


def event_rows(shape: Shape, room: Room, digests: dict[str, int]) -> Iterator[Row]:
    """The rows of `events` of one room: its making, then its messages. `digests` are remembered by text."""
    first, created = room.number << 32, room.created_at
    made = {"seq": 1, "kind": "created", "user": room.users[0], "time": created, "users": list(room.users)}
    yield (
        first | 1,
        "created",
        room.users[0],
        created,
        None,
        None,
        None,
        None,
        None,
        shape.stamp(created),
        None,
        _pack(made),
    )
    for ordinal in range(1, room.messages + 1):
        user, time, key = room.author(ordinal), room.time(ordinal), room.key(ordinal)
        text = shape.text(room, ordinal)
        blob = _pack(message(room, ordinal, text))
        digest = digests.get(text) or digests.setdefault(text, send_digest(text))
        stamp = shape.stamp(time)
        yield first | ordinal + 1, "message", user, time, ordinal, key, digest, None, None, stamp, None, blob


def message(room: Room, ordinal: int, text: str) -> dict[str, Any]:
    return {
        "seq": ordinal + 1,
        "kind": "message",
        "user": room.author(ordinal),
        "time": room.time(ordinal),
        "ordinal": ordinal,
        "key": room.key(ordinal),
        "body": {"text": text},
    }


def send_digest(text: str) -> int:
    return _digest("Send", [{"text": text}, False])


def _digest(request: str, content: list[Any]) -> int:
    return crc32(_pack((request, content)))
