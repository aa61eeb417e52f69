"""One run with its checks, for the command line, the suite and the shrinker."""

import gc
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.simulation.canaries import CANARIES
from tests.simulation.checkers import check
from tests.simulation.choices import Choices
from tests.simulation.shrink import Lanes, Shrinker
from tests.simulation.sometimes import met
from tests.simulation.world import run

# Runs between collections: one takes as long as a small run, ten runs take some 50 MB.
COLLECT_EVERY = 10


@dataclass(slots=True, frozen=True)
class TrialResult:
    """A result: `findings` by checker; empty: all promises were kept. `story`: its events, when asked for."""

    findings: dict[str, list[str]]
    met: Counter[str]
    trace: str
    lanes: Lanes
    story: list[str]


def trial(choices: Choices, canary: str = "", *, story: bool = False) -> TrialResult:
    """Make a run and check it; with a canary on a daemon that is broken on purpose."""
    with collector_rests(), broken(canary):
        return checked(choices, story)


def checked(choices: Choices, story: bool) -> TrialResult:
    world = run(choices, story=story)
    history = world.history
    return TrialResult(check(history), met(history), world.trace.hexdigest(), choices.recorded, history.notes)


def broken(canary: str) -> AbstractContextManager[Any]:
    """Put the break of this name in force around the block; none for no name. Raises KeyError for an unknown one."""
    return CANARIES[canary]() if canary else nullcontext()


def trials(seeds: range, canary: str = "") -> tuple[dict[int, TrialResult], Counter[str]]:
    """Return the results of those seeds that failed, and the states that all of them reached."""
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
    """Prevent a collection in the middle of a run: its time would depend on everything before."""
    if not gc.isenabled():
        yield
        return
    gc.collect()
    # The objects of a whole test run would be traced again for every few seeds.
    gc.freeze()
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
    """Return the checker that failed first, the smallest run in which it still does, and how many runs that took."""
    checker = next(iter(verdict.findings))
    shrinker = Shrinker(lambda lanes: checker in trial(Choices(lanes=lanes), canary).findings)
    with collector_rests():
        lanes = shrinker.shrunk(verdict.lanes)
    return checker, trial(Choices(lanes=lanes), canary, story=True), shrinker.runs
