"""The contract of the reads behind unread numbers, the badge and the digest of a list: each is as of one commit."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatd.core.sync_query import BadgeRule
from chatd.protocol.inbox import CountingRoom


class UnreadPage(NamedTuple):
    """The counters of a member, and a page of the messages they count, in ascending order.

    `ordinal`: of the last message in the room. `mentions`: those of `seqs` that mention the member.
    `is_last`: there are no more.
    """

    read: int
    unread: int
    unread_mentions: int
    ordinal: int
    seqs: Sequence[int]
    mentions: Sequence[int]
    is_last: bool


class BadgePage(NamedTuple):
    """The badge of a user, and some of the rooms that count in it. `after`: the last one's place; 0 for the end."""

    badge: int
    rooms: Sequence[CountingRoom]
    after: int


class InboxViews(Protocol):
    """What the numbers of a list of rooms are made of."""

    async def unread_messages(self, room: int, user: str, after: int, limit: int) -> UnreadPage | None:
        """Return the messages behind `after` that are unread for a member; None where `user` is none."""

    async def counting_rooms(self, user: str, rule: BadgeRule, after: int, limit: int) -> BadgePage:
        """Return the rooms behind `after`, a room number, that count in the badge of `user`."""

    async def inbox_digest(self, user: str, *, everything: bool) -> tuple[int, int]:
        """Return the number of rooms in the list of `user`, and the digest of them; `everything`: see `memberships`."""
