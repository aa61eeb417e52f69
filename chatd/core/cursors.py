"""The account cursor and the continuation of paged replies, both opaque to clients.

A cursor holds a commit number of one epoch and the sections of account rows it covers. Rows carry the number of their
last commit, so the server stores nothing for a cursor.
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
# With the sections it covers, as bits.
COVERING = struct.Struct(">4sQH")
MORE = struct.Struct(">qQBQQBBHH")
# The longest user id has 64 characters.
CARD_ROUND = struct.Struct(">QQ64s")
# The `since` of a round that lists everything.
ALL = -1


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
    """The content of a cursor: the client has everything up to commit `stamp`, of rooms and of `sections` (bits)."""

    stamp: int
    sections: int


def cursor_of(epoch: str, stamp: int, sections: int = 0) -> str:
    tag = tag_of(epoch)
    return pack(COVERING.pack(tag, stamp, sections) if sections else CURSOR.pack(tag, stamp))


def position_of(cursor: str, epoch: str, newest: int) -> Position | None:
    """Return the position of a cursor; None when it is of another epoch or from the future (a full round follows).

    Raises Refused("bad_cursor") when it is malformed.
    """
    # The form of all cursors before there were sections.
    if len(cursor) * 3 // 4 == CURSOR.size:
        tag, stamp, sections = *unpack(cursor, CURSOR), 0
    else:
        tag, stamp, sections = unpack(cursor, COVERING)
    if tag != tag_of(epoch) or stamp > newest:
        return None
    return Position(stamp, sections)


USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}\Z")


def after_user(more: str | UnsetType) -> str:
    """Return the user after whom a list in order of user id continues; "" for the first page."""
    if more is UNSET:
        return ""
    if not USER.match(more):
        raise Refused("bad_cursor", "not a continuation of this server", field="more")
    return more


class CardRound(NamedTuple):
    """The continuation of a round of changed cards: after which stamp, from which commit on, behind which user."""

    since: int
    stamp: int
    after: str

    def pack(self) -> str:
        return pack(CARD_ROUND.pack(self.since, self.stamp, self.after.encode()))

    @classmethod
    def unpack(cls, text: str) -> "CardRound":
        since, stamp, after = unpack(text, CARD_ROUND)
        return cls(
            min(since, U53_MAX),
            min(stamp, U53_MAX),
            after_user(after.rstrip(b"\0").decode("ascii", "replace")),
        )


@dataclass(slots=True, frozen=True)
class More:
    """The continuation of a sync round: its `since` (ALL for a full one), the commit it began at, the sort key of the
    last row, the sections it walks, as bits, and those of them it walks in full.
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
