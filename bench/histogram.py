"""A log-linear histogram of durations that can be merged; nothing here knows what was measured.

Values below 256 ns are counted exactly, larger ones in 128 equal steps per power of two. So a reported
percentile is never below the true one and less than 1/128 above it, whatever the range, in 5,248 counters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

STEP_BITS = 7  # 128 steps per power of two: 0.8 % is finer than two runs of the same command agree
# 2^47 ns is 39 hours, longer than any run; what is above is counted there, `largest` stays exact.
LARGEST_BITS = 47

_EXACT_BITS = STEP_BITS + 1
_SLOTS = (LARGEST_BITS - _EXACT_BITS << STEP_BITS) + (1 << _EXACT_BITS)
_LAST = (1 << LARGEST_BITS) - 1


class Histogram:
    """Counts durations in nanoseconds; negative ones count as 0."""

    __slots__ = ("_slots", "count", "largest", "smallest")

    def __init__(self) -> None:
        self._slots = [0] * _SLOTS
        self.count = 0
        self.smallest = 0
        self.largest = 0

    def record(self, duration_ns: int, times: int = 1) -> None:
        if duration_ns > self.largest:
            self.largest = duration_ns
        if duration_ns < self.smallest or not self.count:
            self.smallest = max(0, duration_ns)
        self.count += times
        self._slots[_slot(duration_ns)] += times

    def merge(self, other: Histogram) -> None:
        if not other.count:
            return
        self.smallest = min(self.smallest, other.smallest) if self.count else other.smallest
        self.largest = max(self.largest, other.largest)
        self.count += other.count
        self._slots = [mine + theirs for mine, theirs in zip(self._slots, other._slots, strict=True)]

    def percentile(self, percent: float) -> int:
        """The smallest recorded duration that `percent` (0 to 100) of all are not above; 0 when empty.

        At most 1/128 above the true one, never below it, and `percentile(100)` is exact.
        """
        rank = max(1, math.ceil(self.count * percent / 100))
        seen = 0
        for slot, times in enumerate(self._slots):
            seen += times
            if seen >= rank:
                return min(_highest(slot), self.largest)
        return 0

    def milliseconds(self) -> dict[str, float]:
        points = {name: round(self.percentile(percent) / 1e6, 3) for name, percent in PERCENTILES.items()}
        return {"count": self.count, **points}

    def sparse(self) -> dict[str, int]:
        """The slots that are not empty, for another program to add up; `from_sparse` is its inverse."""
        return {str(slot): times for slot, times in enumerate(self._slots) if times}

    @classmethod
    def from_sparse(cls, slots: Mapping[str, int]) -> Histogram:
        """A histogram from `sparse()`; its smallest and largest are the ends of their slots."""
        histogram = cls()
        for slot, times in slots.items():
            histogram.record(_highest(int(slot)), times)
        return histogram

    @classmethod
    def sum(cls, histograms: Iterable[Histogram]) -> Histogram:
        total = cls()
        for histogram in histograms:
            total.merge(histogram)
        return total

    @classmethod
    def of(cls, durations_ns: Iterable[int]) -> Histogram:
        histogram = cls()
        for duration_ns in durations_ns:
            histogram.record(duration_ns)
        return histogram


PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}


def _slot(duration_ns: int) -> int:
    if duration_ns > _LAST:
        duration_ns = _LAST
    shift = duration_ns.bit_length() - _EXACT_BITS
    if shift > 0:
        return (shift << STEP_BITS) + (duration_ns >> shift)
    return duration_ns if duration_ns > 0 else 0


def _highest(slot: int) -> int:
    shift = max(0, (slot >> STEP_BITS) - 1)
    return ((slot - (shift << STEP_BITS) + 1) << shift) - 1
