"""Proof that the simulator can fail: each break is found, by the checker that is there for it."""

import pytest

from tests.simulation.canaries import CANARIES
from tests.simulation.choices import Choices
from tests.simulation.known_seeds import FOUND_BY, seeds_for_break
from tests.simulation.trial import trial


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_break_is_found(name: str) -> None:
    _, checker = FOUND_BY[name]
    assert any(checker in trial(Choices(seed), name).findings for seed in seeds_for_break(name))


def test_every_canary_says_what_it_breaks() -> None:
    assert all(canary.__doc__ for canary in CANARIES.values())
    assert len(CANARIES) >= 10
