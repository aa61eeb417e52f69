"""The contract of a store for lists of members and readers."""

from collections.abc import Collection
from typing import Protocol

from chatd.protocol.members import MemberFilter, MemberRow
from chatd.protocol.read_state import Reader


class MemberViews(Protocol):
    """The members of rooms as other members are shown them."""

    async def members(
        self, room: int, *, after: str, prefix: str, role: MemberFilter | None, limit: int, now_ms: int
    ) -> tuple[list[MemberRow], int]:
        """Return the members behind `after`, in order of user id, and the number of all members of the room.

        `role` "banned": those who are banned, and their number. A ban or a silence that was over at `now_ms` is none.
        """

    async def named_members(self, room: int, users: Collection[str], now_ms: int) -> list[MemberRow]:
        """Return those of these users who are members, in order of user id."""

    async def readers(
        self,
        room: int,
        seq: int,
        *,
        after: str,
        limit: int,
        unseen: Collection[str] = (),
        unread: bool = False,
    ) -> tuple[list[Reader], int]:
        """Return members who were there at `seq`, have read it and show receipts, in order of user id, and the number
        of all; `unread`: those who have not read it.

        `unseen`: members who are left out.
        """
