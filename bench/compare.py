"""`compare`: the change between two sets of runs, with their spread; exit code 5 on a regression."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from bench import machine
from bench.checks import COUNTERS
from bench.options import Scenario
from bench.printout import IN_MEMORY, worded
from bench.results import Result, Unreadable, figures, read, timeline

REGRESSION = 5
SECONDS_MIN = 4  # fewer seconds tell nothing about how a figure spreads
# Counts of what must not be: one more is worse, whatever the spread.
SURE = (*COUNTERS, "missed", "incorrect")
MORE, LESS, NEITHER = 1, -1, 0
# Words that stand for somebody else: what the daemon is put beside, and the generator.
_OTHERS = frozenset(("peers", "floor", "empty", "generator", "schedule_lag_ms"))
# The first pattern that fits a name, with a dot before it, tells the way; without one there is none.
_MORE = ("*.ratio.*", "*.knee.rate", "*_per_s")
_LESS = [
    "*_ms.p*",
    "*_ms.max",
    "*_us",
    "*_bytes",
    "*_bytes_max",
    "*.ready_s",
    "*.complete_s",
    ".server.cpu_s",
]
_WAYS = (
    ("*.ratio.*_p99", LESS),
    *((pattern, MORE) for pattern in _MORE),
    *((pattern, LESS) for pattern in (*_LESS, *(f"*.{word}" for word in SURE))),
)
# A ramp shows the highest rate that held: a higher one has other latencies, and is better all the same.
_ONLY = {"ramp": ("knee.rate", *COUNTERS)}
_OF_A_RATE = ("server.cpu_s",)  # in a closed loop more work uses more
KNEE = "knee.rate"
_RATES = {"deliveries": "deliveries_per_s", "acks": "acks_per_s"}
_HEAD = f"  {'':<26}{'before':>28}{'after':>28}{'change':>10}"


class Spread(NamedTuple):
    """The median of a figure and the range it was seen in. `known`: there was more than one value."""

    low: float
    middle: float
    high: float
    known: bool

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), median(values), max(values), len(values) > 1)

    def apart(self, other: Spread) -> bool:
        return self.high < other.low or other.high < self.low

    def worded(self, name: str) -> str:
        middle, low, high = (worded(name, value) for value in self[:3])
        bare = (text.partition(" ")[0].removesuffix("/s") for text in (low, high))
        return f"{middle} [{' .. '.join(bare)}]" if self.known else middle


class Delta(NamedTuple):
    """One figure of both sides. `way` is 1 when more of it is better, -1 when less is."""

    name: str
    way: int
    before: Spread
    after: Spread

    @property
    def change(self) -> float | None:
        if not self.before.middle:
            return 0.0 if not self.after.middle else None
        return (self.after.middle - self.before.middle) / abs(self.before.middle)

    @property
    def judged(self) -> bool:
        """Whether it can be told from chance: a count of faults always, anything else by its spread."""
        return self.name.rpartition(".")[2] in SURE or (self.before.known and self.after.known)

    @property
    def gained(self) -> bool:
        return (self.after.middle - self.before.middle) * self.way > 0

    def worse(self, tolerance: float) -> bool:
        """Whether this is a regression: the ranges are apart, the wrong way, and by more than `tolerance`."""
        return self.verdict(tolerance) == "WORSE"

    def verdict(self, tolerance: float) -> str:
        """The change in a word. A change is one only where the ranges of the runs do not touch."""
        if self.change == 0:
            return "same"
        if not self.judged:
            return "one run: not judged"
        if not self.before.apart(self.after):
            return "within the spread"
        if self.gained:
            return "better"
        return "WORSE" if self.change is None or abs(self.change) > tolerance else "slightly worse"


async def run(options: argparse.Namespace) -> int:
    """Print the comparison; 5 when something is worse beyond the tolerance. Raises Unreadable."""
    before, after = read(options.before), read(options.after)
    scenarios = {str(result["scenario"]) for result in (*before, *after)}
    if len(scenarios) > 1:
        raise Unreadable(f"runs of different scenarios cannot be compared: {', '.join(sorted(scenarios))}")
    deltas, tolerance = compare(before, after), options.tolerance
    sides = ((options.before, before), (options.after, after))
    names = (f"{path} ({len(runs)} run{'s'[: len(runs) > 1]})" for path, runs in sides)
    lines = [f"compare {scenarios.pop()} · {' → '.join(names)}", "", _HEAD]
    for delta in deltas:
        change = "from 0" if delta.change is None else f"{delta.change:+.1%}"
        cells = "".join(spread.worded(delta.name).rjust(28) for spread in (delta.before, delta.after))
        lines.append(f"  {delta.name:<26}{cells}{change:>10}  {delta.verdict(tolerance)}")
    lines += ["", *(f"  note        {note}" for note in _notes(before, after))]
    worse, told = sum(delta.worse(tolerance) for delta in deltas), sum(delta.judged for delta in deltas)
    some = f" in {told} of {len(deltas)} figures; the others cannot be judged" if told < len(deltas) else ""
    verdict = f"{worse} worse by more than {tolerance:.0%}" if worse else f"no regression{some}"
    print("\n".join([*lines, f"  verdict     {verdict}"]))
    return REGRESSION if worse else 0


def _notes(before: Sequence[Result], after: Sequence[Result]) -> Iterator[str]:
    results = (*before, *after)
    if len(before) == 1 or len(after) == 1:
        yield "one run has no spread of its own; brackets are the middle half of its seconds"
    if len({str(result.get("environment")) for result in results}) > 1:
        yield "the runs are from different machines or versions"
    if len({str((result.get("server") or {}).get("storage")) for result in results}) > 1:
        yield "the databases lay on different media"
    if any(map(machine.in_memory, results)):
        yield IN_MEMORY
    if any(result.get("generator_bound") for result in results):
        yield "a run was generator-bound: the time of the generator is in its figures"


def compare(before: Sequence[Result], after: Sequence[Result]) -> list[Delta]:
    earlier, later, ways = spreads(before), spreads(after), judged(before[0])
    return [Delta(name, ways[name], earlier[name], later[name]) for name in earlier if name in later]


def spreads(results: Sequence[Result]) -> dict[str, Spread]:
    """How each judged figure spreads over the runs; of a single run, over what it has of its own."""
    runs = [figures(result) for result in results]
    known = [name for name in judged(results[0]) if all(name in run for run in runs)]
    found = {name: Spread.of([run[name] for run in runs]) for name in known}
    return found if len(results) > 1 else found | _of_one(results[0], found)


def _of_one(result: Result, whole: dict[str, Spread]) -> dict[str, Spread]:
    """The middle half of the seconds, whose extremes always overlap; of a knee the gap to the rate that failed."""
    found = {}
    for key, series in timeline(result).items():
        name, values = _RATES.get(key, key), [value for value in series if value is not None]
        if name in whole and len(values) >= SECONDS_MIN:
            low, _, high = quantiles(values, n=4)
            middle = whole[name].middle
            found[name] = Spread(min(low, middle), middle, max(high, middle), known=True)
    failed = [float(step["rate"]) for step in result.get("steps", ()) if not step["held"]]
    if KNEE in whole and failed:
        middle = whole[KNEE].middle
        found[KNEE] = Spread(middle, middle, max(middle, min(failed)), known=True)
    return found


def better(name: str) -> int:
    """MORE when a larger value of this figure is better, LESS when a smaller one is, NEITHER for all others.

    >>> better("deliveries_per_s"), better("ack_ms.p99"), better("messages"), better("peers.nats.deliveries_per_s")
    (1, -1, 0, 0)
    """
    if _OTHERS.intersection(name.split(".")):
        return NEITHER
    return next((way for pattern, way in _WAYS if fnmatchcase(f".{name}", pattern)), NEITHER)


def judged(result: Result) -> dict[str, int]:
    """The way of every figure of a result that has one: by its name, or as the table of targets has it."""
    if "goals" in result:
        ways = {name: LESS for name in figures(result) if name.rpartition(".")[2] in SURE}
        required = (
            (goal, one) for goal in result["goals"] for one in goal["figures"] if one["must"] is not None
        )
        more = {f"{goal['name']}.{one['key']}": one["more"] for goal, one in required}
        return ways | {name: MORE if upwards else LESS for name, upwards in more.items()}
    known = _ONLY.get(result["scenario"], tuple(figures(result)))
    skipped = _OF_A_RATE if result.get("loop") == "closed" else ()
    return {name: way for name in known if name not in skipped and (way := better(name))}


def _percent(word: str) -> float:
    value = float(word.removesuffix("%")) / 100
    if not 0 <= value < 10:
        raise argparse.ArgumentTypeError(f"{word} is not a percentage from 0 to 1000")
    return value


_WORST = "a change up to this is no regression (5%%)"
SCENARIO = Scenario(
    "what changed between two sets of runs, with their spread; exit code 5 on a regression",
    run,
    own={
        "before": {"type": Path, "help": "a result file, or a directory with several runs"},
        "after": {"type": Path, "help": "the same, of what is to be judged"},
        "--tolerance": {"type": _percent, "default": 0.05, "metavar": "P%", "help": _WORST},
    },
)
