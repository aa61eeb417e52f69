"""What a user may store, make and impose on others a day (protocol.md "Rates"). In memory: a restart fills it.

A decision looks whether there is room, and notes in its WriteSet what it spends; that is charged once it is durable.
"""

from typing import Literal

from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused

Kind = Literal["bytes", "rooms", "added"]


class Allowances:
    """Buckets of one kind each: bytes stored, rooms made, users put into rooms by others. `now`: monotonic seconds.

    A kind without a rate has no bound.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, TokenBuckets] = {}

    def become(self, per_day: dict[Kind, int]) -> None:
        """Put other rates in force, for those who have used theirs too."""
        self._kinds = {
            kind: self._kinds.get(kind) or TokenBuckets(Rate.per_day(count))
            for kind, count in per_day.items()
        }
        for kind, count in per_day.items():
            self._kinds[kind].rate.become(Rate.per_day(count))

    def check(self, kind: Kind, user: str, count: int, writes: WriteSet, now: float) -> None:
        """Refused("rate_limited") unless `user` has `count` more of a kind left, beside what this batch takes."""
        buckets = self._kinds.get(kind)
        if buckets is None:
            return
        wait_s = buckets[user].wait_s(now, count + writes.spent.get((kind, user), 0))
        if wait_s:
            raise Refused("rate_limited", BOUNDS[kind], retry_after=retry_after_ms(wait_s), scope="user")

    def charge(self, writes: WriteSet, now: float) -> None:
        """Take what a batch spent, now that it is durable."""
        for (kind, user), count in writes.spent.items():
            if (buckets := self._kinds.get(kind)) is not None:
                buckets[user].charge(now, count)


BOUNDS: dict[Kind, str] = {
    "bytes": "as much as one user may store for now",
    "rooms": "as many rooms as one user may make for now",
    "added": "as many people as one user may put into rooms for now",
}
