"""Rate limits: GCRA over a passed-in monotonic time, two floats per key (protocol.md "Rates")."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

# A rounding error must not add a millisecond.
ROUNDING_S = 1e-9
# Timers count whole milliseconds from one that has begun (libuv), so a client that waits as asked can be this early.
# The microsecond is for those who are early by exactly that: rounding must not decide.
TOLERANCE_S = 1e-3 + 1e-6
# 300 messages of one user: a client with more of them waiting is refused once more, once a minute.
RETRY_MAX_S = 60.0
# 32 KB for a connection that is refused all the time.
EXCUSES_MAX = 1000


@dataclass(slots=True)
class Rate:
    """A rate of `burst` at once, then one every `interval_s` seconds. Buckets share it, so a change applies to all."""

    interval_s: float
    burst: int

    @classmethod
    def per_second(cls, count: float, burst: int) -> "Rate":
        return cls(1 / count, burst)

    @classmethod
    def per_minute(cls, count: float) -> "Rate":
        return cls(60 / count, max(1, int(count)))

    @classmethod
    def per_hour(cls, count: int) -> "Rate":
        return cls(3600 / count, count)

    @classmethod
    def per_day(cls, count: int) -> "Rate":
        return cls(86_400 / count, count)

    def become(self, other: "Rate") -> None:
        """Take the figures of another rate, for every bucket of this one."""
        self.interval_s, self.burst = other.interval_s, other.burst


@dataclass(slots=True)
class TokenBucket:
    """One bucket, in seconds of the caller's clock.

    `full_at`: when it is full again. `promised_at`: the latest time at which a refused request may be repeated.
    """

    rate: Rate
    full_at: float = 0.0
    promised_at: float = 0.0

    def lacks(self, now: float) -> bool:
        """Whether one more has to wait."""
        rate = self.rate
        return self.full_at - rate.interval_s * (rate.burst - 1) > now + TOLERANCE_S

    def take(self, now: float) -> None:
        """Take one."""
        self.full_at = max(self.full_at, now) + self.rate.interval_s

    def wait_s(self, now: float, count: int) -> float:
        """Return the seconds until `count` (at most `burst`) can be taken at once, 0 when they can be taken now."""
        wait_s = self.full_at - self.rate.interval_s * (self.rate.burst - count) - now
        return wait_s if wait_s > TOLERANCE_S else 0.0

    def charge(self, now: float, count: float) -> float:
        """Take `count` in any case; return the seconds until it would have been allowed."""
        self.full_at = max(self.full_at, now) + self.rate.interval_s * count
        return max(0.0, self.full_at - now - self.rate.interval_s * self.rate.burst)

    def promise(self, now: float) -> float:
        """Return the seconds after which a refused request may be repeated; each refused request gets its own time.

        At most RETRY_MAX_S, unless not even one is allowed by then.
        """
        first = self.full_at - self.rate.interval_s * (self.rate.burst - 1)
        at = min(max(first, self.promised_at + self.rate.interval_s), max(first, now + RETRY_MAX_S))
        # Rounded as in the reply: the next time must not depend on fractions of a millisecond.
        wait_s = retry_after_ms(at - now) / 1000
        self.promised_at = now + wait_s
        return wait_s


class TokenBuckets:
    """Buckets by key, at most `keys_max` of them; those that are full, or will be soonest, are forgotten first.

    So nobody can flush the bucket of another by using many keys: the buckets of those keys are forgotten first.
    """

    def __init__(self, rate: Rate, keys_max: int = 50_000) -> None:
        self.rate = rate
        # About 300 B each: 15 MB at worst.
        self.keys_max = keys_max
        self._buckets: dict[str, TokenBucket] = {}

    def __getitem__(self, key: str) -> TokenBucket:
        """Return the bucket of `key`, a full one when it is not remembered."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self.keys_max:
                self._forget()
            bucket = self._buckets[key] = TokenBucket(self.rate)
        return bucket

    def _forget(self) -> None:
        """Forget a quarter at once: sorting them takes some 10 ms, and makes room for thousands of keys."""
        soonest = sorted(bucket.full_at for bucket in self._buckets.values())[: self.keys_max // 4 or 1]
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.full_at > soonest[-1]}


# The scope of a pace that is slower than the rate of all users; never abuse.
SLOW = "slow"

TAKEN = (0.0, "")


def take(buckets: Sequence[tuple[str, TokenBucket]], now: float) -> tuple[float, str]:
    """Take one of each bucket, or of none: return TAKEN, or the longest wait in seconds and the name of its bucket."""
    for _, bucket in buckets:
        if bucket.lacks(now):
            return max((bucket.promise(now), name) for name, bucket in buckets if bucket.lacks(now))
    for _, bucket in buckets:
        bucket.take(now)
    return TAKEN


def retry_after_ms(wait_s: float) -> int:
    """Return whole milliseconds after which the request is allowed: rounded up, never early."""
    return max(1, -int(-(wait_s - ROUNDING_S) * 1000 // 1))


class Abuse:
    """A count of the frames in which a connection repeated refused requests too early.

    A spell lasts from a refusal until the last `retry_after` given since has passed. Frames within its first seconds
    may have been under way. After them, each `retry_after` that has passed excuses one frame: a client may repeat a
    request on time and be refused because a newer request of its own was allowed first.
    """

    __slots__ = ("_began", "_counted_from", "_excuses", "_frame", "_over_at", "count")

    def __init__(self) -> None:
        self.count = 0
        self._counted_from = 0.0
        self._began = 0.0
        self._over_at = 0.0
        self._frame = 0.0
        self._excuses: list[float] = []

    def refused(self, now: float, wait_s: float, grace_s: float, window_s: float) -> None:
        """Note that a request was refused, to be repeated after `wait_s`; `now` is when its frame came in."""
        if now > self._over_at:
            self._began = now
            self._excuses.clear()
        elif now > self._frame and now > self._began + grace_s and not self._excused(now):
            self._count(now, window_s)
        self._frame = now
        self._over_at = max(self._over_at, now + wait_s)
        if len(self._excuses) < EXCUSES_MAX:
            heappush(self._excuses, now + wait_s)

    def _excused(self, now: float) -> bool:
        if self._excuses[0] > now:
            return False
        heappop(self._excuses)
        return True

    def _count(self, now: float, window_s: float) -> None:
        if now - self._counted_from > window_s:
            self._counted_from, self.count = now, 0
        self.count += 1
