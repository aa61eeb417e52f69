"""The daily budget of profiles of strangers, so that nobody can copy the directory (protocol.md "Rates")."""

from chatd.config.rates import Rates
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.telemetry.counters import Counters


class Lookups:
    """One bucket for each user, in memory; a restart fills them."""

    def __init__(self, rates: Rates, env: Env, counters: Counters) -> None:
        self._env = env
        self._counters = counters
        self._enabled = rates.enabled
        self._users = TokenBuckets(Rate.per_day(rates.lookups_per_day))

    def reconfigure(self, rates: Rates) -> None:
        """Put another budget in force, also for users who have used theirs."""
        self._enabled = rates.enabled
        self._users.rate.become(Rate.per_day(rates.lookups_per_day))

    def take(self, user: str, count: int) -> None:
        """Take `count` profiles from the budget of `user`; Refused("rate_limited") when it has fewer."""
        if not count or not self._enabled:
            return
        now, bucket = self._env.monotonic(), self._users[user]
        wait_s = bucket.wait_s(now, count)
        if wait_s:
            self._counters.rate_limited["user"] += 1
            raise Refused("rate_limited", retry_after=retry_after_ms(wait_s), scope="user")
        bucket.charge(now, count)
