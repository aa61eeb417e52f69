"""A row of the table of targets: what is measured, what it must be and what it should be. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.trace import Trace

AIM, MUST, MISSED, REPORTED = "AIM REACHED", "REACHED", "MISSED", "reported"
ABSENT = "ABSENT"  # whom it is measured beside is not installed: neither reached nor missed

IN_ROUNDS, ONCE = "median of {rounds} rounds", "measured once"  # how the figures of a row are taken


@dataclass(frozen=True)
class Figure:
    """One number of a row. `must` and `aim` are upper bounds, or lower ones where `more` is better.

    `absent`: it cannot be had here, because a peer is not installed.
    """

    key: str
    title: str
    unit: str = ""
    must: float | None = None
    aim: float | None = None
    more: bool = False
    absent: bool = False

    def verdict(self, value: float | None) -> str:
        """What a value means; None, which is not measured, reaches nothing.

        >>> Figure("p99", "p99", "ms", must=5, aim=2).verdict(3)
        'REACHED'
        """
        if self.absent:
            return ABSENT
        if self.must is None:
            return REPORTED
        if value is None or not self._holds(value, self.must):
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
    trace: Trace | None = None  # of `replay`

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
    """The figures of a row, by key, and the results they were taken from; None is what was not measured.

    `notes`: what one must know to read the figures. `failed`: why there are none.
    """

    figures: Mapping[str, float | None]
    results: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    failed: str = ""

    @property
    def correct(self) -> bool:
        """Whether no run of the daemon or a floor lost, doubled or reordered anything; peers may."""
        return not any(result.get(name) for result in self.results if not of_peer(result) for name in FAULTS)

    @property
    def generator_bound(self) -> dict[str, tuple[int, int]]:
        """The sides of which the generator was the limit: in how many runs, and of how many."""
        runs = Counter(side(result) for result in self.results)
        bound = Counter(side(result) for result in self.results if result.get("generator_bound"))
        return {name: (bound[name], runs[name]) for name in runs if bound[name]}


FAULTS = ("lost", "duplicated", "reordered", "misrouted", "altered", "unacked")
_FLOORS = {
    "floor push": "floor (a)",
    "floor broadcast": "floor (b)",
    "floor echo": "floor (c)",
    "floor flush": "floor (d)",
}


def of_peer(result: Mapping[str, Any]) -> bool:
    """Whether a run measured a peer: what that loses is not the daemon's fault."""
    return str(result.get("scenario", "")).startswith("peer ")


def side(result: Mapping[str, Any]) -> str:
    """Who was measured in a run.

    >>> side({"scenario": "floor echo"}), side({"scenario": "peer nats-server"}), side({"scenario": "direct"})
    ('floor (c)', 'nats-server', 'daemon')
    """
    scenario = str(result.get("scenario", ""))
    return scenario.removeprefix("peer ") if of_peer(result) else _FLOORS.get(scenario, "daemon")


@dataclass(frozen=True)
class Goal:
    """One row: `measure` carries it out, and `taken` says how its figures come about."""

    name: str
    what: str
    figures: tuple[Figure, ...]
    measure: Callable[[Extent], Awaitable[Measured]]
    taken: str = IN_ROUNDS

    def how(self, extent: Extent) -> str:
        """How the figures come about, in words."""
        return (
            ONCE
            if self.taken == IN_ROUNDS and extent.rounds == 1
            else self.taken.format(rounds=extent.rounds)
        )


def median(rounds: Sequence[Measured]) -> Measured:
    """The median of each figure over several rounds, all results and notes.

    A figure that one round has not is none: of fewer rounds it would be another one.
    """
    notes = dict.fromkeys(note for measured in rounds for note in measured.notes)
    return Measured(
        {key: _middle([measured.figures[key] for measured in rounds]) for key in rounds[0].figures},
        [result for measured in rounds for result in measured.results],
        tuple(notes),
    )


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if len(known) == len(values) else None


def number_of(result: Mapping[str, Any], *path: str) -> float | None:
    """A number of a result; None where nothing was counted, or where it is not.

    >>> number_of({"ack_ms": {"count": 9, "p99": 2}}, "ack_ms", "p99")
    2.0
    >>> number_of({"ack_ms": {"count": 0, "p99": 0}}, "ack_ms", "p99")
    """
    tree: Any = result
    for name in path:
        if not isinstance(tree, Mapping) or tree.get("count") == 0:
            return None
        tree = tree.get(name)
    return float(tree) if isinstance(tree, int | float) else None


def ratio(ours: float | None, other: float | None) -> float | None:
    """How many times the other one it is; None where there is no other, or it did nothing."""
    return None if ours is None or not other else ours / other


def number(value: float) -> str:
    """A number with three digits at least, and no more than it deserves.

    >>> number(1234567.0), number(12.345), number(0.7)
    ('1,234,567', '12.3', '0.70')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
