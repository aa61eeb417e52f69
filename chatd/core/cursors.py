"""The account cursor and the continuation of paged replies: opaque to clients, plain numbers here.

A cursor is a commit number of one epoch, and the sections of account rows it covers. The commit number is stamped on
rows, so a cursor costs nothing to keep.
"""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX

CURSOR = struct.Struct(">4sQ")
COVERING = struct.Struct(">4sQH")  # with the sections it covers, as bits
MORE = struct.Struct(">qQBQQBBHH")
ALL = -1  # `since` of a round that lists everything


def tag_of(epoch: str) -> bytes:
    return blake2b(epoch.encode(), digest_size=4).digest()


def pack(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpack(text: str, form: struct.Struct) -> tuple[Any, ...]:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return form.unpack(raw)
    except (struct.error, NotBase64, ValueError) as error:
        raise Refused("bad_cursor", "not a cursor of this server") from error


class Position(NamedTuple):
    """What a cursor stands for: everything up to commit `stamp`, of rooms and of the sections (bits) it covers."""

    stamp: int
    sections: int


def cursor_of(epoch: str, stamp: int, sections: int = 0) -> str:
    """The cursor of a position."""
    tag = tag_of(epoch)
    return pack(COVERING.pack(tag, stamp, sections) if sections else CURSOR.pack(tag, stamp))


def position_of(cursor: str, epoch: str, newest: int) -> Position | None:
    """The position of a cursor; None when it is of another epoch or from the future (a full round follows).

    Raises Refused("bad_cursor") when it is malformed.
    """
    if len(cursor) * 3 // 4 == CURSOR.size:  # all cursors were like this one once
        tag, stamp, sections = *unpack(cursor, CURSOR), 0
    else:
        tag, stamp, sections = unpack(cursor, COVERING)
    if tag != tag_of(epoch) or stamp > newest:
        return None
    return Position(stamp, sections)


USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}\Z")


def after_user(more: str | UnsetType) -> str:
    """Where a list in order of user id goes on: after this user; "" for the first page."""
    if more is UNSET:
        return ""
    if not USER.match(more):
        raise Refused("bad_cursor", "not a continuation of this server", field="more")
    return more


@dataclass(slots=True, frozen=True)
class More:
    """Where a sync round goes on: its `since` (ALL for a full one), the commit it began at, the last row's sort key,
    the sections it walks, as bits, and those of them it walks in full.
    """

    since: int
    first_stamp: int
    pinned: int
    time: int
    number: int
    previews: bool
    events: int
    sections: int
    full_sections: int

    def pack(self) -> str:
        return pack(
            MORE.pack(
                self.since,
                self.first_stamp,
                self.pinned,
                self.time,
                self.number,
                self.previews,
                self.events,
                self.sections,
                self.full_sections,
            )
        )

    @classmethod
    def unpack(cls, text: str) -> "More":
        since, first_stamp, pinned, time, number, previews, *rest = unpack(text, MORE)
        if max(since, first_stamp, time, number) > U53_MAX or since < ALL:
            raise Refused("bad_cursor", "not a continuation of this server", field="more")
        return cls(since, first_stamp, pinned, time, number, bool(previews), *rest)
