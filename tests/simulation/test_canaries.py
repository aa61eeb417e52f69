"""Proof that the simulator can fail: each break is found by the right checker; the same seeds are well without it."""

import pytest

from tests.simulation.canaries import CANARIES
from tests.simulation.tape import Tape
from tests.simulation.trial import trial

# The quick ones, with a seed that finds them and a checker that has to complain.
FOUND = {
    "ack-before-commit": (0, "saved_acks"),
    "broadcast-before-commit": (0, "true_events"),
    "synchronous-normal": (0, "saved_acks"),
    "dedupe-dropped": (0, "once"),
    "member-for-ever": (0, "members_only"),
    "reset-without-reason": (0, "reset_with_reason"),
    "own-event-twice": (0, "kept_promises"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_break_is_found(name: str) -> None:
    seed, checker = FOUND[name]
    assert checker in trial(Tape(seed), name).findings


def test_every_canary_says_what_it_breaks() -> None:
    assert all(canary.__doc__ for canary in CANARIES.values())
    assert len(CANARIES) >= 10
