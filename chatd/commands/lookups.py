"""The budgets of looking people up, so that nobody can copy the directory (protocol.md "Rates")."""

from typing import Literal

from chatd.config.rates import Rates
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.telemetry.counters import Counters

# A round reads all contacts. One every 10 minutes, for each of a few devices that wake at the same time.
ROUND_S, ROUNDS_MAX = 600, 4

Kind = Literal["cards", "handles", "rounds"]
"""Cards of users one has not met, handles, rounds of changed cards."""


class Lookups:
    """One bucket for each kind and user, in memory; a restart fills them."""

    def __init__(self, rates: Rates, env: Env, counters: Counters) -> None:
        self._env = env
        self._counters = counters
        self._enabled = rates.enabled
        self._kinds = {kind: TokenBuckets(rate) for kind, rate in rates_of(rates).items()}

    def reconfigure(self, rates: Rates) -> None:
        """Put other budgets in force, also for users who have used theirs."""
        self._enabled = rates.enabled
        for kind, rate in rates_of(rates).items():
            self._kinds[kind].rate.become(rate)

    def take(self, kind: Kind, user: str, count: int) -> None:
        """Take `count` from a budget of `user`; Refused("rate_limited") when it has fewer."""
        if not count or not self._enabled:
            return
        now, bucket = self._env.monotonic(), self._kinds[kind][user]
        wait_s = bucket.wait_s(now, count)
        if wait_s:
            self._counters.rate_limited["user"] += 1
            raise Refused("rate_limited", retry_after=retry_after_ms(wait_s), scope="user")
        bucket.charge(now, count)


def rates_of(rates: Rates) -> dict[Kind, Rate]:
    return {
        "cards": Rate.per_day(rates.lookups_per_day),
        "handles": Rate.per_day(rates.finds_per_day),
        "rounds": Rate(ROUND_S, ROUNDS_MAX),
    }
