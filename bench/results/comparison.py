"""Two sets of runs compared: a change is one only where the ranges of the runs do not touch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.results.direction import judged, sure
from bench.results.reading import Result, figures, timeline

SECONDS_MIN = 4  # fewer seconds tell nothing about how a figure spreads
KNEE = "knee.rate"


@dataclass(frozen=True)
class Spread:
    """The median of a figure and the range it was seen in. `known`: there was more than one value."""

    low: float
    middle: float
    high: float
    known: bool

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), median(values), max(values), len(values) > 1)

    def apart(self, other: Spread) -> bool:
        """Whether the ranges have nothing in common."""
        return self.high < other.low or other.high < self.low


@dataclass(frozen=True)
class Delta:
    """One figure of both sides. `way` is 1 when more of it is better, -1 when less is."""

    name: str
    way: int
    before: Spread
    after: Spread

    @property
    def change(self) -> float | None:
        """How much larger the later median is, as a part of the earlier one; None from nothing to something."""
        if not self.before.middle:
            return 0.0 if not self.after.middle else None
        return (self.after.middle - self.before.middle) / abs(self.before.middle)

    @property
    def judged(self) -> bool:
        """Whether it can be told from chance: a count of faults always, anything else by its spread."""
        return sure(self.name) or (self.before.known and self.after.known)

    @property
    def real(self) -> bool:
        """Whether the ranges separate."""
        return self.judged and self.before.apart(self.after)

    @property
    def gained(self) -> bool:
        """Whether the later side is the better one."""
        return (self.after.middle - self.before.middle) * self.way > 0

    def worse(self, tolerance: float) -> bool:
        """Whether this is a regression: real, the wrong way, and by more than `tolerance`."""
        if not self.real or self.gained:
            return False
        return self.change is None or abs(self.change) > tolerance


def compare(before: Sequence[Result], after: Sequence[Result]) -> list[Delta]:
    """All figures that have a good and a bad direction and that both sides have, in the order of the first."""
    earlier, later, ways = spreads(before), spreads(after), judged(before[0])
    return [Delta(name, ways[name], earlier[name], later[name]) for name in earlier if name in later]


def spreads(results: Sequence[Result]) -> dict[str, Spread]:
    """How each judged figure spreads over the runs; of a single run, over what it has of its own."""
    runs = [figures(result) for result in results]
    known = [name for name in judged(results[0]) if all(name in run for run in runs)]
    found = {name: Spread.of([run[name] for run in runs]) for name in known}
    if len(results) == 1:
        (result,) = results
        found |= _of_seconds(result, found) | _of_knee(result, found)
    return found


def _of_knee(result: Result, whole: dict[str, Spread]) -> dict[str, Spread]:
    """A knee lies between the highest rate that held and the lowest that did not."""
    failed = [float(step["rate"]) for step in result.get("steps", ()) if not step["held"]]
    if KNEE not in whole or not failed:
        return {}
    middle = whole[KNEE].middle
    return {KNEE: Spread(middle, middle, max(middle, min(failed)), known=True)}


def _of_seconds(result: Result, whole: dict[str, Spread]) -> dict[str, Spread]:
    """The middle half of the seconds as the range: the extremes of many seconds always overlap."""
    found = {}
    for key, series in timeline(result).items():
        name, values = _RATES.get(key, key), [value for value in series if value is not None]
        if name in whole and len(values) >= SECONDS_MIN:
            low, _, high = quantiles(values, n=4)
            middle = whole[name].middle
            found[name] = Spread(min(low, middle), middle, max(high, middle), known=True)
    return found


_RATES = {"deliveries": "deliveries_per_s", "acks": "acks_per_s"}
