"""The contract of a store for channels, whose followers are never all in memory."""

from collections.abc import Collection
from typing import Protocol

from chatd.core.room import Member


class ChannelStore(Protocol):
    """The members of channels one by one."""

    async def followers(self, places: Collection[tuple[int, str]]) -> dict[tuple[int, str], Member]:
        """Return the present and former members at these (room number, user); others are left out."""

    async def followed(self, users: Collection[str]) -> dict[str, int]:
        """Return the number of channels that each of these users is in."""

    async def banned(self, room: int, now_ms: int, far: int) -> int:
        """Return the number of users who are banned from a room; up to `far`, also of those whose ban is over."""

    async def deleted(self) -> list[tuple[str, int]]:
        """Return the name and number of deleted channels that somebody still follows."""

    async def members_of(self, room: int, after: str, limit: int) -> list[str]:
        """Return up to `limit` present members of a room behind `after`, in order of user id."""
