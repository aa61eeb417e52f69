"""A block looks like a closed account, a decline like silence: two worlds that differ in this, and in no byte."""

import pytest

from tests.kit.soak import scaled, seed_base
from tests.simulation.people_canaries import decline_told, presence_kept, refused_says_why
from tests.simulation.test_simulation import watchable
from tests.simulation.twins import BLOCK, DECLINE, Pair, difference

SEEDS = scaled(30, 2000)
CHUNK = 10
BASE = seed_base()
# The most seeds until a break is found: most show in the first ten.
BROKEN_SEEDS = 60

pytestmark = pytest.mark.skipif(not watchable(), reason="this Python hides its SQLite: no disk to simulate")


@pytest.mark.parametrize("pair", [BLOCK, DECLINE], ids=lambda pair: pair[0])
@pytest.mark.parametrize("first", range(BASE, BASE + SEEDS, CHUNK))
def test_nothing_tells_two_worlds_apart(first: int, pair: tuple[Pair, Pair]) -> None:
    for seed in range(first, first + CHUNK):
        assert difference(seed, pair) == ""


@pytest.mark.parametrize(
    ("pair", "broken"),
    [(DECLINE, decline_told), (BLOCK, refused_says_why), (BLOCK, presence_kept)],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_break_is_found(pair, broken) -> None:  # type: ignore[no-untyped-def]
    assert any(difference(seed, pair, broken) for seed in range(BROKEN_SEEDS))
