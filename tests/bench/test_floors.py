"""The generator finds a floor that lies: a daemon is not put beside what does not do its work."""

from __future__ import annotations

import pytest

from bench.checks import COUNTERS
from bench.codec import ENCODINGS
from bench.engine.bare import Bare, BareFanout, Echoing
from bench.engine.crew import measure
from bench.engine.device import Access
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.target import Target
from tests.kit.faulty_baseline import faulty_baseline, faulty_echo

PACES = (Pacing(0.3, 0.0, quiet_s=0.3), Pacing(0.3, 0.0, rate=100.0, arrival="uniform", quiet_s=0.3))


async def play(plan: Plan) -> Report:
    there = Target(plan.access.url, "", ENCODINGS["msgpack"], None)
    seen, _ = await measure(plan, 1, there)
    assert seen.record.messages
    return seen


def found(seen: Report) -> set[str]:
    return {name for name in COUNTERS if seen.tally.counts()[name]}


@pytest.mark.parametrize("pacing", PACES, ids=["closed", "open"])
@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("none", set()),
        ("forget", {"lost"}),
        ("alter", {"lost"}),
        ("swallow", {"lost"}),
        ("double", {"duplicated"}),
    ],
)
async def test_a_push_that_is_not_what_it_says_is_found(
    fault: str, counted: set[str], pacing: Pacing
) -> None:
    async with faulty_baseline(fault) as url:
        bare = Bare(members=4, upgrade=False)
        seen = await play(Plan(BareFanout, Access(url, ""), Script("flor"), pacing, bare))
    assert found(seen) >= counted, seen.tally.counts()
    assert bool(found(seen)) == bool(counted), seen.tally.examples


@pytest.mark.parametrize("pacing", PACES, ids=["closed", "open"])
@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("none", set()),
        ("alter", {"altered"}),
        ("swallow", {"unacked"}),
        ("double", {"altered", "duplicated"}),
    ],
)
async def test_an_echo_that_is_not_what_it_says_is_found(
    fault: str, counted: set[str], pacing: Pacing
) -> None:
    async with faulty_echo(fault) as url:
        seen = await play(Plan(Echoing, Access(url, ""), Script("echo"), pacing, 2))
    # What comes back twice is another one than is awaited, or none is.
    assert found(seen) & counted if counted else not found(seen), seen.tally.examples
