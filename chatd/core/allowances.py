"""Allowances of a user for a day, an hour or a minute (protocol.md "Rates"), kept in memory: a restart refills them.

A decision checks an allowance and notes in its WriteSet what it spends, which is charged after the commit.
"""

import math
from typing import Literal

from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.limits import SLOW_MAX_S

Kind = Literal[
    "bytes",
    "rooms",
    "added",
    "friend_requests",
    "strangers",
    "direct_rooms",
    "new_direct_rooms",
    "mentions",
    "reports",
    "flags",
    "uploads",
    "joins",
    "forwards",
]
# The kinds that do not count by the day.
BY_MINUTE = frozenset(("mentions", "uploads", "forwards"))
BY_HOUR = frozenset(("joins",))


class Allowances:
    """The buckets of each kind: bytes stored, rooms created, users added to rooms, users asked to be friends,
    strangers written to; direct rooms opened, by a new account, and users mentioned; reports made, and filed by filters
    about their messages; uploads begun, messages forwarded; groups joined, or asked to join.

    `now`: monotonic seconds. A kind without a rate has no bound.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, TokenBuckets] = {}
        # When members last wrote in slow rooms, by (room, user), the longest ago first.
        self._written: dict[tuple[int, str], float] = {}

    def become(self, counts: dict[Kind, int]) -> None:
        """Apply new rates, also to users who have already spent some."""
        rates = {kind: rate_of(kind, count) for kind, count in counts.items()}
        self._kinds = {kind: self._kinds.get(kind) or TokenBuckets(rate) for kind, rate in rates.items()}
        for kind, rate in rates.items():
            self._kinds[kind].rate.become(rate)

    def check(self, kind: Kind, user: str, count: int, writes: WriteSet, now: float) -> None:
        """Raise Refused("rate_limited") unless `user` has `count` of a kind left besides what this batch spends."""
        wait_s = self.wait_s(kind, user, count, writes, now)
        if wait_s:
            raise Refused("rate_limited", BOUNDS[kind], retry_after=retry_after_ms(wait_s), scope="user")

    def wait_s(self, kind: Kind, user: str, count: int, writes: WriteSet, now: float) -> float:
        """Return the seconds until `user` has `count` of a kind left besides what this batch spends; 0 if they do.

        The host, in the place of no user, has no bound.
        """
        buckets = self._kinds.get(kind)
        if buckets is None or not user:
            return 0.0
        return buckets[user].wait_s(now, count + writes.spent.get((kind, user), 0))

    def charge(self, writes: WriteSet, now: float) -> None:
        """Charge what a durable batch spent."""
        for (kind, user), count in writes.spent.items():
            if (buckets := self._kinds.get(kind)) is not None:
                buckets[user].charge(now, count)
        for place in writes.paced:
            self._written.pop(place, None)
            self._written[place] = now
        if writes.paced:
            self._forget(now)

    def since_s(self, place: tuple[int, str], now: float) -> float:
        """Return the seconds since a member, as (room, user), wrote in a slow room."""
        return now - self._written.get(place, -math.inf)

    def _forget(self, now: float) -> None:
        """Forget who wrote longer ago than any room is slow."""
        while now - next(iter(self._written.values())) > SLOW_MAX_S:
            del self._written[next(iter(self._written))]


def rate_of(kind: Kind, count: int) -> Rate:
    if kind in BY_HOUR:
        return Rate.per_hour(count)
    return Rate.per_minute(count) if kind in BY_MINUTE else Rate.per_day(count)


BOUNDS: dict[Kind, str] = {
    "bytes": "as much as one user may store for now",
    "rooms": "as many rooms as one user may make for now",
    "added": "as many people as one user may put into rooms for now",
    "strangers": "as many strangers as one user may write to for now",
    "reports": "as many reports as one user may make for now",
    "joins": "as many groups as one user may join or ask to join for now",
    "uploads": "as many uploads as one user may begin for now",
    "forwards": "as many messages as one user may forward for now",
    "friend_requests": "as many people as one user may ask to be friends for now",
}
