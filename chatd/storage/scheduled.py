"""The contract of a store for messages that are sent later."""

from typing import Protocol


class ScheduledStore(Protocol):
    """When to look at scheduled messages."""

    async def due(self, now_ms: int, limit: int) -> list[tuple[str, str, bytes]]:
        """Return up to `limit` that are due, the earliest first: user, key, and the row of the section."""

    async def next_at(self) -> int | None:
        """Return when the next one is due, in Unix milliseconds; None without any."""
