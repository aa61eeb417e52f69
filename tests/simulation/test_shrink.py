"""Shrinking: what is left of failing choices is what makes them fail."""

from tests.simulation.choices import Choices
from tests.simulation.shrink import Lanes, Shrinker, sizes
from tests.simulation.trial import minimal, trial

LONG: Lanes = {"a": [*range(1, 60)], "b": [7] * 40, "c": [1]}


def test_only_what_matters_is_left() -> None:
    shrinker = Shrinker(lambda lanes: sum(lanes.get("b", [])[10:12]) >= 8)
    assert shrinker.shrunk(LONG) == {"b": [*[0] * 10, 3, 7]} or sizes(shrinker.shrunk(LONG)) == (12, 2)


def test_shrinking_ends() -> None:
    shrinker = Shrinker(lambda lanes: True, runs_max=5)
    shrinker.shrunk(LONG)
    assert shrinker.runs <= 5


def test_a_broken_daemon_is_found_with_a_short_story() -> None:
    verdict = trial(Choices(0), "own-event-twice")
    checker, small, _ = minimal(verdict, "own-event-twice")
    assert checker in small.findings
    before, after = sizes(verdict.lanes), sizes(small.lanes)
    assert after[0] < before[0] / 4
    assert small.story[0].endswith("daemon: boot 1")
