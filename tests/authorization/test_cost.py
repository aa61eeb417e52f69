"""What a stranger's question costs the store: one look, the same for a private room in memory, for one that sleeps, and
for one that is not there. And it loads nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.court import Court, Stage, rows
from tests.kit.indoors import Indoors, indoors

NAMES = [name for name, row in rows().items() if row.outcomes["stranger"] in ("not_found", "passed")]
for names_no_room in ("devices.remove/others", "watch"):
    NAMES.remove(names_no_room)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as running:
        yield running


async def test_strangers_cost_the_same_reads_wherever_they_point(house: Indoors) -> None:
    court = await Court.opens(house)
    asker = await court.arrives("stranger")
    stage = await court.stages("stranger", asker)
    registry = house.inside.rooms.registry
    look, accounts = Counter(placed=1), Counter(people=1)
    for name in NAMES:
        assert stage.room in registry.rooms
        awake = await _cost(court, asker, name, stage)
        registry.forget_idle(float("inf"), [])
        asleep = await _cost(court, asker, name, stage)
        assert registry.rooms == {}, f"{name} of a stranger brought a room into memory"
        absent = await _cost(court, asker, name, Stage("gAbCdEfGhIj0", 1, 2))
        assert awake == asleep == absent, name
        # Beside the look at the room only the accounts of whom the request names may be read.
        assert absent - accounts == look, name
        await house.inside.rooms.get(stage.room)


async def _cost(court: Court, asker, name: str, stage: Stage) -> Counter[str]:
    before = court.house.store.calls.copy()
    await court.asks(asker, name, stage)
    return court.house.store.calls - before
