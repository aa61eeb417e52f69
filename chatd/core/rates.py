"""Rate limits: GCRA over a passed-in monotonic time, one float per key (protocol.md "Rate limits")."""

from collections import OrderedDict
from dataclasses import dataclass

TOLERANCE_S = 1e-9  # a rounding error is no reason to refuse, and none to say a millisecond more


@dataclass(slots=True)
class Rate:
    """`burst` at once, then one every `interval_s` seconds. Meters share it: what it becomes holds for all of them."""

    interval_s: float
    burst: int

    @classmethod
    def per_second(cls, count: float, burst: int) -> "Rate":
        return cls(1 / count, burst)

    @classmethod
    def per_minute(cls, count: float) -> "Rate":
        return cls(60 / count, max(1, int(count)))

    def become(self, other: "Rate") -> None:
        """Take the figures of another rate, for every meter that has this one."""
        self.interval_s, self.burst = other.interval_s, other.burst


@dataclass(slots=True)
class Meter:
    """One bucket. `full_at` is when it would be full again, in seconds of the caller's clock."""

    rate: Rate
    full_at: float = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until one more is allowed; 0 takes it now."""
        full_at = max(self.full_at, now)
        wait = full_at - now - self.rate.interval_s * (self.rate.burst - 1)
        if wait > TOLERANCE_S:
            return wait
        self.full_at = full_at + self.rate.interval_s
        return 0.0


class Meters:
    """Buckets by key; at most `keys_max` are remembered, the least recently used go first."""

    def __init__(self, rate: Rate, keys_max: int = 100_000) -> None:
        self.rate = rate
        self.keys_max = keys_max  # ~150 B each: 15 MB at worst
        self._meters: OrderedDict[str, Meter] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until `key` is allowed one more; 0 takes it now."""
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = Meter(self.rate)
            if len(self._meters) > self.keys_max:
                self._meters.popitem(last=False)
        else:
            self._meters.move_to_end(key)
        return meter.wait_s(now)


def retry_after_ms(wait_s: float) -> int:
    """Whole milliseconds after which the request is allowed: rounded up, never early."""
    return max(1, -int(-(wait_s - TOLERANCE_S) * 1000 // 1))


class Abuse:
    """Counts refusals of one connection: too many in a window, or `retry_after` ignored too often, is abuse."""

    __slots__ = ("allowed_at", "count", "ignored", "since", "told_at")

    def __init__(self) -> None:
        self.count = 0
        self.since = 0.0
        self.ignored = 0
        self.allowed_at = 0.0
        self.told_at = 0.0

    def refused(self, now: float, wait_s: float, window_s: float) -> None:
        """One more request was refused, to be repeated in `wait_s`; `now` is when its frame came in."""
        if now - self.since > window_s:
            self.since, self.count = now, 0
        self.count += 1
        self.ignored += self.told_at < now < self.allowed_at  # behind in the same frame: could not know yet
        self.told_at, self.allowed_at = now, now + wait_s
