"""The event feed as the back end of the host app asks for it."""

from chatd.core.event_feed import require_known
from chatd.delivery.event_feed import EventFeed, events_of
from chatd.env import Env
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.event_feed import Events

# Each reads a page when it is woken.
WAITERS_MAX = 16
WAITER_RETRY_MS = 1_000


class FeedPages:
    """The pages of the event feed. `feed`: None where it is switched off."""

    def __init__(self, feed: EventFeed | None, env: Env) -> None:
        self._feed = feed
        self._env = env
        self._waiting = 0

    async def page(self, after: str, limit: int, types: list[str], wait_s: float) -> Events:
        """Return a page; while there is nothing behind `after`, wait for it.

        Raises Refused: "not_supported", "bad_cursor", "bad_request" for types that there are not. Raises
        Unavailable("overloaded") when WAITERS_MAX wait already.
        """
        if self._feed is None:
            raise Refused("not_supported", "events.enabled is off")
        require_known(types)
        if wait_s and self._waiting >= WAITERS_MAX:
            raise Unavailable(
                "overloaded", f"{WAITERS_MAX} requests wait already", retry_after=WAITER_RETRY_MS
            )
        self._waiting += bool(wait_s)
        try:
            page = await self._feed.page(after, limit, types, wait_s=wait_s)
        finally:
            self._waiting -= bool(wait_s)
        return events_of(page, self._env.now_ms())
