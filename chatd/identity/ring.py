"""The key ring: configured keys, and those behind a URL, fetched rarely and kept through outages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from chatd.identity.keys import BadKey, VerifyKey, key_set

logger = logging.getLogger(__name__)

Fetch = Callable[[], Awaitable[bytes]]


class KeyRing:
    """Keys by kid. Fixed keys win over fetched ones, so that the URL cannot replace what the operator pinned.

    At most one fetch is in flight, and unknown kids cause at most one in `retry_s`, however many ask: a
    forger can neither flood the provider nor lock anybody out. When a fetch fails the keys known before stay.
    """

    def __init__(
        self,
        fixed: Mapping[str, VerifyKey],
        fetch: Fetch | None,
        monotonic: Callable[[], float],
        *,
        refresh_s: float,
        retry_s: float,
        source: str = "",
    ) -> None:
        self._fixed = dict(fixed)
        self._fetched: dict[str, VerifyKey] = {}
        self._fetch = fetch
        self._monotonic = monotonic
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self._asked_at = float("-inf")
        self._source = source  # where `fetch` asks
        self._in_flight: asyncio.Task[bool] | None = None
        self.changes = 0  # how often the fetched keys were replaced by others

    def inherit(self, before: "KeyRing") -> None:
        """Take over what an earlier ring fetched, if it was from the same place: no phone waits for a fetch."""
        if self._source and self._source == before._source:
            self._fetched, self._asked_at = before._fetched, before._asked_at

    def find(self, kid: str) -> VerifyKey | None:
        """The key with exactly this id, if it is known now."""
        return self._fixed.get(kid) or self._fetched.get(kid)

    async def wait_known(self, kid: str) -> None:
        """Returns when `kid` is known, or when asking the URL did not help or is not due yet."""
        if self.find(kid) or self._fetch is None:
            return
        if self._in_flight is not None or self._monotonic() - self._asked_at >= self._retry_s:
            await self.refresh()

    async def refresh(self) -> bool:
        """Fetches the key set, or joins the fetch in flight; whether it succeeded."""
        if self._fetch is None:
            return True
        if self._in_flight is None:
            self._asked_at = self._monotonic()
            self._in_flight = asyncio.create_task(self._fetch_once(self._fetch), name="key set")
            self._in_flight.add_done_callback(self._landed)
        # Shielded: the one who asked first may hang up while others wait.
        return await asyncio.shield(self._in_flight)

    async def keep_fresh(self) -> None:
        """Refreshes for ever: every `refresh_s`, after a failure every `retry_s`. Cancel to stop."""
        while self._fetch is not None:
            succeeded = await self.refresh()
            await asyncio.sleep(self._refresh_s if succeeded else self._retry_s)

    def _landed(self, task: asyncio.Task[bool]) -> None:
        self._in_flight = None

    async def _fetch_once(self, fetch: Fetch) -> bool:
        try:
            before, self._fetched = self._fetched, key_set(await fetch(), "the key set")
            self.changes += self._fetched != before
        except (OSError, BadKey) as error:
            logger.warning("key set not refreshed, %d keys kept: %s", len(self._fetched), error)
            return False
        return True
