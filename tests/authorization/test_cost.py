"""The cost of a stranger's question to the store: one read, the same for a private room in memory, for one that is not
loaded, and for one that does not exist. And it loads nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.auth_matrix import AuthMatrix, PreparedRoom, rows
from tests.kit.inprocess import InProcessServer, in_process

NAMES = [name for name, row in rows().items() if row.outcomes["stranger"] in ("not_found", "passed")]
# The last names another room, of the asker's own, which is loaded.
for names_other in ("devices.remove/others", "watch", "forward/from"):
    NAMES.remove(names_other)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    switched_on = {"moderation": {"enabled": True}, "search": {"enabled": True}}
    async with in_process(tmp_path, rates={"enabled": False}, **switched_on) as running:
        yield running


async def test_strangers_cost_the_same_reads_wherever_they_point(server: InProcessServer) -> None:
    matrix = await AuthMatrix.open(server)
    asker = await matrix.connect_as("stranger")
    prepared = await matrix.prepare_room("stranger", asker)
    registry = server.app.rooms.cache
    # Screening looks at what is forwarded before the decision does.
    look, accounts = Counter(placed=1), Counter(people=1)
    # Of their own.
    drafts = Counter(rows_of_section=1)
    for name in NAMES:
        assert prepared.room in registry.rooms
        awake = await _cost(matrix, asker, name, prepared)
        registry.forget_idle(float("inf"), [])
        asleep = await _cost(matrix, asker, name, prepared)
        assert registry.rooms == {}, f"{name} of a stranger brought a room into memory"
        absent = await _cost(matrix, asker, name, PreparedRoom("gAbCdEfGhIj0", 1, 2))
        assert awake == asleep == absent, name
        # Beside the look at the room only the accounts of whom the request names may be read.
        assert absent - accounts - drafts == (look + look if name == "forward/to" else look), name
        await server.app.rooms.get(prepared.room)


async def _cost(matrix: AuthMatrix, asker, name: str, prepared: PreparedRoom) -> Counter[str]:
    before = matrix.server.store.calls.copy()
    await matrix.outcome(asker, name, prepared)
    return matrix.server.store.calls - before
