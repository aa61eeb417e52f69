"""The contract of a store for the ways into groups: requests, offers, invites."""

from collections.abc import Collection
from typing import Protocol

from chatd.core.invites import IssuedInvite
from chatd.core.joining import Join


class JoiningStore(Protocol):
    """The requests, offers and invites of a store."""

    async def joins(self, places: Collection[tuple[int, str]]) -> list[Join]:
        """Return what waits of these (room number, user); those of whom nothing does are left out."""

    async def asked(self, room: int, since: int, skipped: int, limit: int) -> list[Join]:
        """Return up to `limit` requests to join a room made from `since` (Unix ms) on, the oldest first, but for the
        first `skipped`.
        """

    async def ended(self, asked: int, declined: int, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` (room, user) of requests and offers made up to `asked` (Unix ms), refusals up to
        `declined`, and what waits in rooms that were deleted.
        """

    async def first_end(self) -> int:
        """Return when the first of the invites ended or will end, in Unix ms; a time in the far future without any."""

    async def invites(
        self, ids: Collection[str], keys: Collection[tuple[str, str]], rooms: Collection[int]
    ) -> list[IssuedInvite]:
        """Return the invites with these ids, with these (maker, key), and those of these rooms that are not revoked."""

    async def invites_of(
        self, room: int, user: str | None, after: tuple[int, str], limit: int, now_ms: int
    ) -> list[IssuedInvite]:
        """Return up to `limit` invites of a room that were neither revoked nor over at `now_ms`, the newest first.

        `after`: those behind the time of the last one, negative, and its id. `user`: those of one maker alone.
        """
