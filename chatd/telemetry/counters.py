"""The counters of the daemon: plain ints on the hot path, read at a scrape. No names of users or rooms.

A counter with a label is a small dict: label value -> count. telemetry/metrics.py has the names of all metrics.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

# Seconds, in steps of about 2.5, from a commit on a fast disk (0.5 ms) to longer than anybody waits (10 s).
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# Counts of things in one go, from one to the largest room (10,000) in steps of about 3.
SIZES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)


class Histogram:
    """A histogram with fixed buckets; a value falls into the first whose bound it does not exceed.

    `counts` has one entry per bound and a last one for larger values; `total` sums the values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)


def _words() -> dict[str, int]:
    return defaultdict(int)


def _codes() -> dict[int, int]:
    return defaultdict(int)


def _seconds() -> Histogram:
    return Histogram(SECONDS)


def _sizes() -> Histogram:
    return Histogram(SIZES)


@dataclass(slots=True)
class Counters:
    """All counters since the start; add with `counters.errors[code] += 1`."""

    # connections (websocket/connection.py)
    connections_opened: int = 0
    connections_closed: dict[int, int] = field(default_factory=_codes)  # close code
    handshakes_rejected: dict[str, int] = field(default_factory=_words)  # path, origin, connections...
    arrivals_cut: dict[str, int] = field(default_factory=_words)  # address, all
    frames_received: int = 0
    bytes_received: int = 0  # payload bytes of messages
    frames_sent: int = 0
    bytes_sent: int = 0

    # sessions and handlers
    requests: dict[str, int] = field(default_factory=_words)  # packet type
    errors: dict[str, int] = field(default_factory=_words)  # error code
    rate_limited: dict[str, int] = field(default_factory=_words)  # scope
    hellos: dict[str, int] = field(default_factory=_words)  # first, resumed, full, refused
    logins: dict[str, int] = field(default_factory=_words)  # granted, login_failed, rate_limited, overloaded
    api_requests: dict[str, int] = field(default_factory=_words)  # ok, error code
    screened: dict[str, int] = field(
        default_factory=_words
    )  # rejected, masked, rewritten, flagged, unscreened...
    webhook_batches: dict[str, int] = field(default_factory=_words)  # accepted, refused, failed, gone
    webhook_events: int = 0
    notifications: dict[str, int] = field(default_factory=_words)  # outcomes of core/push.py
    reports: dict[str, int] = field(default_factory=_words)  # open, claimed, closed
    slow_consumers: dict[str, int] = field(default_factory=_words)  # lagging, overflow, stall

    # the writer and the fan-out
    events_committed: dict[str, int] = field(default_factory=_words)  # event kind
    commit_failures: int = 0
    erasures_found: int = 0  # rows that a check found of persons who were erased
    commit_seconds: Histogram = field(default_factory=_seconds)  # received -> durable
    batch_seconds: Histogram = field(default_factory=_seconds)  # one transaction
    batch_size: Histogram = field(default_factory=_sizes)  # mutations in one transaction
    delivery_seconds: Histogram = field(default_factory=_seconds)  # received -> written to the last socket
    fanout_recipients: Histogram = field(default_factory=_sizes)

    # the machine
    loop_lag_seconds: Histogram = field(default_factory=_seconds)
    loop_stalls: int = 0  # times it was late by more than 100 ms
    troubles: dict[str, int] = field(default_factory=_words)  # names in telemetry/troubles.py
    children_started: dict[str, int] = field(default_factory=_words)  # processes beside the daemon: push
    defects: int = 0  # unexpected exceptions, each logged with its traceback
