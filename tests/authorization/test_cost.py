"""What a stranger's question costs the store: the same for a private room that sleeps and for one that is not there.

A room that is awake (in memory, used within `room_idle_s`) costs one read less. That difference of some 100
microseconds is all a stranger could measure, and only about a name of 64 random bits that a member gave away.
"""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.court import Court, Stage, rows
from tests.kit.indoors import Indoors, indoors

NAMES = [name for name, row in rows().items() if row.outcomes["stranger"] in ("not_found", "passed")]
NAMES.remove("devices.remove/others")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as running:
        yield running


async def test_strangers_cost_the_same_reads_wherever_they_point(house: Indoors) -> None:
    court = await Court.opens(house)
    asker = await court.arrives("stranger")
    stage = await court.stages("stranger", asker)
    asleep, awake, absent = {}, {}, {}
    for name in NAMES:
        house.inside.rooms.registry.forget_idle(float("inf"), [])
        asleep[name] = await _cost(court, asker, name, stage)
        awake[name] = await _cost(court, asker, name, stage)
        absent[name] = await _cost(court, asker, name, Stage("gAbCdEfGhIj0", 1, 2))
    load = Counter(load_rooms=1)
    assert absent == asleep
    assert absent == {name: awake[name] + load for name in NAMES}
    assert all(cost["load_rooms"] == 1 and cost.total() <= 2 for cost in absent.values())


async def _cost(court: Court, asker, name: str, stage: Stage) -> Counter[str]:
    before = court.house.store.calls.copy()
    await court.asks(asker, name, stage)
    return court.house.store.calls - before
