"""The contract of a store for the event feed and its receivers."""

from typing import Protocol

from chatd.core.bots import Bot
from chatd.core.webhooks import Consumer, Parked
from chatd.storage.views import FeedBounds, FeedPage, FeedQuery


class FeedStore(Protocol):
    """The event feed. The commit store writes it: the entries in `WriteSet.feed` are stored with their batch."""

    async def page(self, query: FeedQuery) -> FeedPage:
        """Return one page, as of one commit; events in their current state.

        It begins with `feed.reset` when the cursor is of another history, or with `feed.truncated` when entries behind
        it are not kept any more. Raises Refused("bad_cursor").
        """

    async def bot_page(self, query: FeedQuery, bot: Bot) -> FeedPage:
        """Return one page of what `bot` is told, as that of the feed; `query.types` are not looked at."""

    async def bounds(self) -> FeedBounds: ...

    async def expired(self, before_ms: int, bytes_max: int) -> int:
        """Return up to which commit the oldest entries are from before a time (Unix ms), or beyond so many bytes.

        It looks at as many as one commit forgets; 0 for none.
        """


class WebhookStore(Protocol):
    """The receivers of the feed, and the entries they refused."""

    async def consumers(self) -> list[Consumer]: ...

    async def parked(self, consumer: str, limit: int) -> list[Parked]:
        """Return up to `limit` entries that were set aside for a receiver, the last ones first."""

    async def parked_counts(self) -> dict[str, int]:
        """Return how many entries are set aside, by receiver."""

    async def feed_cursor_at(self, time: int) -> str:
        """Return the cursor behind which the entries since `time` (Unix ms) are; "" for all that are kept."""
