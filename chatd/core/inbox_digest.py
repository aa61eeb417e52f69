"""The digest of a list of rooms: by it a client proves its own (protocol.md "The inbox")."""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

DIGEST_BYTES = 6
DIGESTS = 1 << 8 * DIGEST_BYTES


class ListedRoom(NamedTuple):
    """The numbers of one room that a digest is of, as in its RoomSummary."""

    room: str
    seq: int
    ordinal: int
    read: int
    unread: int
    unread_mentions: int
    first_visible: int
    muted_until: int


def inbox_digest(rooms: Iterable[ListedRoom]) -> int:
    """Return the sum over all rooms, which is the same in any order.

    >>> inbox_digest([ListedRoom("g4fKz81QwXe2", 1042, 987, 1040, 2, 0, 1, 0)])
    28298330259317
    """
    return sum(digest_of(room) for room in rooms) % DIGESTS


def digest_of(room: ListedRoom) -> int:
    return int.from_bytes(sha256(" ".join(map(str, room)).encode()).digest()[:DIGEST_BYTES])
