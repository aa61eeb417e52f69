"""A row of the table of targets: what is measured, what it must be and what it should be. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AIM, MUST, MISSED, REPORTED = "AIM REACHED", "REACHED", "MISSED", "reported"


@dataclass(frozen=True)
class Figure:
    """One number of a row. `must` and `aim` are upper bounds, or lower ones where `more` is better."""

    key: str
    title: str
    unit: str = ""
    must: float | None = None
    aim: float | None = None
    more: bool = False

    def verdict(self, value: float) -> str:
        """What a value means.

        >>> Figure("p99", "p99", "ms", must=5, aim=2).verdict(3)
        'REACHED'
        """
        if self.must is None:
            return REPORTED
        if not self._holds(value, self.must):
            return MISSED
        return AIM if self.aim is not None and self._holds(value, self.aim) else MUST

    def bound(self, limit: float | None) -> str:
        """A bound in words."""
        if limit is None:
            return ""
        return f"{'≥' if self.more else '≤'} {number(limit)}"

    def _holds(self, value: float, limit: float) -> bool:
        return value >= limit if self.more else value <= limit


@dataclass(frozen=True)
class Extent:
    """How long a measurement may take: the whole thing, or a quick look."""

    quick: bool = False
    seed: int = 1
    trace: Path | None = None  # of `replay`

    @property
    def duration_s(self) -> float:
        """Seconds of each measured stretch."""
        return 3.0 if self.quick else 15.0

    @property
    def warmup_s(self) -> float:
        """Seconds before it."""
        return 1.0 if self.quick else 3.0

    @property
    def rounds(self) -> int:
        """How often the sides of a ratio are measured, one after the other; the median round counts."""
        return 1 if self.quick else 3


@dataclass(frozen=True)
class Measured:
    """The figures of a row, by key, and the results they were taken from."""

    figures: Mapping[str, float]
    results: Sequence[Mapping[str, Any]]

    @property
    def correct(self) -> bool:
        """Whether no run lost, doubled or reordered anything."""
        return not any(result.get(name) for result in self.results for name in FAULTS)

    @property
    def generator_bound(self) -> bool:
        """Whether the generator was the limit of some run."""
        return any(result.get("generator_bound") for result in self.results)


FAULTS = ("lost", "duplicated", "reordered", "misrouted", "altered", "unacked")


@dataclass(frozen=True)
class Goal:
    """One row: `measure` carries it out."""

    name: str
    what: str
    figures: tuple[Figure, ...]
    measure: Callable[[Extent], Awaitable[Measured]]


def median(rounds: Sequence[Measured]) -> Measured:
    """The median of each figure over several rounds, and all results."""
    figures = {
        key: statistics.median(measured.figures[key] for measured in rounds) for key in rounds[0].figures
    }
    return Measured(figures, [result for measured in rounds for result in measured.results])


def number(value: float) -> str:
    """A number with three digits at least, and no more than it deserves.

    >>> number(1234567.0), number(12.345), number(0.7)
    ('1,234,567', '12.3', '0.70')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
