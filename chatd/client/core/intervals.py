"""The stretches of the log of a room that are cached, and the number up to which each is known to be right; pure.

The set is a piecewise map from `seq` to `valid`: closed intervals, ascending, never overlapping, neighbours with the
same `valid` joined. `valid` is the `seq` up to which every change of that stretch is known (protocol.md, "Positions,
gaps and repair"). Coverage comes only from replies that state it, never from the numbers of messages.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Interval(NamedTuple):
    """The numbers `low` to `high`, both included, right up to event `valid`."""

    low: int
    high: int
    valid: int


class Intervals:
    """The cached stretches of one room."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[Interval] = []

    def __iter__(self) -> Iterator[Interval]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, low: int, high: int, valid: int) -> None:
        """Note that `low` to `high` is cached and right up to `valid`; where a newer `valid` is known, keep it.

        >>> cached = Intervals()
        >>> cached.add(1, 10, valid=10)
        >>> cached.add(8, 20, valid=30)
        >>> list(cached)
        [Interval(low=1, high=7, valid=10), Interval(low=8, high=20, valid=30)]
        """
        if low > high:
            return
        parts: list[Interval] = []
        # The lowest number that is not yet given to a part with a newer `valid`.
        free = low
        for part in self._parts:
            parts += _outside(part, low, high)
            if part.valid > valid and part.low <= high and part.high >= low:
                newer = Interval(max(part.low, low), min(part.high, high), part.valid)
                if free < newer.low:
                    parts.append(Interval(free, newer.low - 1, valid))
                parts.append(newer)
                free = newer.high + 1
        if free <= high:
            parts.append(Interval(free, high, valid))
        self._parts = _joined(sorted(parts))

    def advance(self, old: int, new: int) -> None:
        """Move the end of the log from `old` to `new`: everything right up to `old` stays right, the newest stretch
        grows (protocol.md, "Positions, gaps and repair")."""
        parts = self._parts
        if len(parts) == 1 and parts[0].high == old == parts[0].valid:
            # The usual case, once per event.
            parts[0] = Interval(parts[0].low, new, new)
            return
        self._parts = [part._replace(valid=new) if part.valid == old else part for part in parts]
        self.add(new, new, new)

    def holding(self, seq: int) -> Interval | None:
        """Return the interval that holds `seq`."""
        # It is almost always the newest.
        for part in reversed(self._parts):
            if part.low <= seq <= part.high:
                return part
        return None

    def covered_down_from(self, seq: int) -> int:
        """Return the lowest number reached from `seq` downwards without a hole; `seq` + 1 if it is not cached."""
        low = seq + 1
        for part in reversed(self._parts):
            if part.low < low <= part.high + 1:
                low = part.low
        return low

    def within(self, low: int, high: int) -> list[Interval]:
        """Return the cached stretches between `low` and `high`, cut to those bounds."""
        touched = (part for part in self._parts if part.low <= high and part.high >= low)
        return [Interval(max(part.low, low), min(part.high, high), part.valid) for part in touched]

    def stale(self, low: int, high: int, current: int) -> Interval | None:
        """Return the first stretch between `low` and `high` that is not right up to `current`, cut to those bounds."""
        return next((part for part in self.within(low, high) if part.valid < current), None)

    def forget_below(self, seq: int) -> None:
        """Drop everything below `seq`."""
        self._parts = [part._replace(low=max(part.low, seq)) for part in self._parts if part.high >= seq]

    def clear(self) -> None:
        """Drop everything."""
        self._parts = []


def _outside(part: Interval, low: int, high: int) -> list[Interval]:
    """Return the rest of `part` without `low` to `high`."""
    left = [] if part.low >= low else [part._replace(high=min(part.high, low - 1))]
    right = [] if part.high <= high else [part._replace(low=max(part.low, high + 1))]
    return left + right


def _joined(parts: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and last.valid == part.valid and last.high + 1 == part.low:
            joined[-1] = last._replace(high=part.high)
        else:
            joined.append(part)
    return joined
