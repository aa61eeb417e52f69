"""One run, judged: what the command line, the suite and the shrinker run."""

import gc
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.simulation.canaries import CANARIES
from tests.simulation.checkers import judge
from tests.simulation.choices import Choices
from tests.simulation.shrink import Lanes, Shrinker
from tests.simulation.sometimes import met
from tests.simulation.world import run

COLLECT_EVERY = 10  # runs: a collection takes as long as a small run, ten runs some 50 MB


@dataclass(slots=True, frozen=True)
class TrialResult:
    """`findings` by checker; empty: all promises were kept. `story`: what happened, when it was asked for."""

    findings: dict[str, list[str]]
    met: Counter[str]
    trace: str
    lanes: Lanes
    story: list[str]


def trial(choices: Choices, canary: str = "", *, telling: bool = False) -> TrialResult:
    """Make a run and judge it; with a canary on a daemon that is broken on purpose."""
    with collector_rests(), broken(canary):
        return judged(choices, telling)


def judged(choices: Choices, telling: bool) -> TrialResult:
    world = run(choices, telling=telling)
    history = world.history
    return TrialResult(judge(history), met(history), world.trace.hexdigest(), choices.recorded, history.notes)


def broken(canary: str) -> AbstractContextManager[Any]:
    """The break of this name in force; none for no name. KeyError for one there is not."""
    return CANARIES[canary]() if canary else nullcontext()


def trials(seeds: range, canary: str = "") -> tuple[dict[int, TrialResult], Counter[str]]:
    """The verdicts of those seeds that did not do well, and what all of them met."""
    failed: dict[int, TrialResult] = {}
    total: Counter[str] = Counter()
    with collector_rests():
        for seed in seeds:
            verdict = trial(Choices(seed), canary)
            total.update(verdict.met)
            if verdict.findings:
                failed[seed] = verdict
            if seed % COLLECT_EVERY == 0:
                gc.collect()
    return failed, total


@contextmanager
def collector_rests() -> Iterator[None]:
    """No collection in the middle of a run: when it comes would depend on everything before."""
    if not gc.isenabled():
        yield
        return
    gc.collect()
    gc.freeze()  # for good: what a whole test run has left would be looked at again for every few seeds
    gc.disable()
    try:
        with warnings.catch_warnings():
            # A process that dies may leave a coroutine behind that was about to begin.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            yield
            gc.collect()
    finally:
        gc.enable()


def minimal(verdict: TrialResult, canary: str = "") -> tuple[str, TrialResult, int]:
    """The checker that complained first, the smallest run in which it still does, and how many runs that took."""
    checker = next(iter(verdict.findings))
    shrinker = Shrinker(lambda lanes: checker in trial(Choices(lanes=lanes), canary).findings)
    with collector_rests():
        lanes = shrinker.shrunk(verdict.lanes)
    return checker, trial(Choices(lanes=lanes), canary, telling=True), shrinker.runs
