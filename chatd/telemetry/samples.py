"""The figures of the console: one sample a second while somebody watches, kept as a ring for each column.

Rates are those since the sample before; quantiles are of that time, and as exact as the buckets of the histograms.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.telemetry.counters import Counters, Histogram

# t: Unix seconds. messages, deliveries: a second. commit_ms: [p50, p99], None without a commit. loop_ms: p99 of how
# late the event loop was. cpu: share of one core. The others are counts and bytes now.
COLUMNS = (
    "t",
    "connections",
    "messages",
    "deliveries",
    "commit_ms",
    "queue",
    "outbox_bytes",
    "lagging",
    "loop_ms",
    "cpu",
    "memory_bytes",
)

Point = dict[str, Any]
"""One value for each of COLUMNS."""


@dataclass(slots=True, frozen=True)
class Gauges:
    """The values of this moment; `cpu_s`: the seconds of a core used since the start."""

    connections: int
    queue: int
    outbox_bytes: int
    lagging: int
    cpu_s: float
    memory_bytes: int


@dataclass(slots=True, frozen=True)
class _Totals:
    """The totals at one moment, in monotonic seconds, of which rates are the differences."""

    at: float
    messages: int
    deliveries: float
    commits: "_Buckets"
    lags: "_Buckets"
    cpu_s: float


@dataclass(slots=True, frozen=True)
class _Buckets:
    bounds: Sequence[float]
    counts: Sequence[int]
    total: float

    @classmethod
    def of(cls, histogram: Histogram) -> "_Buckets":
        return cls(histogram.bounds, tuple(histogram.counts), histogram.total)

    def since(self, before: "_Buckets") -> "_Buckets":
        counts = [now - then for now, then in zip(self.counts, before.counts, strict=True)]
        return _Buckets(self.bounds, counts, self.total - before.total)

    def quantile_ms(self, share: float) -> float:
        return round(1000 * quantile(self.bounds, self.counts, self.total, share), 2)


class Samples:
    """The samples of the last `seconds`, one a second: `begin` before the first `take` and after each pause."""

    def __init__(
        self,
        counters: Counters,
        gauges: Callable[[], Gauges],
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
        seconds: int,
    ) -> None:
        self._counters = counters
        self._gauges = gauges
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._columns: dict[str, deque[Any]] = {name: deque(maxlen=seconds) for name in COLUMNS}
        self.begin()

    def begin(self) -> None:
        """Let the next sample be of the time from now on."""
        self._before = self._totals(self._gauges())

    def take(self) -> Point:
        """Take a sample, keep it, and return it."""
        gauges = self._gauges()
        before, now = self._before, self._totals(gauges)
        self._before = now
        elapsed = max(now.at - before.at, 1e-3)
        commits, lags = now.commits.since(before.commits), now.lags.since(before.lags)
        point = {
            "t": self._now_ms() // 1000,
            "connections": gauges.connections,
            "messages": round((now.messages - before.messages) / elapsed, 1),
            "deliveries": round((now.deliveries - before.deliveries) / elapsed, 1),
            "commit_ms": [commits.quantile_ms(0.5), commits.quantile_ms(0.99)]
            if sum(commits.counts)
            else None,
            "queue": gauges.queue,
            "outbox_bytes": gauges.outbox_bytes,
            "lagging": gauges.lagging,
            "loop_ms": lags.quantile_ms(0.99),
            "cpu": round((now.cpu_s - before.cpu_s) / elapsed, 3),
            "memory_bytes": gauges.memory_bytes,
        }
        for name, column in self._columns.items():
            column.append(point[name])
        return point

    def history(self) -> dict[str, list[Any]]:
        """Return all samples that are kept, by column, oldest first."""
        return {name: list(column) for name, column in self._columns.items()}

    def _totals(self, gauges: Gauges) -> _Totals:
        counters = self._counters
        return _Totals(
            self._monotonic(),
            counters.events_committed.get("message", 0),
            counters.fanout_recipients.total,
            _Buckets.of(counters.commit_seconds),
            _Buckets.of(counters.loop_lag_seconds),
            gauges.cpu_s,
        )


def quantile(bounds: Sequence[float], counts: Sequence[int], total: float, share: float) -> float:
    """Return the value that a `share` of all does not exceed, even within its bucket; 0 without any.

    `counts` has one entry more than `bounds`, for values above them. No value exceeds `total`, their sum.
    """
    rank, below, low = share * sum(counts), 0, 0.0
    for high, count in zip((*bounds, bounds[-1]), counts, strict=True):
        if count and below + count >= rank:
            return min(low + (high - low) * (rank - below) / count, total)
        below, low = below + count, high
    return 0.0
