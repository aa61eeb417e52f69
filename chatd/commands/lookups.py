"""How many profiles of strangers a user may still be shown: nobody copies the directory (protocol.md "Rates")."""

from chatd.config.model import Rates
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.telemetry.counters import Counters


class Lookups:
    """One bucket a user, in memory; a restart fills them."""

    def __init__(self, rates: Rates, env: Env, counters: Counters) -> None:
        self._env = env
        self._counters = counters
        self._enabled = rates.enabled
        self._users = TokenBuckets(Rate.per_day(rates.lookups_per_day))

    def reconfigure(self, rates: Rates) -> None:
        """Put another budget in force, for those who have used theirs too."""
        self._enabled = rates.enabled
        self._users.rate.become(Rate.per_day(rates.lookups_per_day))

    def take(self, user: str, count: int) -> None:
        """Take `count` profiles of the budget of `user`, or none; Refused("rate_limited") until it has so many."""
        if not count or not self._enabled:
            return
        now, bucket = self._env.monotonic(), self._users[user]
        wait_s = bucket.wait_s(now, count)
        if wait_s:
            self._counters.rate_limited["user"] += 1
            raise Refused("rate_limited", retry_after=retry_after_ms(wait_s), scope="user")
        bucket.charge(now, count)
