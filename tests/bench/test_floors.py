"""The generator finds a floor that lies: a daemon is not put beside what does not do its work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.checks import COUNTERS
from bench.engine.record import Script
from bench.engine.relay import Relay, RelayPlan
from bench.engine.roles import Echoing
from bench.engine.run_state import Access, Pacing, Report
from bench.engine.workers import Plan, measure
from bench.peers.table import PUSH
from bench.server import Endpoint
from bench.wire import ENCODINGS
from tests.kit.faulty_baseline import faulty_baseline, faulty_echo
from tests.kit.soak import SOAKING

# Enough is under way at once, or due, that the faulty one is among it however slow the machine is.
# In the suite a fan-out is closed and an echo open, in a soak each is both.
PACES = (Pacing(0.3, 0.0, in_flight=8), Pacing(0.3, 0.0, rate=100.0, arrival="uniform"))


def patient(pacing: Pacing, fault: str) -> Pacing:
    """Nobody waits for what a liar never sends; an honest floor may be as slow as the machine is."""
    return replace(pacing, quiet_s=60.0 if fault == "none" else 0.3)


async def play(plan: Plan) -> Report:
    there = Endpoint(plan.access.url, "", ENCODINGS["msgpack"], None)
    seen, _ = await measure(plan, 1, there)
    # A machine that stands still may count no message as due, and finds the fault all the same.
    assert seen.record.messages or found(seen)
    return seen


def found(seen: Report) -> set[str]:
    return {name for name in COUNTERS if seen.tally.counts()[name]}


@pytest.mark.parametrize("pacing", PACES if SOAKING else PACES[:1])
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
        seen = await play(
            Plan(Relay, Access(url, ""), Script("flor"), patient(pacing, fault), RelayPlan(4, 1, PUSH))
        )
    assert found(seen) >= counted, seen.tally.counts()
    assert bool(found(seen)) == bool(counted), seen.tally.examples


@pytest.mark.parametrize("pacing", PACES if SOAKING else PACES[1:])
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
        seen = await play(Plan(Echoing, Access(url, ""), Script("echo"), patient(pacing, fault), 2))
    # What comes back twice is another one than is awaited, or none is.
    assert found(seen) & counted if counted else not found(seen), seen.tally.examples
