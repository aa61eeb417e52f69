"""The keyring: configured keys, and those of a URL, fetched rarely and kept through outages."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from chatd.auth.key_file import KeySetFile
from chatd.auth.keys import KEY_ID_MAX, BadKey, VerifyKey, key_set
from chatd.core.rates import retry_after_ms
from chatd.protocol.errors import Unavailable

logger = logging.getLogger(__name__)

Fetch = Callable[[], Awaitable[bytes]]

UNKNOWN_KIDS_MAX = 1000  # remembered kids; a forger who names more makes honest clients wait once more
RETURN_S = 10.0  # clients that were refused until the next fetch return within these seconds after it


class Keyring:
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
        key_set_file: KeySetFile | None = None,
    ) -> None:
        self.fixed = dict(fixed)
        self._key_set_file = key_set_file
        self._fetched = key_set_file.load() if key_set_file is not None else {}
        self._fetch = fetch
        self._monotonic = monotonic
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self._made_at = monotonic()
        self._asked_at = float("-inf")
        self._answered = float("-inf")  # begin of the last successful fetch
        # Unknown kids: since when tokens name them.
        self._named: OrderedDict[str, float] = OrderedDict()
        self._failing = False
        self._in_flight: asyncio.Task[bool] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.changes = 0  # how often the fetched keys were replaced by others

    def inherit(self, before: "Keyring") -> None:
        """Take over the fetched keys of an earlier keyring of the same URL, so that no client waits for a fetch."""
        if self._key_set_file is not None and self._key_set_file.is_of(before._key_set_file):
            self._fetched, self._named, self._failing = before._fetched, before._named, before._failing
            self._asked_at, self._answered, self._made_at = (
                before._asked_at,
                before._answered,
                before._made_at,
            )

    @property
    def age_s(self) -> float:
        """Seconds since the URL gave a key set, or since the start; 0 without a URL."""
        return self._monotonic() - max(self._made_at, self._answered) if self._fetch is not None else 0.0

    @property
    def empty(self) -> bool:
        """Whether there is no key at all."""
        return not (self.fixed or self._fetched)

    def find(self, kid: str) -> VerifyKey | None:
        """Return the key with exactly this id, None when it is not known now."""
        return self.fixed.get(kid) or self._fetched.get(kid)

    async def wait_known(self, kid: str) -> None:
        """Return when it is known whether there is a key `kid`: it is found, or missing in a set fetched since.

        Raises Unavailable("overloaded") with the time until the next fetch while that is not known: the URL does not
        answer, or was asked less than `retry_s` ago, before any token named `kid`.
        """
        if self.find(kid) or self._fetch is None or len(kid) > KEY_ID_MAX:
            return
        named_at = self._named_since(kid)
        if self._in_flight is not None or self._due_in_s() <= 0:
            await self.refresh()
        if self.find(kid) is None and self._answered < named_at:
            raise Unavailable(
                "overloaded", "the keys cannot be fetched now", retry_after=retry_after_ms(self._due_in_s())
            )

    def _due_in_s(self) -> float:
        """Return the seconds until the URL may be asked again; negative when it may."""
        return self._asked_at + self._retry_s - self._monotonic()

    def _named_since(self, kid: str) -> float:
        """Return when an unknown `kid` was first named; now, when the fetch after that is old: it may exist since."""
        now = self._monotonic()
        named_at = self._named.pop(kid, now)
        if named_at <= self._answered < now - RETURN_S:
            named_at = now
        self._named[kid] = named_at
        if len(self._named) > UNKNOWN_KIDS_MAX:
            self._named.popitem(last=False)
        return named_at

    async def refresh(self) -> bool:
        """Fetch the key set, or join the fetch in flight; return whether it succeeded."""
        if self._fetch is None:
            return True
        if self._in_flight is None:
            self._asked_at = self._monotonic()
            self._in_flight = asyncio.create_task(self._fetch_once(self._fetch), name="key set")
            self._in_flight.add_done_callback(self._on_fetched)
        # Shielded: the first of the waiting clients may disconnect.
        return await asyncio.shield(self._in_flight)

    async def keep_fresh(self) -> None:
        """Refresh every `refresh_s`, after a failure every `retry_s`, until cancelled."""
        while self._fetch is not None:
            succeeded = await self.refresh()
            await asyncio.sleep(self._refresh_s if succeeded else self._retry_s)

    def _on_fetched(self, task: asyncio.Task[bool]) -> None:
        self._in_flight = None

    async def _fetch_once(self, fetch: Fetch) -> bool:
        begun = self._asked_at
        try:
            content = await fetch()
            found = key_set(content, "the key set")
        except (OSError, BadKey) as error:
            if not self._failing:
                logger.warning("key set not refreshed, %d keys kept: %s", len(self._fetched), error)
            self._failing = True
            return False
        if self._failing:
            logger.info("the key set is refreshed again")
        self._failing, self._answered = False, begun
        self.changes += found != self._fetched
        self._fetched = found
        if self._key_set_file is not None:  # in a task: a disk that hangs must not delay the use of the keys
            self._keeping = asyncio.create_task(self._key_set_file.keep(content), name="kept keys")
        return True
